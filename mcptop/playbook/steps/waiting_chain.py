"""Whom a service waits for, and who that one waits for, as the connections between them show it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mcptop.model.diagnosis import Subject
from mcptop.model.flow import Pool
from mcptop.model.frame import Service
from mcptop.playbook.steps.flow_figures import ACCEPT, TCP
from mcptop.playbook.steps.series import mean, rounded

_SERVER = "server"
_MOST_HOPS = 6
_MOSTLY = 0.5
_END = ("end_busy", "end_longest_s", "end_cores", "end_waiting", "end_kind")


Looks = Sequence[Sequence[Service]]
"""The services of one project, look after look."""


def downstream(looks: Looks, subject: Subject) -> dict[str, Any]:
    """Whom the target waits for, and on from there as long as that one waits for somebody too."""
    hops: list[dict[str, Any]] = []
    names = [subject.service]
    while len(hops) < _MOST_HOPS and (hop := _slowest_peer(looks, names)) is not None:
        hops.append(hop)
        names.append(hop["service"])
    if not hops:
        return {
            "down": {"service": None, "busy_share": 0.0, "busy": 0.0, "longest_s": 0.0},
            "chain": {**dict.fromkeys(_END), "services": subject.service, "length": 0, "end": subject.service},
        }
    end = hops[-1]
    last = [service for look in looks for service in look if service.name == end["service"]]
    return {
        "down": hops[0],
        "chain": {
            "services": " -> ".join(names),
            "length": len(hops),
            "end": end["service"],
            "end_busy": end["busy"],
            "end_longest_s": end["longest_s"],
            "end_cores": rounded(mean([_cores(service) for service in last])),
            "end_waiting": rounded(mean([float(_waiting(service)) for service in last])),
            "end_kind": last[-1].kind.value if last else None,
        },
    }


def _cores(service: Service) -> float | None:
    known = [i.cpu.cores for i in service.instances if i.cpu.cores is not None]
    return sum(known) if known else None


def _waiting(service: Service) -> int:
    pools = sum(pool.waiting or 0 for pool in service.pools if pool.kind != _SERVER)
    return pools + sum(queue.depth or 0 for queue in service.queues if queue.kind != ACCEPT)


def _slowest_peer(looks: Looks, names: Sequence[str]) -> dict[str, Any] | None:
    """The peer to which requests are under way most of the time; None when there is none that is not waited for yet."""
    own = [service for look in looks for service in look if service.name == names[-1]]
    seen: dict[str, list[Pool]] = {}
    for pool in (pool for service in own for pool in service.pools):
        if pool.kind == TCP and pool.peer and pool.peer not in names and pool.in_use is not None:
            seen.setdefault(pool.peer, []).append(pool)
    hops = [_hop(peer, pools, len(own)) for peer, pools in seen.items()]
    waited_for = [hop for hop in hops if hop["busy_share"] >= _MOSTLY]
    return max(waited_for, key=lambda hop: (hop["busy"] * hop["longest_s"], hop["busy"]), default=None)


def _hop(peer: str, pools: Sequence[Pool], looks: int) -> dict[str, Any]:
    ages = sorted(pool.longest_s or 0.0 for pool in pools)
    busy = sum(pool.in_use or 0 for pool in pools) / looks
    share = sum(bool(pool.in_use) for pool in pools) / looks
    return {
        "service": peer,
        "busy": rounded(busy),
        "busy_share": rounded(min(1.0, share)),
        "longest_s": rounded(ages[len(ages) // 2]),
    }
