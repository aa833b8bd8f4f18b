"""What one scrape costs a service: microseconds for each watched thing, with real objects of each library, busy.

Run from a checkout: `python tests/bench/instrument_cost.py [CONNECTIONS]`. The pools hold
that many connections of a loopback server of this program's own, or an SQLite file; half of them are in use. Where
DATABASE_URL names a PostgreSQL, the pools of asyncpg and psycopg_pool are measured, too.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import lru_cache
from queue import Queue
from typing import Any

import aiohttp
import asyncpg
import cachetools
import httpx
import prometheus_client
import psycopg_pool
import redis.asyncio
import sqlalchemy
from sqlalchemy.ext.asyncio import create_async_engine

from mcptop.instrument import collector, forget, read, render, watch

ROUNDS = 2000


@asynccontextmanager
async def slow_server(answer: asyncio.Event) -> AsyncIterator[int]:
    """A port that answers HTTP once `answer` is set, and every Redis command at once."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                if line.startswith(b"*"):
                    for _ in range(2 * int(line[1:])):
                        await reader.readline()
                    writer.write(b"+OK\r\n")
                elif line.startswith(b"GET"):
                    await reader.readuntil(b"\r\n\r\n")
                    if b"/wait" in line:
                        await answer.wait()
                    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def http_pools(stack: AsyncExitStack, port: int, size: int) -> AsyncIterator[tuple[str, Any]]:
    """httpx and aiohttp: all connections opened, then half of them held."""
    url = f"http://127.0.0.1:{port}/"
    limits = httpx.Limits(max_connections=size, max_keepalive_connections=size)
    client = await stack.enter_async_context(httpx.AsyncClient(limits=limits, trust_env=False, timeout=30))
    connector = aiohttp.TCPConnector(limit=size)
    session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
    held = []
    for get in (client.get, session.get):
        held += [asyncio.ensure_future(get(url + "wait")) for _ in range(size // 2)]
    stack.push_async_callback(asyncio.gather, *held)
    while read(client)["in_use"] < size // 2 or read(session)["in_use"] < size // 2:
        await asyncio.sleep(0.01)
    for _ in range(4):
        await client.get(url)
        await (await session.get(url)).read()
    yield "httpx.AsyncClient", client
    yield "aiohttp.ClientSession", session


async def stores(stack: AsyncExitStack, port: int, size: int, folder: str) -> AsyncIterator[tuple[str, Any]]:
    """SQLAlchemy and redis-py, half in use."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{folder}/a.db", pool_size=size, max_overflow=0)
    stack.push_async_callback(engine.dispose)
    for _ in range(size // 2):
        await stack.enter_async_context(engine.connect())
    yield "sqlalchemy AsyncEngine", engine
    sync = sqlalchemy.create_engine(f"sqlite:///{folder}/b.db", pool_size=size, max_overflow=0)
    stack.callback(sync.dispose)
    for _ in range(size // 2):
        stack.enter_context(sync.connect())
    yield "sqlalchemy Engine", sync
    pool = redis.asyncio.ConnectionPool(port=port, protocol=2, max_connections=size)
    stack.push_async_callback(pool.aclose)
    for _ in range(size // 2):
        stack.push_async_callback(pool.release, await pool.get_connection())
    yield "redis.asyncio pool", pool


async def postgres(stack: AsyncExitStack, url: str, size: int) -> AsyncIterator[tuple[str, Any]]:
    """asyncpg and psycopg_pool, half in use."""
    driver = await stack.enter_async_context(asyncpg.create_pool(url, min_size=size, max_size=size))
    pool = await stack.enter_async_context(psycopg_pool.AsyncConnectionPool(url, min_size=size, open=False))
    await pool.wait()
    for _ in range(size // 2):
        await stack.enter_async_context(driver.acquire())
        await stack.enter_async_context(pool.connection())
    yield "asyncpg.Pool", driver
    yield "psycopg_pool", pool


def inside(size: int) -> list[tuple[str, Any]]:
    """What needs no server."""
    jobs: asyncio.Queue[int] = asyncio.Queue()
    threads: Queue[int] = Queue()
    cache: cachetools.TTLCache[int, int] = cachetools.TTLCache(10_000, 60)
    for number in range(size):
        jobs.put_nowait(number)
        threads.put_nowait(number)
        cache[number] = number
    return [
        ("asyncio.Queue", jobs),
        ("queue.Queue", threads),
        ("asyncio.Semaphore", asyncio.Semaphore(size)),
        ("cachetools.TTLCache", cache),
        ("functools.lru_cache", lru_cache(str)),
    ]


def best(work: Callable[[], object]) -> float:
    """Microseconds of the fastest tenth of the rounds: what it costs where nobody else wants the processor."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return 1e6 * sorted(took)[ROUNDS // 10]


async def measure(size: int) -> dict[str, float]:
    """Microseconds a scrape, for each kind of thing."""
    costs = {}
    empty = best(render)
    answer = asyncio.Event()
    with tempfile.TemporaryDirectory() as folder:
        async with slow_server(answer) as port, AsyncExitStack() as stack:
            stack.callback(answer.set)
            things = inside(size)
            things += [each async for each in stores(stack, port, size, folder)]
            things += [each async for each in http_pools(stack, port, size)]
            if url := os.environ.get("DATABASE_URL"):
                things += [each async for each in postgres(stack, url, size)]
            for kind, thing in things:
                watch(thing, kind)
                costs[kind] = best(render) - empty
                forget(thing)
            for kind, thing in things:
                watch(thing, kind)
            costs["all of them, each"] = (best(render) - empty) / len(things)
            registry = prometheus_client.CollectorRegistry()
            registry.register(collector())
            page = best(lambda: prometheus_client.generate_latest(registry))
            costs["all, prometheus_client, each"] = page / len(things)
            answer.set()
    return costs


if __name__ == "__main__":
    connections = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    print(f"{connections} connections, half in use; us a scrape")
    for name, cost in asyncio.run(measure(connections)).items():
        print(f"  {name:32} {cost:7.1f}")
