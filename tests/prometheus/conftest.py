"""A Prometheus for the tests that need one. Elsewhere: `from tests.prometheus.server import Prometheus`."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from .server import Prometheus, Scrape
from .world import World

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
