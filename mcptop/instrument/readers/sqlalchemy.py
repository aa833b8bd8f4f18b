"""SQLAlchemy: engines, async engines and queue pools. In other pools (null, static, one a thread) nobody waits.

An engine's pool is another one after `dispose()`, so it is looked up each time. `overflow()` starts at minus the
size and is never shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mcptop.instrument.family import Facts, Family, limited, named, unanswered
from mcptop.instrument.figures import POOL


def _size(pool: Any) -> Facts:
    return {"size": limited(pool.size())}


def _max(pool: Any) -> Facts:
    # -1 is "without limit", and so is a size of 0, which SQLAlchemy turns into it; 0 is none beyond the size.
    overflow = pool._max_overflow
    return {"max": None if overflow < 0 else limited(pool.size() + overflow)}


def _in_use(pool: Any) -> Facts:
    return {"in_use": pool.checkedout()}


def _idle(pool: Any) -> Facts:
    return {"idle": pool.checkedin()}


def _waiting(pool: Any) -> Facts:
    queue = pool._pool
    # The queue of a pool of threads is SQLAlchemy's own; that of asyncio wraps asyncio's.
    if hasattr(queue, "not_empty"):
        return {"waiting": len(queue.not_empty._waiters)}
    return {"waiting": unanswered(queue._queue._getters)}


def _pool(pool: Any) -> Iterable[tuple[str, Any]]:
    if hasattr(pool, "checkedout"):
        yield "", pool


def _engine(engine: Any) -> Iterable[tuple[str, Any]]:
    return _pool(engine.pool)


_FACTS = (_size, _max, _in_use, _idle, _waiting)
ENGINE = Family(POOL, named("db"), _FACTS, _engine)
FAMILIES = {
    ("sqlalchemy", "Engine"): ENGINE,
    ("sqlalchemy", "AsyncEngine"): ENGINE,
    ("sqlalchemy", "Pool"): Family(POOL, named("db"), _FACTS, _pool),
}
