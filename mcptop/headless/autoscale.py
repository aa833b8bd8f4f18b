"""How many replicas one look at a service asks for: by its CPU, and by its queue."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from mcptop.analysis import hpa
from mcptop.model.frame import Service
from mcptop.model.instance import Instance
from mcptop.model.swarm import is_task

CPU_PERCENT = 70
"""Of what a replica has reserved, else of its limit."""
QUEUE_EACH = 100.0
"""Waiting for each replica."""
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
    asked = [*_by_cpu(service, current, reserved_cores, at), *_by_queue(service, current)]
    if not asked:
        return Auto(current, "nothing to go by: no CPU reservation or limit, and no queue whose depth is known", False)
    decided = hpa.wanted(current, asked, _ONE_LOOK, least=least, most=most)
    says = "; ".join([decided.says, *(each.says for each in asked if each.says not in decided.says)])
    return Auto(decided.replicas, says, any(each.replicas is not None for each in asked))


def _by_cpu(service: Service, current: int, cores: float | None, at: datetime) -> Iterator[hpa.Proposed]:
    pods = [_pod(one, cores, at) for one in service.instances if one.state == "running"]
    if cores and pods:
        proposed = hpa.utilization(current, pods, CPU_PERCENT, _ONE_LOOK.tolerance)
        yield hpa.Proposed(proposed.replicas, f"CPU {proposed.says}")


def _pod(one: Instance, cores: float | None, at: datetime) -> hpa.Pod:
    """A task on a node that nobody samples is one whose figure is missing."""
    age_s = None if one.started_at is None else (at - one.started_at).total_seconds()
    ready = hpa.is_ready(None if one.health is None else one.health == "healthy", age_s, window_s=1.0)
    return hpa.Pod(None if is_task(one.id) else one.cpu.cores, cores or one.cpu.limit_cores, ready)


def _by_queue(service: Service, current: int) -> Iterator[hpa.Proposed]:
    depths = [
        (queue.depth, queue.name) for queue in service.queues if queue.depth is not None and queue.kind != "accept"
    ]
    if depths:
        total = sum(depth for depth, _ in depths)
        proposed = hpa.share(current, total, QUEUE_EACH, _ONE_LOOK.tolerance)
        yield hpa.Proposed(proposed.replicas, f"queue {proposed.says}")
