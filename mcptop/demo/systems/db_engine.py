"""Engines under the database pool: which driver, what SQLite needs, and how long a replaced engine lives."""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

_DRIVERS = {"postgres": "postgresql+asyncpg", "postgresql": "postgresql+asyncpg", "sqlite": "sqlite+aiosqlite"}
_SQLITE_BUSY_MS = 5000
_POSTGRES_PORT = 5432
_EXPECTED = "expected postgresql://USER@HOST/NAME or sqlite:///FILE"


class Generation:
    """One engine and who uses it. A retired engine is disposed of by its last user."""

    def __init__(self, engine: AsyncEngine, maximum: int) -> None:
        self.engine = engine
        self.maximum = maximum
        self.users = 0
        self._retired = False

    @property
    def pool(self) -> QueuePool:
        """SQLAlchemy's pool; the asyncio kind is one of these, too."""
        pool = self.engine.sync_engine.pool
        assert isinstance(pool, QueuePool)
        return pool

    async def retire(self) -> None:
        """No new users from now on."""
        self._retired = True
        if self.users == 0:
            await self.engine.dispose()

    async def leave(self) -> None:
        """One user less."""
        self.users -= 1
        if self._retired and self.users == 0:
            await self.engine.dispose()


def with_driver(text: str) -> URL:
    """The URL with the asyncio driver of its database. Raises ValueError for any other, and for SQLite in memory."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        # Whatever it is, there may be a password in it.
        raise ValueError(f"not the address of a database: {_EXPECTED}") from None
    url = url.set(drivername=_DRIVERS.get(url.drivername, url.drivername))
    if url.drivername not in _DRIVERS.values():
        raise ValueError(f"no driver here for {url.drivername}: {_EXPECTED}")
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise ValueError(f"{url.render_as_string()}: a pool needs a file, in memory each connection has its own")
    return url


def place(url: URL) -> str:
    """Where a database is, for people: host and port, or the file. Never a user or a password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return f"{url.host or url.query.get('host') or 'localhost'}:{url.port or _POSTGRES_PORT}"


def prepare_sqlite(connection: Any, _record: object) -> None:
    """Readers beside a writer, and a writer that waits for another one instead of failing at once."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute(f"PRAGMA busy_timeout={_SQLITE_BUSY_MS}")
    cursor.close()
