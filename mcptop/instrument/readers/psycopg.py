"""psycopg_pool: pools of threads and of asyncio, through `get_stats()`, where a count is absent until it is not 0.

What the pool calls its size includes connections it is opening; they count as in use, for it tells no more.
"""

from __future__ import annotations

from typing import Any

from mcptop.instrument.family import Facts, Family, limited
from mcptop.instrument.figures import POOL


def _stats(pool: Any) -> Facts:
    now = pool.get_stats()
    counted = {
        "size": now["pool_min"],
        "max": limited(now["pool_max"]),
        "waiting": now["requests_waiting"],
        "waits": now.get("requests_queued", 0),
        "wait_s": now.get("requests_wait_ms", 0) / 1000,
    }
    if pool.closed:
        # The size it tells is the one it would have.
        return counted
    idle = now["pool_available"]
    return {**counted, "in_use": now["pool_size"] - idle, "idle": idle}


def _timeouts(pool: Any) -> Facts:
    # With a bound on those who wait, its errors include callers that were turned away and never waited.
    return {} if pool.max_waiting else {"timeouts": pool.get_stats().get("requests_errors", 0)}


def _name(pool: Any) -> str:
    return str(pool.name)


FAMILIES = {("psycopg_pool", "BasePool"): Family(POOL, _name, (_stats, _timeouts))}
