"""asyncpg's and psycopg's own pools, on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack

import asyncpg
import psycopg_pool
import pytest

from mcptop.instrument import read
from mcptop.instrument.registry import Registry
from tests.demo.servers import free_port
from tests.instrument.waiting import became, becomes, picked


async def test_asyncpg_under_load(postgres: str) -> None:
    async with asyncpg.create_pool(postgres, min_size=2, max_size=3) as pool:
        assert read(pool) == {"size": 2, "max": 3, "in_use": 0, "idle": 2, "waiting": 0}
        async with AsyncExitStack() as stack:
            for _ in range(3):
                connection = await stack.enter_async_context(pool.acquire())
                await connection.execute("select 1")
            waiters = [asyncio.ensure_future(pool.fetchval("select 7")) for _ in range(2)]
            await becomes(pool, in_use=3, idle=0, waiting=2)
        assert await asyncio.gather(*waiters) == [7, 7]
        assert picked(pool, "in_use", "idle", "waiting") == {"in_use": 0, "idle": 3, "waiting": 0}


async def test_asyncpg_has_no_weak_references_and_goes_when_it_is_closed(postgres: str) -> None:
    registry = Registry()
    registry.watch(asyncpg.create_pool(postgres, min_size=1), "db")
    (seen,) = registry.look()
    assert seen.figures == {"size": 1, "max": 10, "in_use": 0, "idle": 0, "waiting": 0}
    async with asyncpg.create_pool(postgres, min_size=1) as pool:
        registry.watch(pool, "db")
        assert [each.name for each in registry.look()] == ["db", "db-2"]
    assert [each.name for each in registry.look()] == ["db"]
    assert registry.errors.count == 0


async def test_a_pool_that_cannot_say_whether_it_is_closed_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry()
    registry.watch(asyncpg.create_pool("postgresql://nobody@127.0.0.1:1/"), "db")
    monkeypatch.delattr(asyncpg.Pool, "is_closing")
    assert [each.figures["max"] for each in registry.look()] == [10]
    assert registry.errors.count > 0


async def test_psycopg_under_load(postgres: str) -> None:
    """The counts are absent from its own figures until somebody waited: that is 0, not unknown."""
    pool = psycopg_pool.AsyncConnectionPool(postgres, min_size=1, max_size=2, open=False)
    await pool.open(wait=True)
    assert "requests_queued" not in pool.get_stats()
    await becomes(pool, size=1, max=2, in_use=0, idle=1, waiting=0, waits=0, wait_s=0, timeouts=0)

    async def ask(timeout_s: float) -> None:
        async with pool.connection(timeout_s) as connection:
            await connection.execute("select 1")

    async with AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(pool.connection())
        before = read(pool)["waits"]
        waiter = asyncio.ensure_future(ask(20))
        await becomes(pool, in_use=2, idle=0, waiting=1)
        with pytest.raises(psycopg_pool.PoolTimeout):
            await ask(0.05)
        assert picked(pool, "waits", "timeouts") == {"waits": before + 2, "timeouts": 1}
        assert read(pool)["wait_s"] >= 0.05
    await waiter
    await becomes(pool, in_use=0, idle=2, waiting=0)
    await pool.close()
    assert picked(pool, "max", "in_use", "idle") == {"max": 2, "in_use": None, "idle": None}


def test_psycopg_of_threads_that_turns_callers_away(postgres: str) -> None:
    """Its one count of errors holds those that waited in vain and those that never waited: neither is known."""
    with (
        psycopg_pool.ConnectionPool(postgres, min_size=1, max_size=1, max_waiting=1, name="orders") as pool,
        ThreadPoolExecutor(1) as threads,
    ):
        with pool.connection():
            waiter = threads.submit(lambda: pool.putconn(pool.getconn()))
            became(pool, in_use=1, idle=0, waiting=1)
            with pytest.raises(psycopg_pool.TooManyRequests):
                pool.getconn()
            assert picked(pool, "timeouts") == {"timeouts": None}
        waiter.result(20)
        registry = Registry()
        registry.watch(pool)
        assert [each.name for each in registry.look()] == ["orders"]


def test_psycopg_counts_connections_it_cannot_open_as_its_own() -> None:
    """And so must we: it tells no more."""
    options = {"host": "127.0.0.1", "port": free_port()}
    with psycopg_pool.ConnectionPool(kwargs=options, min_size=2, open=True) as pool:
        assert picked(pool, "in_use", "idle") == {"in_use": 2, "idle": 0}


def test_psycopg_null_pool_without_a_limit(postgres: str) -> None:
    with psycopg_pool.NullConnectionPool(postgres, max_size=0) as pool, pool.connection():
        became(pool, size=0, max=None, in_use=1, idle=0)
