"""What a server says of its clients and queues as pools and queues of the services. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from mcptop.model.flow import Confidence
from mcptop.model.flow_reading import FlowReading, PoolReading, QueueReading
from mcptop.sources.postgres import PostgresClient, PostgresView
from mcptop.sources.redis_queues import RedisQueue
from mcptop.sources.redis_view import RedisClient, RedisView

_Client = TypeVar("_Client")
OTHERS = "others"
"""The server's pool of clients that are no service of ours."""


class Place(NamedTuple):
    """Where a server's figures belong."""

    server: str
    """Its target; where it has none, its name, which is no target's id."""
    name: str
    """What its clients' pools are called."""
    owner: Callable[[str | None, int | None, str], str | None]
    """Address, port and the name a client gave itself -> the client's target."""


class _Limit(NamedTuple):
    max: int | None = None
    source: str | None = None


_NO_LIMIT = _Limit()


def postgres_flows(view: PostgresView, read_at: float, place: Place) -> dict[str, FlowReading]:
    """Target -> its pools: the server's own, and one for each client."""
    server = _postgres_pool("connections", "server", view.clients, limit=_Limit(view.allowed, view.allowed_says))
    pools = {place.server: [server]}
    owned = _by_owner(view.clients, lambda client: place.owner(client.address, client.port, client.application_name))
    for owner, clients in owned.items():
        name = OTHERS if owner is None else place.name
        pools.setdefault(owner or place.server, []).append(_postgres_pool(name, "db", clients, peer=place.name))
    return {key: FlowReading(read_at, "pg_stat_activity", tuple(found)) for key, found in pools.items()}


def redis_flows(view: RedisView, read_at: float, place: Place) -> dict[str, FlowReading]:
    """Target -> its pools: the server's own, and one for each client; and the server's queues."""
    if view.clients is None:
        server = PoolReading("clients", "server", open=view.connected, max=view.maxclients, max_source="maxclients")
    else:
        server = _redis_pool("clients", "server", view.clients, limit=_Limit(view.maxclients, "maxclients"))
    pools = {place.server: [server]}
    owned = _by_owner(view.clients or (), lambda client: place.owner(client.address, client.port, client.name))
    for owner, clients in owned.items():
        name = OTHERS if owner is None else place.name
        pools.setdefault(owner or place.server, []).append(_redis_pool(name, "redis", clients, peer=place.name))
    queues = {place.server: tuple(_queue(queue, view.queues) for queue in view.queues)}
    return {key: FlowReading(read_at, "redis", tuple(found), queues.get(key, ())) for key, found in pools.items()}


def _by_owner(clients: Iterable[_Client], owner_of: Callable[[_Client], str | None]) -> dict[str | None, list[_Client]]:
    owned: dict[str | None, list[_Client]] = {}
    for client in clients:
        owned.setdefault(owner_of(client), []).append(client)
    return owned


def _postgres_pool(
    name: str,
    kind: str,
    clients: Sequence[PostgresClient],
    peer: str | None = None,
    limit: _Limit = _NO_LIMIT,
) -> PoolReading:
    """Of some connections. One whose state is hidden could be any of in use and idle, so neither is known then."""
    known = all(client.is_known for client in clients)
    idle = sum(client.is_idle for client in clients)
    ages = [client.busy_s for client in clients if client.busy_s is not None]
    held = [client.transaction_age_s or 0.0 for client in clients if client.is_idle_in_transaction]
    return PoolReading(
        name,
        kind,
        peer,
        open=len(clients),
        in_use=len(clients) - idle if known else None,
        idle=idle if known else None,
        max=limit.max,
        longest_s=max(ages, default=None) if known else None,
        idle_in_transaction=len(held) if known else None,
        idle_in_transaction_s=max(held, default=None) if known else None,
        max_source=limit.source,
    )


def _redis_pool(
    name: str,
    kind: str,
    clients: Sequence[RedisClient],
    peer: str | None = None,
    limit: _Limit = _NO_LIMIT,
) -> PoolReading:
    """Of some connections. Those that block (BLPOP) are in use: their consumers wait for work, not for a place."""
    idle = sum(client.is_idle for client in clients)
    return PoolReading(
        name,
        kind,
        peer,
        open=len(clients),
        in_use=len(clients) - idle,
        idle=idle,
        max=limit.max,
        max_source=limit.source,
        # The server counts connections, and seconds since a command; that silence means idle is our reading of it.
        confidence=Confidence.DERIVED,
    )


def _queue(queue: RedisQueue, all_queues: Sequence[RedisQueue]) -> QueueReading:
    """A stream has one queue for each group of consumers; the group is named where there are several."""
    is_one_of_several = sum(other.key == queue.key for other in all_queues) > 1
    return QueueReading(
        f"{queue.key} ({queue.group})" if is_one_of_several else queue.key,
        "broker",
        depth=queue.depth,
        in_flight=queue.in_flight,
        oldest_age_s=queue.oldest_age_s,
        entered_total=queue.entered_total,
        left_total=queue.left_total,
    )
