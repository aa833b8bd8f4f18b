"""What a Docker Engine's answers say about one container."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mcptop.model.snapshot import Target
from mcptop.model.value import Kind
from mcptop.sources import pool_settings
from mcptop.sources.address_book import addresses_of
from mcptop.units import plain

Answer = Mapping[str, Any]
"""A JSON object of the Engine API."""
_OUTPUT_READ = 2000


def target_of(listed: Answer, inspected: Answer | None) -> Target:
    """One container as a target, from its entry in the list and, where there is one already, its inspect answer.

    Names, labels and images are whatever somebody wrote: they are made harmless here, once for all readers.
    """
    labels: Mapping[str, str] = listed.get("Labels") or {}
    name = next((str(n).lstrip("/") for n in listed.get("Names") or ()), str(listed["Id"])[:12])
    project, service = service_of(labels, name)
    state = (inspected or {}).get("State") or {}
    settings = (inspected or {}).get("HostConfig") or {}
    networks = (inspected or listed).get("NetworkSettings") or {}
    addresses, gateways = addresses_of((networks.get("Networks") or {}).values())
    ended = state.get("Status", listed.get("State")) in ("exited", "dead", "restarting")
    return Target(
        id=str(listed["Id"]),
        name=plain(name),
        kind=Kind.CONTAINER,
        project=plain(project) if project else None,
        service=plain(service),
        pid=state.get("Pid") or None,
        state=str(state.get("Status") or listed.get("State") or "unknown"),
        health=_health(state, str(listed.get("Status") or "")),
        health_output=_health_output(state),
        image=plain(str(listed.get("Image") or "")) or None,
        started_at=timestamp(state.get("StartedAt")),
        restarts=(inspected or {}).get("RestartCount"),
        oom_killed=bool(state.get("OOMKilled")),
        exit_code=state.get("ExitCode") if ended else None,
        memory_limit_bytes=settings.get("Memory") or None,
        cpu_limit_cores=cpu_limit(settings),
        metrics_url=labels.get("mcptop.metrics") or _prometheus_url(labels),
        addresses=addresses,
        gateways=gateways,
        published=_published(listed),
        environment=pool_settings.read((inspected or {}).get("Config", {}).get("Env") or ()),
    )


def service_of(labels: Mapping[str, str], name: str) -> tuple[str | None, str]:
    """Project and service by the labels of Compose or Swarm; a container without them is a service of its own."""
    if service := labels.get("com.docker.compose.service"):
        return labels.get("com.docker.compose.project") or None, service
    if service := labels.get("com.docker.swarm.service.name"):
        stack = labels.get("com.docker.stack.namespace") or None
        return stack, service.removeprefix(f"{stack}_") if stack else service
    return labels.get("com.docker.compose.project") or None, name


def _prometheus_url(labels: Mapping[str, str]) -> str | None:
    """The annotations of Prometheus as labels; the host is left out where it is the container's own address."""
    port = labels.get("prometheus.io/port", "")
    if labels.get("prometheus.io/scrape") != "true" or not port.isdigit():
        return None
    path = labels.get("prometheus.io/path", "/metrics")
    return f"{labels.get('prometheus.io/scheme', 'http')}://:{port}/{path.lstrip('/')}"


def _published(listed: Answer) -> tuple[tuple[int, int], ...]:
    ports = listed.get("Ports") or ()
    return tuple(sorted({(int(p["PublicPort"]), int(p["PrivatePort"])) for p in ports if p.get("PublicPort")}))


def _health(state: Answer, status: str) -> str | None:
    found = str((state.get("Health") or {}).get("Status") or "")
    if not found:
        # The list has it in brackets only: "Up 3 minutes (healthy)", "Up 2 seconds (health: starting)".
        found = status.rpartition("(")[2].rstrip(")").removeprefix("health: ") if status.startswith("Up") else ""
    return found if found in ("healthy", "unhealthy", "starting") else None


def _health_output(state: Answer) -> str | None:
    """The newest output of a health check that fails, as one line."""
    health = state.get("Health") or {}
    if health.get("Status") != "unhealthy":
        return None
    looks = [look for look in health.get("Log") or () if look.get("ExitCode")]
    # Cut before anything else: a check may print megabytes.
    output = str(looks[-1].get("Output") or "")[:_OUTPUT_READ] if looks else ""
    return plain(" ".join(plain(output, _OUTPUT_READ).split())) or None


def cpu_limit(settings: Answer) -> float | None:
    """A container's CPU quota in cores, by its `HostConfig`; None without one."""
    if nano := settings.get("NanoCpus"):
        return float(nano) / 1e9
    quota, period = settings.get("CpuQuota") or 0, settings.get("CpuPeriod") or 100_000
    return float(quota) / float(period) if quota > 0 else None


def timestamp(text: str | None) -> datetime | None:
    """The engine's way to write a moment, to the second; None for "never"."""
    if not text or text.startswith("0001-"):
        return None
    try:
        return datetime.fromisoformat(text[:19]).replace(tzinfo=UTC)
    except ValueError:
        return None
