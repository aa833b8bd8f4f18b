"""Engines and pools of SQLAlchemy, on a real SQLite file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, NullPool, QueuePool, StaticPool

from mcptop.instrument import read
from mcptop.instrument.registry import Registry
from tests.instrument.waiting import became, becomes, picked


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    url = f"sqlite+aiosqlite:///{tmp_path}/a.db"
    made = create_async_engine(url, poolclass=AsyncAdaptedQueuePool, pool_size=2, max_overflow=1)
    yield made
    await made.dispose()


def _sync(folder: Path, **options: object) -> Engine:
    return create_engine(f"sqlite:///{folder}/a.db", poolclass=QueuePool, **options)


async def test_an_engine_under_load(engine: AsyncEngine) -> None:
    """Three of 2 + 1 are in use and two callers wait: `overflow()` started at -2 and is 1 by now."""
    assert read(engine) == {"size": 2, "max": 3, "in_use": 0, "idle": 0, "waiting": 0}

    async def use() -> int:
        async with engine.connect() as connection:
            return int((await connection.execute(text("select 1"))).scalar_one())

    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(engine.connect())
        waiters = [asyncio.ensure_future(use()) for _ in range(2)]
        await becomes(engine, in_use=3, idle=0, waiting=2)
    assert await asyncio.gather(*waiters) == [1, 1]
    assert read(engine) == {"size": 2, "max": 3, "in_use": 0, "idle": 2, "waiting": 0}


async def test_a_waiter_that_gave_up_waits_no_more(engine: AsyncEngine) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(engine.connect())
        waiter = asyncio.ensure_future(engine.connect().start())
        await becomes(engine, waiting=1)
        waiter.cancel()
        await asyncio.gather(waiter, return_exceptions=True)
        assert read(engine)["waiting"] == 0


async def test_the_pool_made_anew_by_dispose_is_the_one_that_is_read(engine: AsyncEngine) -> None:
    registry = Registry()
    registry.watch(engine, "db")
    async with engine.connect():
        pass
    await engine.dispose()
    async with engine.connect():
        (seen,) = registry.look()
        assert (seen.figures["in_use"], seen.figures["idle"]) == (1, 0)


def test_a_pool_of_threads_with_a_thread_that_waits(tmp_path: Path) -> None:
    engine = _sync(tmp_path, pool_size=1, max_overflow=0)
    with ThreadPoolExecutor(1) as threads:
        with engine.connect():
            waiter = threads.submit(lambda: engine.connect().close())
            became(engine, size=1, max=1, in_use=1, idle=0, waiting=1)
        waiter.result(20)
    became(engine.pool, in_use=0, idle=1, waiting=0)
    engine.dispose()


@pytest.mark.parametrize(
    ("options", "size", "most"),
    [
        ({"pool_size": 3, "max_overflow": -1}, 3, None),
        ({"pool_size": 0, "max_overflow": 5}, None, None),
        ({"pool_size": 3, "max_overflow": 0}, 3, 3),
    ],
)
def test_what_has_no_limit_has_no_maximum(
    tmp_path: Path, options: dict[str, int], size: int | None, most: int | None
) -> None:
    engine = _sync(tmp_path, **options)
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(engine.connect())
        assert picked(engine, "size", "max", "in_use") == {"size": size, "max": most, "in_use": 2}
    engine.dispose()


def test_a_pool_disposed_of_under_its_users_is_not_below_zero(tmp_path: Path) -> None:
    """SQLAlchemy's own count is -1 then."""
    engine = _sync(tmp_path, pool_size=2)
    with engine.connect():
        engine.pool.dispose()
    assert engine.pool.checkedout() == -1
    assert picked(engine, "in_use", "idle") == {"in_use": None, "idle": 1}
    engine.dispose()


@pytest.mark.parametrize("kind", [NullPool, StaticPool])
def test_pools_in_which_nobody_waits_have_no_figures(tmp_path: Path, kind: type) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/a.db", poolclass=kind)
    with engine.connect():
        assert read(engine) == {}
    engine.dispose()
