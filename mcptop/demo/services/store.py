"""What mcp-api keeps in its database: the last conversations. A connection is taken for a statement, no longer."""

from __future__ import annotations

import asyncio
import time

from sqlalchemy import Column, Float, Integer, MetaData, String, Table, Text, delete, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from mcptop.demo.systems.db_pool import DbPool

_TABLE = Table(
    "mcp_demo_requests",
    MetaData(),
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("client", String(80), nullable=False, index=True),
    Column("model", String(80), nullable=False),
    Column("prompt", Text, nullable=False),
    Column("answer", Text),
)
_KEPT, _PRUNE_EVERY = 2000, 100
_PROMPT_KEPT = 500


class Store:
    """The conversations table, bounded."""

    def __init__(self, db: DbPool) -> None:
        self._db = db
        self.slow_query_s = 0.0
        """Seam: how much longer each transaction takes, at the server."""

    async def create(self) -> None:
        """Make the table if it is missing."""
        async with self._db.connection() as connection, connection.begin():
            await connection.run_sync(_TABLE.metadata.create_all)

    async def begin(self, client: str, model: str, prompt: str) -> int:
        """Write down a request; its number."""
        async with self._db.connection() as connection, connection.begin():
            await self._dawdle(connection)
            row = {"at": time.time(), "client": client[:80], "model": model[:80], "prompt": prompt[:_PROMPT_KEPT]}
            done = await connection.execute(insert(_TABLE).values(row))
            number = int(done.inserted_primary_key[0])  # type: ignore[index]
            if number % _PRUNE_EVERY == 0:
                await connection.execute(delete(_TABLE).where(_TABLE.c.id <= number - _KEPT))
        return number

    async def finish(self, number: int, answer: str) -> None:
        """Write down its answer."""
        async with self._db.connection() as connection, connection.begin():
            await connection.execute(update(_TABLE).where(_TABLE.c.id == number).values(answer=answer[:_PROMPT_KEPT]))

    async def count(self) -> int:
        """Conversations kept."""
        async with self._db.connection() as connection:
            return int((await connection.execute(select(func.count()).select_from(_TABLE))).scalar_one())

    async def usable_connections(self) -> int | None:
        """What the server allows to all its clients together; None where there is no server."""
        async with self._db.connection() as connection:
            if connection.dialect.name != "postgresql":
                return None
            # `reserved_connections` came with PostgreSQL 16; a setting the server does not know is null.
            names = ("max_connections", "superuser_reserved_connections", "reserved_connections")
            ask = text("SELECT current_setting(:name, true)::int")
            most, *reserved = [int(await connection.scalar(ask, {"name": name}) or 0) for name in names]
            return most - sum(reserved)

    async def _dawdle(self, connection: AsyncConnection) -> None:
        if not self.slow_query_s:
            return
        if connection.dialect.name == "postgresql":
            await connection.execute(text("SELECT pg_sleep(:s)"), {"s": self.slow_query_s})
        else:
            await connection.execute(text("SELECT 1"))
            await asyncio.sleep(self.slow_query_s)
