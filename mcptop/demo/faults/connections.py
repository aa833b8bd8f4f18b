"""Connections: lost ones, held ones, too many new ones, too few, and two healthy looks."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mcptop.demo.faults.fault import fault
from mcptop.demo.faults.tools import every, in_each_request
from mcptop.model.mechanisms import Mechanism

if TYPE_CHECKING:
    from mcptop.demo.services.api import Api
    from mcptop.demo.services.base import Service
    from mcptop.demo.services.load import Load


async def _ask_health(url: str) -> socket.socket:
    """A connection that asked once and got an answer, open on our side."""
    where = urlsplit(url)
    loop = asyncio.get_running_loop()
    address = (await loop.getaddrinfo(where.hostname, where.port, type=socket.SOCK_STREAM))[0]
    connection = socket.socket(address[0], socket.SOCK_STREAM)
    connection.setblocking(False)
    try:
        await loop.sock_connect(connection, address[4])
        await loop.sock_sendall(connection, b"GET /health HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\r\n")
        await loop.sock_recv(connection, 4096)
    except BaseException:
        connection.close()
        raise
    return connection


@fault(Mechanism.CONNECTION_LEAK, "mcp-api", "FD rises; sockets to mcp-worker stay in CLOSE_WAIT")
async def connection_leak(service: Service, per_request: int = 1, most: int = 800) -> AsyncIterator[None]:
    """A client reads the answer and forgets the connection; the server closed its side long ago."""
    kept: list[socket.socket] = []

    async def leak() -> None:
        for _ in range(per_request):
            if len(kept) < most:
                with contextlib.suppress(OSError):
                    kept.append(await _ask_health(service.settings.worker_url))

    try:
        with in_each_request(service, leak):
            yield
    finally:
        for connection in kept:
            connection.close()


async def _ask_once(url: str) -> None:
    """Ask over a new connection, and close it before the other side does. Raises `OSError` or `EOFError`."""
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    try:
        # HEAD, so that nothing is left unread: closing with something unread resets the connection.
        writer.write(b"HEAD /health HTTP/1.1\r\nHost: demo\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
    finally:
        writer.close()


@fault(Mechanism.CONNECTION_CHURN, "mcp-api", "TIME_WAIT piles up towards mcp-worker; FD and open sockets stay")
async def connection_churn(service: Service, per_request: int = 10) -> AsyncIterator[None]:
    """Every request makes new connections for a question each, instead of using the pool; the kernel remembers them."""

    async def ask() -> None:
        for _ in range(per_request):
            with contextlib.suppress(OSError, EOFError):
                await _ask_once(service.settings.worker_url)

    # What is in TIME_WAIT afterwards is the kernel's: it goes within a minute, and nobody can put it back sooner.
    with in_each_request(service, ask):
        yield


@fault(Mechanism.POOL_TOO_SMALL, "mcp-api", "callers wait for the db pool; requests pile up: SOCK and FD of load rise")
async def db_pool_too_small(service: Api, size: int = 2, query_s: float = 0.6) -> AsyncIterator[None]:
    """The database pool has fewer connections than the queries of the present load need."""
    settings = service.settings
    await service.db.resize(size, 0)
    service.store.slow_query_s = query_s
    try:
        yield
    finally:
        service.store.slow_query_s = 0.0
        await service.db.resize(settings.db_pool_size, settings.db_max_overflow)


@fault(Mechanism.CONNECTION_HELD, "mcp-api", "the db pool fills to its maximum and stays: idle in transaction")
async def connection_held(service: Api, per_request: int = 1) -> AsyncIterator[None]:
    """Requests begin a transaction and never end it, so their connections never come back."""
    from sqlalchemy import text  # here, so that the catalogue can be listed without it

    is_on = True
    async with AsyncExitStack() as held:

        async def hold() -> None:
            for _ in range(per_request):
                async with AsyncExitStack() as own:
                    connection = await own.enter_async_context(service.db.connection())
                    await connection.execute(text("SELECT 1"))
                    # A request may have waited for its connection until after the end.
                    if is_on:
                        held.push_async_exit(own.pop_all())

        with in_each_request(service, hold):
            try:
                yield
            finally:
                is_on = False


@fault(Mechanism.ACCEPT_BACKLOG, "mcp-api", "the listener's accept queue is over its backlog; ListenOverflows rises")
async def accept_backlog(service: Service, backlog: int = 2, block_s: float = 3.0) -> AsyncIterator[None]:
    """The program is too busy to accept, and its backlog is short: the kernel turns connections away."""
    listener = service.listener
    if listener is None:
        raise RuntimeError("the service has no listener")

    async def block() -> None:
        time.sleep(block_s)

    listener.listen(backlog)
    try:
        async with every(0.2, block):
            yield
    finally:
        listener.listen(service.backlog)


@fault(Mechanism.IDLE_CONNECTIONS, "load", "SOCK and FD of mcp-api are high and flat; nothing waits, CPU is unchanged")
async def idle_keepalive(service: Load, connections: int = 80) -> AsyncIterator[None]:
    """Control: many callers keep a connection open that they hardly use."""
    where = urlsplit(service.settings.api_url)
    async with AsyncExitStack() as held:
        for _ in range(connections):
            _, writer = await asyncio.open_connection(where.hostname, where.port)
            held.callback(writer.close)
        yield


@fault(Mechanism.BUSY_POOL, "mcp-api", "the db pool is busy, a part of it; nobody waits")
async def busy_pool(service: Api, in_use: int = 15) -> AsyncIterator[None]:
    """Control: a well-used pool with room left."""
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    async def query() -> None:
        with contextlib.suppress(SQLAlchemyError):
            async with service.db.connection() as connection:
                await connection.execute(text("SELECT 1"))
                await asyncio.sleep(0.5)

    async with AsyncExitStack() as running:
        for _ in range(in_use):
            await running.enter_async_context(every(0.005, query))
        yield
