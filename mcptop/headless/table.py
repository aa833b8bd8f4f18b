"""One frame as a plain table: the whole screen's facts without a screen, for pipes and screen readers."""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Iterator

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mcptop import units
from mcptop.alerts.ranking import rank
from mcptop.headless.pipe import ENDLESS, unfilled
from mcptop.model.alert import Alert
from mcptop.model.frame import Frame, Service
from mcptop.model.host import Host
from mcptop.model.instance import Instance
from mcptop.presentation import fleet, flow_cells, replicas, rows, severity
from mcptop.presentation.flows import NO_FLOW, Flow
from mcptop.presentation.pending import with_pending
from mcptop.presentation.row import Row, flow_of
from mcptop.presentation.runs import safe

_COLOURS = {"ok": "green", "warning": "yellow", "critical": "bold red", "muted": "dim"}
_COLUMNS = ("", "PROJECT", "INSTANCE", "HOST", "CPU", "QUOTA", "THR", "MEMORY", "LIMIT", "%", "POOL", "QUEUE", "NET",
            "DISK", "FDS", "TCP", "↻", "STATE")  # fmt: skip
_TEXT_COLUMNS = ("", "PROJECT", "INSTANCE", "HOST", "STATE")
_HOST_AT = _COLUMNS.index("HOST")
_MIN_WIDTH = 100
_MOST = {"PROJECT": 16, "INSTANCE": 32, "HOST": 16}
_LEAST_STATE, _GAP = 8, 2
_POOL_WIDTH, _QUEUE_WIDTH = 12, 12


def render(frame: Frame, services: tuple[Service, ...]) -> str:
    """The host in one line, then one row an instance; reasons for a symbol stand in the last column."""
    frame, out = with_pending(frame), io.StringIO()
    piped = not sys.stdout.isatty()
    colour = not piped and not os.environ.get("NO_COLOR")
    width = ENDLESS if piped else max(shutil.get_terminal_size().columns, _MIN_WIDTH)
    console = Console(file=out, force_terminal=colour, no_color=not colour, width=width, highlight=False)
    if frame.host:
        console.print(Text(_host_line(frame.host, frame.engine), no_wrap=True))
    elif frame.hosts:
        console.print(Text("".join(text for text, _ in fleet.title(frame, ENDLESS)), no_wrap=True))
    wanted = {service.key for service in services}
    lines = [
        cells
        for row in rows.of_services(frame)
        if row.service is not None and row.key in wanted
        for cells in _rows(row, row.service)
    ]
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold")
    has_hosts = any(one.host for service in services for one in service.instances)
    titles = [title for title in _COLUMNS if title != "HOST" or has_hosts]
    lines = lines if has_hosts else [[*cells[:_HOST_AT], *cells[_HOST_AT + 1 :]] for cells in lines]
    for title, room in zip(titles, _widths(titles, lines, width), strict=True):
        is_text = title in _TEXT_COLUMNS
        table.add_column(title, justify="left" if is_text else "right", no_wrap=True, width=room,
                         overflow="ellipsis" if is_text else "crop")  # fmt: skip
    for cells in lines:
        table.add_row(*cells)
    console.print(table)
    return unfilled(out.getvalue()) if piped else out.getvalue()


def _widths(titles: list[str], lines: list[list[Text]], width: int) -> list[int]:
    """Names may lose their end on a terminal, and reasons have what is left; figures never lose anything."""
    widths = [max([cell_len(title), *(line[at].cell_len for line in lines)]) for at, title in enumerate(titles)]
    if width == ENDLESS:
        return widths
    widths = [min(room, _MOST.get(title, width)) for room, title in zip(widths, titles, strict=True)]
    left = width - sum(widths[:-1]) - _GAP * (len(widths) - 1)
    return [*widths[:-1], max(_LEAST_STATE, min(widths[-1], left))]


def _host_line(host: Host, engine: str | None) -> str:
    used = None
    if host.memory_total_bytes and host.memory_available_bytes is not None:
        used = host.memory_total_bytes - host.memory_available_bytes
    parts = [
        host.name,
        engine or "no engine",
        f"CPU {units.percent(host.cpu_ratio)} of {host.cpus} cores",
        f"MEM {units.long_size(used)} of {units.long_size(host.memory_total_bytes)}",
    ]
    parts += [f"DISK {disk.mount} {units.percent(disk.used_ratio)}" for disk in host.disks[:1]]
    return "  ".join(parts)


def _rows(row: Row, service: Service) -> Iterator[list[Text]]:
    """One row an instance; what belongs to the service as a whole stands with the first."""
    several = row.instance is None
    whole = row.figures.flow.of_none({instance.name for instance in service.instances})
    of_none = list(severity.of_none(service, row.alerts)) if several else []
    if not service.instances:
        yield _without_instance(row)
    for instance in service.instances:
        flow, alerts = flow_of(row, instance), severity.own(service, instance, row.alerts)
        yield _row(service, instance, flow.joined(whole) if several else flow, [*of_none, *alerts])
        whole, of_none = NO_FLOW, []


def _without_instance(row: Row) -> list[Text]:
    """A Swarm service of which nothing runs here: its name, and why."""
    judgement, figures = row.judgement, (units.UNKNOWN,) * (len(_COLUMNS) - 4)
    says = ", ".join(judgement.reasons) if row.alerts else f"{units.of(row.replicas, row.desired)} replicas"
    service = row.service
    assert service is not None
    style = _COLOURS.get(judgement.style, "")
    return [
        Text(judgement.symbol, style=style),
        *map(Text, (safe(service.group), safe(service.name), *figures)),
        Text(says, style=style),
    ]


def _row(service: Service, instance: Instance, flow: Flow, alerts: list[Alert]) -> list[Text]:
    judgement = severity.of_instance(instance, sorted(alerts, key=rank), flow)
    state = safe(instance.health or instance.state, 20)
    reasons = f"{state}: {', '.join(judgement.reasons)}" if judgement.reasons else state
    cpu, memory = instance.cpu, instance.memory
    cells = [
        judgement.symbol,
        safe(service.group),
        replicas.whole(service, instance.name),
        safe(instance.host or units.UNKNOWN, 40),
        units.percent(cpu.cores),
        units.UNKNOWN if cpu.limit_cores is None else f"{cpu.limit_cores:g}",
        units.percent(cpu.throttled_ratio),
        units.size(memory.working_set_bytes),
        units.size(memory.limit_bytes),
        units.percent(memory.limit_ratio),
        flow_cells.use_text(flow.use, _POOL_WIDTH) if flow.use is not None else units.UNKNOWN,
        flow_cells.backlog_text(flow.backlog, _QUEUE_WIDTH) if flow.backlog is not None else units.UNKNOWN,
        units.size(_sum(instance.network.rx_bytes_per_s, instance.network.tx_bytes_per_s)),
        units.size(_sum(instance.disk.read_bytes_per_s, instance.disk.write_bytes_per_s)),
        units.count(instance.fds.open),
        units.count(instance.sockets.established if instance.sockets else None),
        units.count(instance.restarts),
        reasons,
    ]
    style = _COLOURS.get(judgement.style, "")
    return [Text(cell, style=style if position in (0, len(cells) - 1) else "") for position, cell in enumerate(cells)]


def _sum(one: float | None, other: float | None) -> float | None:
    return None if one is None and other is None else (one or 0.0) + (other or 0.0)
