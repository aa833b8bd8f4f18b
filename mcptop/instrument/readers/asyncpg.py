"""asyncpg: its pool. It has no weak references, so it is held until it is closed."""

from __future__ import annotations

from typing import Any

from mcptop.instrument.family import Facts, Family, limited, named, unanswered
from mcptop.instrument.figures import POOL


def _bounds(pool: Any) -> Facts:
    return {"size": pool.get_min_size(), "max": limited(pool.get_max_size())}


def _connections(pool: Any) -> Facts:
    if (holders := getattr(pool, "_holders", None)) is None:
        idle = pool.get_idle_size()
        return {"in_use": pool.get_size() - idle, "idle": idle}
    # What those two count, in one pass over the connections.
    free = [holder.is_idle() for holder in holders if holder.is_connected()]
    idle = sum(free)
    return {"in_use": len(free) - idle, "idle": idle}


def _waiting(pool: Any) -> Facts:
    # None until the pool is awaited.
    queue = pool._queue
    return {"waiting": 0 if queue is None else unanswered(queue._getters)}


def _over(pool: Any) -> bool:
    return bool(pool.is_closing())


FAMILIES = {("asyncpg", "Pool"): Family(POOL, named("db"), (_bounds, _connections, _waiting), over=_over)}
