"""What asks for another number of replicas: CPU against what is reserved or allowed, and the depth of queues."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from mcptop.analysis import hpa
from mcptop.analysis.hpa import Pod, Proposed
from mcptop.model.frame import Service
from mcptop.model.instance import Instance
from mcptop.model.swarm import is_task

TARGET_PERCENT = 70
"""The guide's, of the CPU that a replica has reserved."""
TARGET_DEPTH = 100.0
"""Waiting entries for each replica: from there on a growing queue is an alert."""
RESERVATION, QUOTA = "reservation", "quota"
SERVER = "server"
"""The kind of the pool of connections that a database gives."""
_QUEUES = ("queue", None)
"""Kinds that replicas share. Connections nobody took yet are of one replica; what waits on a broker is told by the
broker or its exporter, and more of these would not empty it."""


def is_shared(kind: str | None) -> bool:
    """Whether a queue of that kind is emptied by all replicas together."""
    return kind in _QUEUES


def is_server(service: Service) -> bool:
    """Whether it gives connections: a database, of which a second one on the same data is no more."""
    return any(pool.kind == SERVER for pool in service.pools)


def by_cpu(current: int, pods: Sequence[Pod], basis: str, percent: int = TARGET_PERCENT) -> list[Proposed]:
    """Nothing where no replica has anything reserved. `basis`: what their requests are, in words."""
    if not any(pod.request for pod in pods):
        return []
    asked = hpa.utilization(current, pods, percent)
    return [Proposed(asked.replicas, f"CPU {asked.says.replace(f'% of the {RESERVATION}', f'% of the {basis}')}")]


def by_depth(current: int, depths: Iterable[float]) -> list[Proposed]:
    """One for each queue."""
    asked = [hpa.share(current, depth, TARGET_DEPTH) for depth in depths] if current else []
    return [Proposed(each.replicas, f"queue {each.says}") for each in asked]


def pods_of(
    service: Service, at: datetime | None, cores: Mapping[str, float | None], reserved: float | None = None
) -> list[Pod]:
    """Its running replicas. `cores`: by their ids; `reserved`: of each, else its quota. `at`: the time of `cores`."""
    running = [one for one in service.instances if one.state == "running"]
    # Of a task on a machine that is not looked at nothing is known, but that it is like the others.
    like = max((one.cpu.limit_cores for one in running if one.cpu.limit_cores), default=None)
    return [
        _pod(one, at, cores.get(one.id), reserved or one.cpu.limit_cores or (like if is_task(one.id) else None))
        for one in running
    ]


def depths_of(service: Service) -> list[float]:
    """Of the queues that its replicas share."""
    return [float(queue.depth) for queue in service.queues if is_shared(queue.kind) and queue.depth is not None]


def _pod(one: Instance, at: datetime | None, cores: float | None, request: float | None) -> Pod:
    """A task on a node that nobody samples is one whose figure is missing."""
    healthy = None if one.health is None else one.health == "healthy"
    if at is None or one.started_at is None:
        return Pod(cores, request, healthy is not False)
    age_s = (at - one.started_at).total_seconds()
    return Pod(None if is_task(one.id) else cores, request, hpa.is_ready(healthy, age_s, window_s=1.0))
