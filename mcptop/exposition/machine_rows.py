"""The machine, mcptop itself, its alerts and budgets as rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mcptop.exposition.names import Names
from mcptop.exposition.row import Row, label, labels
from mcptop.model.alert import Alert
from mcptop.model.flow import Budget
from mcptop.model.frame import Frame, SourceReport, Status
from mcptop.model.host import Filesystem, Host, Pressure
from mcptop.model.swarm import SwarmNode

_UP = {Status.OK: 1, Status.ERROR: 0}
"""A source that has nothing to look at here (no engine) is neither."""


def own(frame: Frame, version: str) -> Iterator[Row]:
    """mcptop itself, and since when its figures are."""
    host = frame.host.name if frame.host is not None else None
    yield Row(labels(version=version, host=host, engine=frame.engine), (("mcptop_build_info", 1),))
    yield Row("", (
        ("mcptop_sample_timestamp_seconds", frame.at.timestamp()),
        ("mcptop_sample_duration_seconds", frame.own.tick_s),
        ("mcptop_resident_memory_bytes", frame.own.rss_bytes),
    ))  # fmt: skip


def sources(reports: tuple[SourceReport, ...]) -> Iterator[Row]:
    """Which answer and which are broken."""
    for report in reports:
        yield Row(label("source", report.name), (("mcptop_source_up", _UP.get(report.status)),))


def host(machine: Host) -> Iterator[Row]:
    """Its processors, memory, pressure and file systems."""
    name = label("host", machine.name)
    yield Row(name, (
        ("mcptop_host_cpus", machine.cpus),
        ("mcptop_host_cpu_usage_ratio", machine.cpu_ratio),
        ("mcptop_host_memory_total_bytes", machine.memory_total_bytes),
        ("mcptop_host_memory_available_bytes", machine.memory_available_bytes),
        ("mcptop_host_swap_total_bytes", machine.swap_total_bytes),
        ("mcptop_host_swap_free_bytes", machine.swap_free_bytes),
        ("mcptop_host_load1", machine.load_1m),
    ))  # fmt: skip
    for resource in ("cpu", "memory", "io"):
        pressure: Pressure | None = getattr(machine.pressure, resource)
        if pressure is not None:
            yield Row(f"{name},{label('resource', resource)}", (
                ("mcptop_host_pressure_some_ratio", pressure.some_avg10),
                ("mcptop_host_pressure_full_ratio", pressure.full_avg10),
            ))  # fmt: skip
    for disk in machine.disks:
        yield Row(f"{name},{labels(mount=disk.mount, device=disk.device)}", (
            ("mcptop_filesystem_size_bytes", disk.total_bytes),
            ("mcptop_filesystem_avail_bytes", disk.available_bytes),
            ("mcptop_filesystem_used_ratio", disk.used_ratio),
        ))  # fmt: skip
        yield Row(labels(service=machine.name, mount=disk.mount), (("mcp_service_disk_bytes", _used(disk)),))


def _used(disk: Filesystem) -> int:
    """Without what only root may still write to, as long as users have anything left."""
    if disk.used_ratio >= 1:
        return disk.total_bytes - disk.available_bytes
    return round(disk.available_bytes * disk.used_ratio / (1 - disk.used_ratio))


def nodes(found: tuple[SwarmNode, ...]) -> Iterator[Row]:
    """The machines of the swarm."""
    for node in found:
        is_gone = node.state in ("down", "disconnected") or node.reachable == "unreachable"
        ready = 0 if is_gone else 1 if node.state == "ready" else None
        yield Row(labels(node=node.name, role=node.role), (("mcptop_swarm_node_ready", ready),))


def budgets(found: tuple[Budget, ...]) -> Iterator[Row]:
    """What clients may take together of each server."""
    for budget in found:
        yield Row(labels(project=budget.project, server=budget.server), (
            ("mcptop_connection_budget_wanted", budget.total), ("mcptop_connection_budget_allowed", budget.allowed),
        ))  # fmt: skip


def alerts(
    found: tuple[Alert, ...], names: Mapping[str, Names], replicas: Mapping[tuple[str, str], str]
) -> Iterator[Row]:
    """Those that fire, by the labels their services and replicas (by service key and name) have here."""
    for alert in found:
        of_service = names.get(alert.service_key or "")
        yield Row(labels(
            rule=alert.rule,
            severity=alert.severity,
            project=of_service.project if of_service else alert.project,
            service=of_service.service if of_service else alert.service,
            kind=alert.kind,
            replica=replicas.get((alert.service_key or "", alert.instance or "")) or alert.instance,
            subject=alert.subject,
        ), (("mcptop_alert", 1),))  # fmt: skip
