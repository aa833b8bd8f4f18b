"""A Prometheus for the tests that need one. Elsewhere: `from tests.prometheus.server import Prometheus`."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .server import Prometheus, Scrape, until
from .world import World

if TYPE_CHECKING:
    from .watched import Watched

Require = Callable[[str, object, str], None]
Start = Callable[..., Prometheus]


@pytest.fixture
def promtool(require: Require) -> str:
    """The program."""
    found = shutil.which("promtool")
    require("prometheus", found, "no promtool")
    return found or ""


@pytest.fixture(scope="session")
def world(require: Require) -> Iterator[World]:
    """Fleets to look at."""
    require("prometheus", shutil.which("prometheus"), "no prometheus")
    with World() as found:
        yield found


@pytest.fixture
def prometheus(require: Require) -> Iterator[Start]:
    """`prometheus(scrapes, rules)`: a running one, ended with the test."""
    require("prometheus", shutil.which("prometheus"), "no prometheus")
    with ExitStack() as ends:

        def start(scrapes: Sequence[Scrape] = (), rules: Sequence[Path] = ()) -> Prometheus:
            return ends.enter_context(Prometheus(scrapes, rules))

        yield start


@pytest.fixture(scope="package")
def stack(require: Require, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """The demo, an exporter that looks at it and a Prometheus that scrapes that, for all tests of this folder."""
    require("prometheus", shutil.which("prometheus"), "no prometheus")
    from .watched import watched

    with watched(tmp_path_factory.mktemp("watched")) as running:
        running.prometheus.until_up()
        until(lambda: running.replica("mcp-api"))
        yield running
