"""Whether the pools of a server's clients fit into what it allows: the sum over services, written out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from mcptop.model.flow import Budget, Pool, Share
from mcptop.model.frame import Service

_SERVER, _CLIENT = "server", "db"


class _Server(NamedTuple):
    """Whom the pools are of: a service, or a name that the clients of one project know."""

    name: str
    project: str | None
    service: Service | None = None

    @property
    def order(self) -> tuple[str, str, str]:
        return self.name, self.project or "", self.service.key if self.service is not None else ""


def budgets(services: Iterable[Service], processes: Mapping[str, int]) -> tuple[Budget, ...]:
    """One for each database whose clients' pools are known. `processes`: service key -> processes of each replica.

    `services` are those that have pools; the server is one of them where it says what it allows.
    """
    known = tuple(service for service in services if service.pools)
    named: dict[str, list[Service]] = {}
    for service in known:
        named.setdefault(service.name, []).append(service)
    servers: dict[tuple[str, str, str], _Server] = {}
    shares: dict[tuple[str, str, str], list[Share]] = {}
    for service in known:
        for peer, share in _shares(service, processes.get(service.key, 1)):
            server = _server(peer, service.project, named)
            servers[server.order] = server
            shares.setdefault(server.order, []).append(share)
    return tuple(_budget(servers[order], found) for order, found in sorted(shares.items()))


def _server(peer: str, project: str | None, named: Mapping[str, Sequence[Service]]) -> _Server:
    """A name alone is one of the client's own project, or of none; else its project stands in front of it."""
    place, _, name = peer.rpartition("/")
    for where in (place,) if place else (project, None):
        found = [service for service in named.get(name, ()) if service.project == where]
        if found:
            best = max(found, key=lambda service: _limit(service) is not None)
            return _Server(best.name, best.project, best)
    return _Server(peer, project)


def _limit(server: Service) -> Pool | None:
    """What it gives its clients, where it says so."""
    return next((pool for pool in server.pools if pool.kind == _SERVER), None)


def _shares(service: Service, processes: int) -> Iterable[tuple[str, Share]]:
    """Each database's pools of one service. Of several views of one pool, the one that knows its own maximum counts."""
    bounded: dict[tuple[str, str | None], Pool] = {}
    for pool in service.pools:
        if pool.kind == _CLIENT and pool.peer and pool.max:
            key = pool.peer, pool.instance
            if key not in bounded or (bounded[key].max_source and not pool.max_source):
                bounded[key] = pool
    counted: dict[tuple[str, str, int], int] = {}
    for (peer, _), pool in bounded.items():
        assert pool.max is not None
        # Rounded up: a plateau lower than the number of processes is no pool of nothing.
        most = -(-pool.max // processes) if pool.is_of_all_processes else pool.max
        counted[peer, pool.name, most] = counted.get((peer, pool.name, most), 0) + processes
    # Replicas on nodes nobody samples are taken to be as the largest of those that are.
    placed = {(peer, pool.name) for (peer, instance), pool in bounded.items() if instance is not None}
    for place in placed if _elsewhere(service) else ():
        most = max(most for peer, name, most in counted if (peer, name) == place)
        counted[*place, most] += _elsewhere(service) * processes
    for (peer, name, most), count in counted.items():
        yield peer, Share(service.name, name, most, count, service.project)


def _elsewhere(service: Service) -> int:
    return service.swarm.elsewhere if service.swarm is not None else 0


def _budget(server: _Server, shares: list[Share]) -> Budget:
    limit = None if server.service is None else _limit(server.service)
    allowed = limit.max if limit is not None else None
    total, says = _written(shares, allowed)
    return Budget(
        server=server.name,
        allowed=allowed,
        allowed_says=(limit.max_source or limit.source) if limit is not None else "",
        shares=tuple(shares),
        total=total,
        says=says,
        exceeded=None if allowed is None else total > allowed,
        project=server.project,
        service=None if server.service is None else server.service.key,
    )


def _written(shares: Sequence[Share], allowed: int | None) -> tuple[int, str]:
    """The sum, and the sum written out."""
    total = sum(share.max * share.count for share in shares)
    terms = " + ".join(
        f"{share.service} {share.pool} {share.max}" + (f" x {share.count}" if share.count > 1 else "")
        for share in shares
    )
    verdict = "" if allowed is None else f" {'>' if total > allowed else '<='} {allowed}"
    return total, f"{terms} = {total}{verdict}"


def scaled(budget: Budget, project: str | None, name: str, read: int, replicas: int) -> Budget | None:
    """The budget as it would be with so many replicas of a client; None where the client has no part in it.

    `read`: replicas whose pools are in it. Each new one is taken to have as many processes as one of those has, each
    with the largest of their pools.
    """
    own = [share for share in budget.shares if share.is_of(project, name)]
    if not own or read < 1:
        return None
    shares = [share for share in budget.shares if share not in own]
    for pool in dict.fromkeys(share.pool for share in own):
        alike = [share for share in own if share.pool == pool]
        count = -(-sum(share.count for share in alike) * replicas // read)
        shares.append(Share(name, pool, max(share.max for share in alike), count, project))
    total, says = _written(shares, budget.allowed)
    exceeded = None if budget.allowed is None else total > budget.allowed
    return replace(budget, shares=tuple(shares), total=total, says=says, exceeded=exceeded)


def read_replicas(service: Service) -> int | None:
    """How many replicas' pools are in the budgets, those that are taken to be as these included; None: not known."""
    now = {pool.instance for pool in service.pools if pool.kind == _CLIENT and pool.peer and pool.max}
    return None if not now or None in now else len(now) + _elsewhere(service)
