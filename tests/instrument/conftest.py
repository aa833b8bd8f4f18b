"""Real servers on loopback for the libraries that need one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.conftest import Require
from tests.demo.servers import Postgres, Redis, postgres_programs
from tests.instrument.slow_http import SlowHttp


@pytest.fixture
def http() -> Iterator[SlowHttp]:
    """An HTTP server that keeps its callers waiting."""
    server = SlowHttp()
    yield server
    server.close()


@pytest.fixture(scope="package")
def postgres(require: Require) -> Iterator[str]:
    """The address of a PostgreSQL of these tests' own."""
    programs = postgres_programs()
    require("postgres", programs, "no PostgreSQL server is installed")
    assert programs is not None
    server = Postgres(programs)
    server.start()
    yield server.url
    server.stop()


@pytest.fixture(scope="package")
def redis_port(require: Require) -> Iterator[int]:
    """The port of a Redis of these tests' own."""
    require("redis", shutil.which("redis-server"), "redis-server is not installed")
    server = Redis()
    server.start()
    yield server.port
    server.stop()
