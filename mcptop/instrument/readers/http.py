"""httpx and httpcore: the pool under a client, and those of its mounts (proxies among them), each for itself.

The figures are those of the transport, not of the client: given a transport, httpx ignores the client's own limits.
A transport without such a pool (a mock, an application called in process) has no figures.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mcptop.instrument.family import Facts, Family, limited, named
from mcptop.instrument.figures import POOL


def _size(pool: Any) -> Facts:
    return {"size": limited(pool._max_keepalive_connections)}


def _max(pool: Any) -> Facts:
    return {"max": limited(pool._max_connections)}


def _connections(pool: Any) -> Facts:
    idle = in_use = 0
    for connection in pool.connections:
        # In this order those that are idle are asked once; closed ones leave the list at once, those that could not be
        # opened, which call themselves idle, too.
        if connection.is_idle():
            idle += 1
        elif not connection.is_closed():
            in_use += 1
    return {"in_use": in_use, "idle": idle}


def _waiting(pool: Any) -> Facts:
    return {"waiting": sum(1 for request in list(pool._requests) if request.is_queued())}


def _transport(transport: Any) -> Iterable[tuple[str, Any]]:
    return (("", transport._pool),)


def _client(client: Any) -> Iterable[tuple[str, Any]]:
    known = set()
    patterns = {"": client._transport} | {pattern.pattern: each for pattern, each in list(client._mounts.items())}
    for pattern, transport in patterns.items():
        pool = getattr(transport, "_pool", None)
        # None is "no proxy here"; and one transport may serve several patterns.
        if pool is not None and id(pool) not in known:
            known.add(id(pool))
            yield pattern, pool


_FACTS = (_size, _max, _connections, _waiting)
_POOL = Family(POOL, named("http"), _FACTS)
FAMILIES = {
    ("httpx", "BaseClient"): Family(POOL, named("http"), _FACTS, _client),
    ("httpx", "HTTPTransport"): Family(POOL, named("http"), _FACTS, _transport),
    ("httpx", "AsyncHTTPTransport"): Family(POOL, named("http"), _FACTS, _transport),
    ("httpcore", "ConnectionPool"): _POOL,
    ("httpcore", "AsyncConnectionPool"): _POOL,
}
