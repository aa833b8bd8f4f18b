"""The database library a process has loaded, by the compiled parts that are mapped into it, and its default maximum.

Libraries without compiled parts (redis-py, httpx, psycopg_pool) cannot be told this way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from mcptop.sources.pool_settings import DATABASE_PORTS

# Found in a process's maps, in the order in which they have their say: SQLAlchemy brings a driver of its own choice.
_DEFAULTS = (
    (re.compile(rb"/sqlalchemy/(?:cyextension|engine)/\w+\."), 15, "SQLAlchemy's default, 5 + 10"),
    (re.compile(rb"/asyncpg/protocol/\w+\."), 10, "asyncpg's default"),
)
_MOST_PROCESSES = 16


class ClientLibraries:
    """Remembers what it found: reading a process's maps holds up the process for as long as it takes."""

    def __init__(self, procfs_root: str) -> None:
        self._procfs = procfs_root
        self._found: dict[int, tuple[int, str] | None] = {}

    def most(self, pids: Sequence[int], remote_port: int) -> tuple[int, str] | None:
        """The most connections one of these processes keeps to a database by default, and by whose default.

        `pids`: all of one target, its main process first.
        """
        if remote_port not in DATABASE_PORTS or not pids:
            return None
        if pids[0] not in self._found:
            # Whoever has a connection has loaded the library: once is enough.
            self._found[pids[0]] = self._look(pids)
        return self._found[pids[0]]

    def forget(self, running: Iterable[int]) -> None:
        """Let go of all whose main process is none of these."""
        self._found = {pid: self._found[pid] for pid in running if pid in self._found}

    def _look(self, pids: Sequence[int]) -> tuple[int, str] | None:
        maps = [self._maps(pid) for pid in pids[:_MOST_PROCESSES]]
        for pattern, most, says in _DEFAULTS:
            if any(pattern.search(text) for text in maps):
                return most, says
        return None

    def _maps(self, pid: int) -> bytes:
        try:
            with open(f"{self._procfs}/{pid}/maps", "rb") as file:
                return file.read()
        except OSError:
            # Gone, or somebody else's: then its library is not known.
            return b""
