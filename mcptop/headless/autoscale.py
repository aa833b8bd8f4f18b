"""How many replicas one look at a service asks for: by its CPU, and by its queues."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from mcptop.advice import signals
from mcptop.analysis import hpa
from mcptop.model.frame import Service

_ONE_LOOK = hpa.Behavior(hpa.DEFAULT.up, hpa.Rules(0.0, (hpa.Policy(hpa.PolicyType.PODS, 1, hpa.LOOP_S),)))
"""No window can be waited for in one look: so it takes away one replica at most."""


class Auto(NamedTuple):
    """What it should have, and why."""

    replicas: int
    says: str
    is_known: bool
    """Whether there was anything to go by."""


def decide(service: Service, current: int, reserved_cores: float | None, at: datetime, least: int, most: int) -> Auto:
    """`current`: replicas it shall have now; `reserved_cores`: of each of its tasks."""
    if signals.is_server(service):
        return Auto(current, "it gives connections: a second one on the same data would break it, say how many", False)
    cores = {one.id: one.cpu.cores for one in service.instances}
    pods = signals.pods_of(service, at, cores, reserved_cores)
    basis = signals.RESERVATION if reserved_cores else signals.QUOTA
    asked = [*signals.by_cpu(current, pods, basis), *signals.by_depth(current, signals.depths_of(service))]
    if not asked:
        return Auto(current, "nothing to go by: no CPU reservation or limit, and no queue whose depth is known", False)
    decided = hpa.wanted(current, asked, _ONE_LOOK, least=least, most=most)
    says = "; ".join([decided.says, *(each.says for each in asked if each.says not in decided.says)])
    return Auto(decided.replicas, says, any(each.replicas is not None for each in asked))
