"""urllib3 and requests: one pool a host, named after it.

Without `block=True` a pool opens more connections than it keeps and throws them away again: then it has no
maximum, and those beyond its size are not seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mcptop.instrument.family import Facts, Family, limited, named
from mcptop.instrument.figures import POOL

_EVERYTHING = ("http://", "https://")


def _bounds(pool: Any) -> Facts:
    size = limited(pool.pool.maxsize)
    return {"size": size, "max": size if pool.block else None}


def _connections(pool: Any) -> Facts:
    free = list(pool.pool.queue)
    return {"in_use": pool.pool.maxsize - len(free), "idle": len(free) - free.count(None)}


def _waiting(pool: Any) -> Facts:
    return {"waiting": len(pool.pool.not_empty._waiters)}


def _open(pool: Any) -> Iterable[tuple[str, Any]]:
    # A closed pool has lost its queue.
    if pool.pool is not None:
        yield "", pool


def _hosts(manager: Any) -> Iterable[tuple[str, Any]]:
    # Not through its own mapping: a look there would count as a use.
    for pool in list(manager.pools._container.values()):
        if pool.pool is not None:
            yield f"{pool.scheme}://{pool.host}:{pool.port}", pool


def _session(session: Any) -> Iterable[tuple[str, Any]]:
    for prefix, adapter in list(session.adapters.items()):
        # An adapter of somebody's own may have no pools.
        if hasattr(adapter, "poolmanager"):
            for host, pool in _hosts(adapter.poolmanager):
                yield host if prefix in _EVERYTHING else f"{prefix} {host}", pool


_FACTS = (_bounds, _connections, _waiting)
FAMILIES = {
    ("urllib3", "HTTPConnectionPool"): Family(POOL, named("http"), _FACTS, _open),
    ("urllib3", "PoolManager"): Family(POOL, named("http"), _FACTS, _hosts),
    ("requests", "Session"): Family(POOL, named("http"), _FACTS, _session),
}
