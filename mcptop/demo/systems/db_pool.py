"""Pooled database connections: SQLAlchemy's own async queue pool, PostgreSQL or an SQLite file.

The guide's `poolclass=QueuePool` cannot be used with asyncio, and its pool is larger than its `pool_size`:
what a server must bear is `pool_size + max_overflow` for each process of each replica (see `budget`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import event, exc
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from mcptop.demo.systems.db_engine import Generation, place, prepare_sqlite, with_driver
from mcptop.demo.systems.stats import PoolStats, total
from mcptop.instrument import read

_CONNECT_S = 5.0


def budget(pool_max: int, replicas: int, processes: int, usable: int) -> str | None:
    """One sentence with the sum written out when all pools together may exceed what the server allows.

    `usable` is the server's `max_connections` without those it reserves for administrators.
    """
    total = pool_max * replicas * processes
    if total <= usable:
        return None
    return (
        f"pool maximum {pool_max} x replicas {replicas} x processes {processes} = {total} connections, "
        f"but the server allows {usable}"
    )


class DbPool:
    """A pool of database connections that can say how full it is and how long callers waited.

    Raises ValueError for what is neither PostgreSQL nor an SQLite file: in memory each connection would see a database
    of its own.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str = "db",
        pool_size: int = 20,
        max_overflow: int = 30,
        recycle_s: int = 300,
        timeout_s: float = 30.0,
        echo: bool = False,
        application_name: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = with_driver(url)
        self._options: dict[str, Any] = {"pool_recycle": recycle_s, "pool_pre_ping": True, "echo": echo}
        if self._url.get_backend_name() == "postgresql":
            named = {} if application_name is None else {"application_name": application_name}
            self._options["connect_args"] = {"timeout": _CONNECT_S, "server_settings": named}
        self._name = name
        self._clock = clock
        self._timeout_s = timeout_s
        self._pool_size = pool_size
        self._closed = False
        self._now = self._open(pool_size, max_overflow)
        self._draining: set[Generation] = set()
        self._waits = 0
        self._wait_s = 0.0
        self._timeouts = 0

    def _open(self, pool_size: int, max_overflow: int) -> Generation:
        if pool_size < 1 or max_overflow < 0:
            raise ValueError(f"pool of {pool_size} + {max_overflow}: SQLAlchemy would read it as without a limit")
        engine = create_async_engine(
            self._url, pool_size=pool_size, max_overflow=max_overflow, pool_timeout=self._timeout_s, **self._options
        )
        if self._url.get_backend_name() == "sqlite":
            event.listen(engine.sync_engine, "connect", prepare_sqlite)
        return Generation(engine, pool_size + max_overflow)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """A connection, back in the pool afterwards; what was not committed is rolled back.

        Raises sqlalchemy.exc.TimeoutError when none came free in time, RuntimeError after `aclose`.
        """
        if self._closed:
            raise RuntimeError(f"pool {self._name} is closed")
        generation = self._now
        generation.users += 1
        connection: AsyncConnection | None = None
        try:
            connection = await self._check_out(generation)
            yield connection
        finally:
            # A caller that is cancelled here must not take the connection with it.
            await asyncio.shield(asyncio.ensure_future(self._give_back(generation, connection)))

    async def check(self) -> None:
        """Connect once. Raises ConnectionError, one line with the database's place and never a password."""
        try:
            async with self.connection():
                pass
        except Exception as error:  # each driver has its own kinds, for a refused connection as for a wrong password
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise ConnectionError(f"the database at {place(self._url)}: {reason}") from error

    async def _give_back(self, generation: Generation, connection: AsyncConnection | None) -> None:
        try:
            if connection is not None:
                await connection.close()
        finally:
            await generation.leave()
            self._draining = {old for old in self._draining if old.users}

    async def _check_out(self, generation: Generation) -> AsyncConnection:
        if generation.pool.checkedout() < generation.maximum:
            return await generation.engine.connect()
        started = self._clock()
        self._waits += 1
        try:
            return await generation.engine.connect()
        except exc.TimeoutError:
            self._timeouts += 1
            raise
        finally:
            self._wait_s += self._clock() - started

    async def resize(self, pool_size: int, max_overflow: int, timeout_s: float | None = None) -> None:
        """Other sizes from now on; `timeout_s` None keeps the present one. Raises ValueError.

        Connections in use, and callers that wait already, stay with the old engine until they are done.
        """
        if timeout_s is not None:
            self._timeout_s = timeout_s
        old, self._now = self._now, self._open(pool_size, max_overflow)
        self._pool_size = pool_size
        if old.users:
            self._draining.add(old)
        await old.retire()

    def stats(self) -> PoolStats:
        """The pool now. After `resize`, connections still out of the old engine are in use, too."""
        now = read(self._now.engine)
        old = [read(each.engine) for each in self._draining]
        return PoolStats(
            name=self._name,
            in_use=total("in_use", now, *old),
            idle=total("idle", now),
            size=self._pool_size,
            max=self._now.maximum,
            waiting=total("waiting", now, *old),
            waits=self._waits,
            wait_s=self._wait_s,
            timeouts=self._timeouts,
        )

    async def aclose(self) -> None:
        """Close all connections: idle ones now, those in use as they come back."""
        self._closed = True
        await self._now.retire()
