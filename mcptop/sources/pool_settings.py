"""Settings of pools among a process's environment variables: by allow-list, and whole numbers only.

Passwords and addresses stand beside them, so no other name is looked at and no other value kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

PoolSettings = tuple[tuple[str, int], ...]
"""Name and value, by name."""

_ALLOWED = re.compile(
    r"(?:[A-Z0-9]+_)*(?:POOL_(?:SIZE|MAX|MAXSIZE|MAX_SIZE|CONNECTIONS)|MAX_(?:OVERFLOW|CONNECTIONS|POOL_SIZE))"
    r"|(?:[A-Z0-9]+_)?WEB_CONCURRENCY|UVICORN_WORKERS|MAX_CONCURRENT_REQUESTS"
    r"|OLLAMA_(?:NUM_PARALLEL|MAX_LOADED_MODELS|MAX_QUEUE)"
)
_DIGITS = re.compile(r"[0-9]{1,7}")
_DATABASE = ("DB", "DATABASE", "PG", "POSTGRES", "POSTGRESQL", "MYSQL", "SQLALCHEMY", "SQL")
DATABASE_PORTS = frozenset((5432, 5433, 6432, 3306, 1433, 1521, 27017))
REDIS_PORTS = frozenset((6379, 6380))


def read(entries: Iterable[str]) -> PoolSettings:
    """The pool settings among `NAME=value` entries."""
    found = {}
    for entry in entries:
        name, _, value = entry.partition("=")
        if _ALLOWED.fullmatch(name) and _DIGITS.fullmatch(value):
            found[name] = int(value)
    return tuple(sorted(found.items()))


def processes(settings: PoolSettings) -> int:
    """How many worker processes the settings ask for; each has pools of its own."""
    return max((value for name, value in settings if name.endswith("WEB_CONCURRENCY") or name == "UVICORN_WORKERS"),
               default=1)  # fmt: skip


def kind(remote_port: int) -> str:
    """What a pool of connections to this port is: db, redis, or tcp where the port does not tell."""
    return "db" if remote_port in DATABASE_PORTS else "redis" if remote_port in REDIS_PORTS else "tcp"


def most(settings: PoolSettings, remote_port: int) -> tuple[int, str] | None:
    """The most connections one process keeps to a server on this port, and the settings that say so."""
    if remote_port in DATABASE_PORTS:
        return _sum(settings, _DATABASE)
    return _sum(settings, ("REDIS",)) if remote_port in REDIS_PORTS else _sum(settings, ("HTTP",))


def _sum(settings: PoolSettings, families: tuple[str, ...]) -> tuple[int, str] | None:
    own = {name: value for name, value in settings if name.split("_")[0] in families}
    # The guide's HTTP_POOL_CONNECTIONS is what is kept open, HTTP_POOL_MAXSIZE what may be open.
    sizes = [name for name in own if not name.endswith(("MAX_OVERFLOW", "HTTP_POOL_CONNECTIONS"))]
    if not sizes:
        return None
    size = max(sizes, key=lambda name: own[name])
    overflow = next((name for name in own if name.endswith("MAX_OVERFLOW")), None)
    if overflow is None:
        return own[size], size
    return own[size] + own[overflow], f"{size} + {overflow}"
