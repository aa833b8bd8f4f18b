"""What an inspect answer says to somebody who is about to act on the container."""

from __future__ import annotations

from mcptop.model.action import ContainerFacts
from mcptop.sources.docker_target import Answer, cpu_limit
from mcptop.units import plain

_CHECKED = ("starting", "healthy", "unhealthy")
_GRACE_S = 10
_MOST_GRACE_S = 3600


def facts_of(inspected: Answer) -> ContainerFacts:
    """State, health, limits, and who else starts and ends it."""
    state, config = inspected.get("State") or {}, inspected.get("Config") or {}
    settings = inspected.get("HostConfig") or {}
    # A check that was switched off is `none`.
    health = (state.get("Health") or {}).get("Status")
    grace = config.get("StopTimeout")
    by_quota = not settings.get("NanoCpus") and (settings.get("CpuQuota") or 0) > 0
    return ContainerFacts(
        state=plain(str(state.get("Status") or "unknown"), 20),
        health=health if health in _CHECKED else None,
        started_at=plain(str(state.get("StartedAt") or ""), 40),
        swarm_task="com.docker.swarm.task.id" in (config.get("Labels") or {}),
        stop_grace_s=_GRACE_S if grace is None else min(max(0, int(grace)), _MOST_GRACE_S),
        memory_bytes=int(settings.get("Memory") or 0),
        memory_swap_bytes=int(settings.get("MemorySwap") or 0),
        cpus=cpu_limit(settings),
        cpu_period_us=int(settings.get("CpuPeriod") or 100_000) if by_quota else 0,
    )
