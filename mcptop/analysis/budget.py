"""Whether the pools of a server's clients fit into what it allows: the sum over services, written out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mcptop.model.flow import Budget, Pool, Share
from mcptop.model.frame import Service

_SERVER, _CLIENT = "server", "db"


def budgets(services: Iterable[Service], processes: Mapping[str, int]) -> tuple[Budget, ...]:
    """One for each database whose clients' pools are known. `processes`: service key -> processes of each replica."""
    known = tuple(service for service in services if service.pools)
    shares: dict[str, list[Share]] = {}
    for service in known:
        for peer, share in _shares(service, processes.get(service.key, 1)):
            shares.setdefault(peer, []).append(share)
    servers = {service.name: pool for service in known for pool in service.pools if pool.kind == _SERVER}
    return tuple(_budget(server, found, servers.get(server)) for server, found in sorted(shares.items()))


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
    for (peer, name, most), count in counted.items():
        yield peer, Share(service.name, name, most, count)


def _budget(server: str, shares: list[Share], limit: Pool | None) -> Budget:
    total = sum(share.max * share.count for share in shares)
    allowed = limit.max if limit is not None else None
    terms = " + ".join(
        f"{share.service} {share.pool} {share.max}" + (f" x {share.count}" if share.count > 1 else "")
        for share in shares
    )
    verdict = "" if allowed is None else f" {'>' if total > allowed else '<='} {allowed}"
    return Budget(
        server=server,
        allowed=allowed,
        allowed_says=(limit.max_source or limit.source) if limit is not None else "",
        shares=tuple(shares),
        total=total,
        says=f"{terms} = {total}{verdict}",
        exceeded=None if allowed is None else total > allowed,
    )
