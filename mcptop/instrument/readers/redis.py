"""redis-py: connection pools and clients, for threads and for asyncio. No public figure comes without its lock.

The plain pool raises when it is full, so nobody waits; the blocking ones keep their callers in different places.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mcptop.instrument.family import Facts, Family, limited, named, unanswered
from mcptop.instrument.figures import POOL


def _max(pool: Any) -> Facts:
    return {"max": limited(pool.max_connections)}


def _places(pool: Any) -> Any:
    """The blocking pool of threads keeps its places in a queue: a connection, or None where none was opened yet."""
    return getattr(pool, "pool", None)


def _connections(pool: Any) -> Facts:
    if (places := _places(pool)) is None:
        return {"in_use": len(pool._in_use_connections), "idle": len(pool._available_connections)}
    free = list(places.queue)
    return {"in_use": pool.max_connections - len(free), "idle": len(free) - free.count(None)}


def _waiting(pool: Any) -> Facts:
    if (places := _places(pool)) is not None:
        return {"waiting": len(places.not_empty._waiters)}
    condition = getattr(pool, "_condition", None)
    return {"waiting": 0 if condition is None else unanswered(condition._waiters)}


def _client(client: Any) -> Iterable[tuple[str, Any]]:
    return (("", client.connection_pool),)


_FACTS = (_max, _connections, _waiting)
FAMILIES = {
    ("redis", "ConnectionPool"): Family(POOL, named("redis"), _FACTS),
    ("redis", "Redis"): Family(POOL, named("redis"), _FACTS, _client),
}
