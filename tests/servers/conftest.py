"""Real servers for the tests of a run, and what asks them as the program would."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.demo.servers import Postgres, Redis, postgres_programs

from .asking import Asking

Require = Callable[[str, object, str], None]
PASSWORD = "geheim-7431"


@pytest.fixture(scope="session")
def postgres(require: Require) -> Iterator[Postgres]:
    """Whoever is called `guarded` or `stranger` needs a password; the others need none."""
    programs = postgres_programs()
    require("postgres", programs, "no PostgreSQL programs")
    server = Postgres(programs or "")
    rules = server.folder / "data" / "pg_hba.conf"
    rules.write_text("host all guarded,stranger 127.0.0.1/32 scram-sha-256\n" + rules.read_text())
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis_server(require: Require) -> Iterator[Redis]:
    require("redis", shutil.which("redis-server"), "no redis-server")
    server = Redis()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Callable[..., Asking]]:
    """`ask(text of config.toml, *targets)`: the collectors of these settings, asking often."""
    made: list[Asking] = []

    def make(text: str, *services: str) -> Asking:
        file = tmp_path / "config.toml"
        file.write_text(text)
        made.append(Asking(file, services))
        return made[-1]

    yield make
    for asking in made:
        asking.close()
