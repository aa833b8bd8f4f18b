"""The database pool on a real SQLite file: sizes, waits, timeouts, and resizing under way."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import exc, text

from mcptop.demo.systems import db_pool
from mcptop.demo.systems.db_engine import with_driver
from mcptop.demo.systems.db_pool import DbPool


def _url(folder: Path) -> str:
    return f"sqlite:///{folder}/jobs.db"


async def _hold(stack: AsyncExitStack, pool: DbPool, count: int) -> None:
    for _ in range(count):
        connection = await stack.enter_async_context(pool.connection())
        await connection.execute(text("select 1"))


async def test_defect_4_and_13_eighteen_of_twenty_plus_thirty_is_not_full(tmp_path: Path) -> None:
    pool = DbPool(_url(tmp_path))
    async with AsyncExitStack() as stack:
        await _hold(stack, pool, 18)
        now = pool.stats()
        assert (now.in_use, now.size, now.max, now.waiting, now.waits) == (18, 20, 50, 0, 0)
    assert (pool.stats().in_use, pool.stats().idle) == (0, 18)
    await pool.aclose()


async def test_the_pool_goes_over_its_size_up_to_its_maximum_and_keeps_only_its_size(tmp_path: Path) -> None:
    pool = DbPool(_url(tmp_path), pool_size=1, max_overflow=2)
    async with AsyncExitStack() as stack:
        await _hold(stack, pool, 3)
        assert (pool.stats().in_use, pool.stats().idle) == (3, 0)
    assert (pool.stats().in_use, pool.stats().idle) == (0, 1)
    await pool.aclose()


async def test_a_new_pool_is_empty_not_negative(tmp_path: Path) -> None:
    pool = DbPool(_url(tmp_path))
    now = pool.stats()
    assert (now.in_use, now.idle, now.size, now.max) == (0, 0, 20, 50)
    await pool.aclose()


async def test_waiting_is_seen_and_its_time_is_counted(tmp_path: Path) -> None:
    clock = [10.0]
    pool = DbPool(_url(tmp_path), pool_size=1, max_overflow=0, clock=lambda: clock[0])
    seen: list[int] = []

    async def use() -> None:
        async with pool.connection() as connection:
            seen.append((await connection.execute(text("select 7"))).scalar_one())

    async with pool.connection():
        waiter = asyncio.create_task(use())
        while not pool.stats().waiting:
            await asyncio.sleep(0)
        assert pool.stats().waiting == 1
        clock[0] += 4.0
    await waiter
    now = pool.stats()
    assert (seen, now.waiting, now.waits, now.wait_s, now.timeouts) == ([7], 0, 1, 4.0, 0)
    await pool.aclose()


async def test_a_timeout_is_counted_and_raised(tmp_path: Path) -> None:
    pool = DbPool(_url(tmp_path), pool_size=1, max_overflow=0, timeout_s=0.01)
    async with pool.connection():
        with pytest.raises(exc.TimeoutError):
            async with pool.connection():
                pass
    assert (pool.stats().timeouts, pool.stats().waits, pool.stats().in_use) == (1, 1, 0)
    await pool.aclose()


async def test_a_cancelled_waiter_leaves_no_trace(tmp_path: Path) -> None:
    pool = DbPool(_url(tmp_path), pool_size=1, max_overflow=0)

    async def use() -> None:
        async with pool.connection():
            raise AssertionError("there was no connection to have")

    async with pool.connection():
        waiter = asyncio.create_task(use())
        while not pool.stats().waiting:
            await asyncio.sleep(0)
        waiter.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiter
        assert pool.stats().waiting == 0
    async with pool.connection() as connection:
        assert (await connection.execute(text("select 1"))).scalar_one() == 1
    await pool.aclose()


async def test_an_error_inside_gives_the_connection_back_and_rolls_back(tmp_path: Path) -> None:
    pool = DbPool(_url(tmp_path), pool_size=1, max_overflow=0)
    async with pool.connection() as connection:
        await connection.execute(text("create table t (x int)"))
        await connection.commit()

    async def insert_and_fail() -> None:
        async with pool.connection() as connection:
            await connection.execute(text("insert into t values (1)"))
            raise KeyError

    with pytest.raises(KeyError):
        await insert_and_fail()
    async with pool.connection() as connection:
        assert (await connection.execute(text("select count(*) from t"))).scalar_one() == 0
    await pool.aclose()


async def test_sqlite_gets_wal_and_a_busy_timeout(tmp_path: Path) -> None:
    pool = DbPool(_url(tmp_path))
    async with pool.connection() as connection:
        assert (await connection.execute(text("pragma journal_mode"))).scalar_one() == "wal"
        assert (await connection.execute(text("pragma busy_timeout"))).scalar_one() == 5000
    await pool.aclose()


async def test_resizing_lets_those_in_use_finish_and_the_counts_go_on(tmp_path: Path) -> None:
    pool = DbPool(_url(tmp_path), pool_size=2, max_overflow=0, timeout_s=0.01)
    async with AsyncExitStack() as stack:
        await _hold(stack, pool, 2)
        with pytest.raises(exc.TimeoutError):
            await stack.enter_async_context(pool.connection())
        old = pool._now
        await pool.resize(5, 5, timeout_s=1.0)
        now = pool.stats()
        assert (now.in_use, now.size, now.max, now.waiting, now.timeouts) == (2, 5, 10, 0, 1)
        await _hold(stack, pool, 1)
        assert pool.stats().in_use == 3
    assert (pool.stats().in_use, pool.stats().idle) == (0, 1)
    assert (old.users, old.pool.checkedin()) == (0, 0)
    await pool.aclose()


async def test_shrinking_an_idle_pool_closes_its_old_connections_at_once(tmp_path: Path) -> None:
    pool = DbPool(_url(tmp_path), pool_size=4, max_overflow=0)
    async with AsyncExitStack() as stack:
        await _hold(stack, pool, 4)
    old = pool._now
    await pool.resize(1, 0)
    assert old.pool.checkedin() == 0
    assert (pool.stats().idle, pool.stats().max) == (0, 1)
    await pool.aclose()


async def test_closing_lets_the_last_user_finish(tmp_path: Path) -> None:
    pool = DbPool(_url(tmp_path))
    async with pool.connection() as connection:
        await pool.aclose()
        assert (await connection.execute(text("select 1"))).scalar_one() == 1
    assert pool._now.pool.checkedin() == 0
    with pytest.raises(RuntimeError, match="closed"):
        async with pool.connection():
            pass


def test_a_pool_without_a_limit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="without a limit"):
        DbPool(_url(tmp_path), pool_size=0)
    with pytest.raises(ValueError, match="without a limit"):
        DbPool(_url(tmp_path), max_overflow=-1)


@pytest.mark.parametrize(
    ("given", "driver"),
    [
        ("postgres://u:p@db/x", "postgresql+asyncpg"),
        ("postgresql://u:p@db/x", "postgresql+asyncpg"),
        ("postgresql+asyncpg://u:p@db/x", "postgresql+asyncpg"),
        ("sqlite:////data/x.db", "sqlite+aiosqlite"),
    ],
)
def test_urls_get_the_asyncio_driver(given: str, driver: str) -> None:
    assert with_driver(given).drivername == driver


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="needs a file"):
        DbPool(url)


async def test_the_application_name_goes_to_postgres_only(tmp_path: Path) -> None:
    pool = DbPool("postgres://u:p@db/x", application_name="mcp-api")
    assert pool._options["connect_args"]["server_settings"] == {"application_name": "mcp-api"}
    await pool.aclose()
    local = DbPool(_url(tmp_path), application_name="mcp-api")
    async with local.connection():
        assert local.stats().in_use == 1
    await local.aclose()


def test_defect_5_the_budget_writes_the_sum_out() -> None:
    says = db_pool.budget(50, 3, 1, 97)
    assert says == "pool maximum 50 x replicas 3 x processes 1 = 150 connections, but the server allows 97"
    assert db_pool.budget(32, 3, 1, 97) is None
    assert db_pool.budget(50, 1, 2, 97) is not None
    assert db_pool.budget(97, 1, 1, 97) is None
