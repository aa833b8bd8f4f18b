"""Database libraries by what is mapped into real processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mcptop.collectors.links import flows_of
from mcptop.model.snapshot import Target
from mcptop.model.value import Kind
from mcptop.sources.address_book import AddressBook
from mcptop.sources.client_libraries import ClientLibraries
from mcptop.sources.tcp_view import Link, TcpView

SQLALCHEMY = (15, "SQLAlchemy's default, 5 + 10")


@pytest.fixture
def loaded() -> Iterator[Callable[[str], int]]:
    """Starts a process that has imported something; its id."""
    started: list[subprocess.Popen[bytes]] = []

    def start(modules: str) -> int:
        program = f"import sys, {modules}; print('ready', flush=True); sys.stdin.read()"
        process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        return process.pid

    yield start
    for process in started:
        process.communicate()


@pytest.mark.parametrize(
    ("modules", "expected"),
    [
        ("sqlalchemy", SQLALCHEMY),
        ("sqlalchemy, asyncpg", SQLALCHEMY),
        ("asyncpg", (10, "asyncpg's default")),
        ("json", None),
    ],
)
def test_a_library_is_known_by_its_compiled_parts(loaded: Any, modules: str, expected: tuple[int, str] | None) -> None:
    libraries = ClientLibraries("/proc")
    pid = loaded(modules)
    assert libraries.most([pid], 5432) == expected
    assert libraries.most([pid], 443) is None


def test_a_process_is_looked_into_once(loaded: Any, monkeypatch: Any) -> None:
    libraries = ClientLibraries("/proc")
    pid = loaded("json")
    libraries.most([pid], 5432)
    monkeypatch.setattr(libraries, "_maps", lambda pid: pytest.fail("again"))
    libraries.most([pid], 5432)
    libraries.forget([])
    assert libraries._found == {}


def test_who_is_gone_has_no_library() -> None:
    assert ClientLibraries("/proc").most([2**22 + 1], 5432) is None
    assert ClientLibraries("/proc").most([], 5432) is None


@pytest.mark.parametrize(
    ("environment", "established", "expected"),
    [
        ((), 9, SQLALCHEMY),
        ((), 16, (None, None)),
        ((("WEB_CONCURRENCY", 4),), 16, (60, "SQLAlchemy's default, 5 + 10, in 4 processes")),
        ((("DB_POOL_SIZE", 20),), 9, (20, "DB_POOL_SIZE")),
        ((("DB_POOL_SIZE", 20), ("WEB_CONCURRENCY", 2)), 9, (40, "DB_POOL_SIZE, in 2 processes")),
    ],
)
def test_a_default_holds_where_no_setting_says_otherwise_and_no_connection_proves_it_wrong(
    environment: tuple[tuple[str, int], ...], established: int, expected: tuple[int | None, str | None]
) -> None:
    view = TcpView(links={("10.0.0.3", 5432): Link(established=established, busy=0)})
    asker = Target(id="a", name="a", kind=Kind.CONTAINER, project=None, service="a", environment=environment)
    (pool,) = flows_of(view, asker, AddressBook(), 0.0, None, lambda port: SQLALCHEMY).pools
    assert (pool.max, pool.max_source) == expected
