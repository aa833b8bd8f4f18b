"""redis-py against a real server: pools that refuse, pools that let wait, for threads and for asyncio."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from redis import asyncio as aredis

from mcptop.instrument import read
from tests.instrument.waiting import became, becomes

FULL = {"max": 2, "in_use": 2, "idle": 0, "waiting": 1}


def test_a_pool_of_threads_refuses_when_it_is_full(redis_port: int) -> None:
    with redis.Redis(port=redis_port, max_connections=2) as client:
        assert client.ping()
        pool = client.connection_pool
        assert read(client) == read(pool) == {"max": 2, "in_use": 0, "idle": 1, "waiting": 0}
        held = [pool.get_connection() for _ in range(2)]
        with pytest.raises(redis.ConnectionError):
            pool.get_connection()
        assert read(client) == {"max": 2, "in_use": 2, "idle": 0, "waiting": 0}
        for each in held:
            pool.release(each)
        assert read(client) == {"max": 2, "in_use": 0, "idle": 2, "waiting": 0}


def test_a_blocking_pool_of_threads(redis_port: int) -> None:
    pool = redis.BlockingConnectionPool(port=redis_port, max_connections=2)
    client = redis.Redis.from_pool(pool)
    assert client.ping()
    became(client, max=2, in_use=0, idle=1, waiting=0)
    held = [pool.get_connection() for _ in range(2)]
    with ThreadPoolExecutor(1) as threads:
        waiter = threads.submit(client.ping)
        became(client, **FULL)
        for each in held:
            pool.release(each)
        assert waiter.result(20)
    became(client, max=2, in_use=0, idle=2, waiting=0)
    client.close()


async def test_a_pool_of_asyncio(redis_port: int) -> None:
    async with aredis.Redis(port=redis_port, max_connections=2) as client:
        assert await client.ping()
        pool = client.connection_pool
        held = await pool.get_connection()
        assert read(client) == read(pool) == {"max": 2, "in_use": 1, "idle": 0, "waiting": 0}
        await pool.release(held)
        assert read(client) == {"max": 2, "in_use": 0, "idle": 1, "waiting": 0}


async def test_a_blocking_pool_of_asyncio(redis_port: int) -> None:
    pool = aredis.BlockingConnectionPool(port=redis_port, max_connections=2)
    async with aredis.Redis.from_pool(pool) as client:
        held = [await pool.get_connection() for _ in range(2)]
        waiter = asyncio.ensure_future(client.ping())
        await becomes(client, **FULL)
        for each in held:
            await pool.release(each)
        assert await waiter
        assert read(client) == {"max": 2, "in_use": 0, "idle": 2, "waiting": 0}
