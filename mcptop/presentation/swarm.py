"""What Swarm says of a service, in words."""

from __future__ import annotations

from mcptop.model.swarm import SwarmService


def unsampled(swarm: SwarmService | None) -> str:
    """How much of a service nobody here measures; empty where that is nothing."""
    if swarm is None or not swarm.elsewhere:
        return ""
    runs = "runs" if swarm.running == 1 else "run"
    return f"{swarm.elsewhere} of {swarm.running} replicas {runs} on nodes mcptop does not sample"
