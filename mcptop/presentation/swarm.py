"""What Swarm says of a service, as a table shows it."""

from __future__ import annotations

from collections.abc import Iterable

from mcptop.model.frame import Service
from mcptop.model.swarm import SwarmService


def running(service: Service) -> int:
    """Replicas, as Swarm has them where some are missing."""
    swarm = service.swarm
    return service.replicas if swarm is None or desired(service) is None else swarm.running


def desired(service: Service) -> int | None:
    """How many there shall be; None where that is as many as run, or nobody knows."""
    swarm = service.swarm
    return swarm.desired if swarm is not None and swarm.has_replicas and swarm.desired != swarm.running else None


def desired_of(services: Iterable[tuple[int | None, int | None]]) -> int | None:
    """Of a group, by what runs and what shall run of each: the sum, where any of them differs."""
    known = list(services)
    if all(wanted is None for _, wanted in known):
        return None
    return sum((runs or 0) if wanted is None else wanted for runs, wanted in known)


def unsampled(swarm: SwarmService | None) -> str:
    """How much of a service nobody here measures; empty where that is nothing."""
    if swarm is None or not swarm.elsewhere:
        return ""
    word = "runs" if swarm.running == 1 else "run"
    return f"{swarm.elsewhere} of {swarm.running} replicas {word} on nodes mcptop does not sample"
