"""The columns of the service table: what they show, when they fit, how they sort."""

from __future__ import annotations

from mcptop import units
from mcptop.alerts import rules
from mcptop.presentation import cells, fleet, flow_cells, runs
from mcptop.presentation.cells import right
from mcptop.presentation.more_columns import ON_REQUEST_COLUMNS
from mcptop.presentation.row import Depth, Row
from mcptop.presentation.runs import Runs, safe
from mcptop.presentation.sheet import MAIN, NARROW, WIDE, Column, Moment, Sheet


def _throttled_style(row: Row) -> str:
    ratio = row.figures.throttled or 0.0
    return "warning" if row.rules.shown(rules.CPU_THROTTLED.id).judge(ratio) else ("text" if ratio >= 0.005 else "dim")


def _fds_style(row: Row) -> str:
    if row.rules.shown(rules.FDS_NEAR_LIMIT.id).judge(row.figures.fds_ratio):
        return "warning"
    return "muted" if row.depth is Depth.INSTANCE else "text"


def _age(row: Row) -> float | None:
    started = row.figures.started_at
    return None if started is None else -started.timestamp()


def _has_pressure(row: Row) -> bool:
    figures = row.figures
    return (figures.cpu_pressure, figures.memory_pressure, figures.io_pressure) != (None, None, None)


def _host(row: Row) -> str:
    """Its name, or how many there are."""
    hosts = row.figures.hosts
    return safe(next(iter(hosts))) if len(hosts) == 1 else f"{len(hosts)} hosts" if hosts else units.UNKNOWN


def _host_cell(row: Row, width: int, moment: Moment) -> Runs:
    """Without its domain, where there is no room for it."""
    text = _host(row)
    text = text if runs.cells(text) <= width else fleet.short(text)
    return ((runs.fit(text, width, "left"), "dim" if text == units.UNKNOWN else "muted"),)


COLUMNS: tuple[Column[Row], ...] = (
    Column("name", "SERVICE", "project, service and instance", 12, cells.name, 0, lambda r: r.name, 40, "left",
           names=True),
    Column("replicas", "\N{MULTIPLICATION SIGN}", "instances that run now; 2/3: of so many that shall run", 2,
           right(cells.replicas, lambda r: "muted" if r.desired is None else "warning"), 50, lambda r: r.replicas,
           has=lambda r: r.desired is not None, stays=True, rare=True),
    Column("host", "HOST", "the machine it is on, where mcptop looks at several", 7, _host_cell, 60, _host, 14, "left",
           names=True, has=lambda r: bool(r.figures.hosts), rare=True),
    Column("cpu", "CPU", "percent of one core, and its last samples against the quota", 5, cells.cpu, 0,
           lambda r: r.figures.cores, 36, figure=5, jumps=True),
    Column("throttled", "THR", "share of scheduler periods in which the quota held it back", 4,
           right(lambda r: units.percent(r.figures.throttled), _throttled_style), MAIN - 10,
           lambda r: r.figures.throttled, jumps=True, has=lambda r: r.figures.throttled is not None),
    Column("memory", "MEM", "working set against its limit", 5, cells.memory, 26, lambda r: r.figures.working_set, 38,
           figure=1, jumps=True, has=lambda r: bool(r.figures.memory_worst or r.figures.memory_limit), stays=True),
    Column("anon", "ANON", "anonymous memory: what no cache can give back", 5,
           right(lambda r: units.size(r.figures.anon)), WIDE - 30, lambda r: r.figures.anon, jumps=True),
    Column("trend", "Δ/h", "growth of anonymous memory in an hour", 5, right(cells.trend, cells.trend_style), 66,
           lambda r: r.figures.trend, jumps=True),
    Column("pool", "POOL", "its most pressing pool: in use/max; 7w: callers wait; ~: inferred", 6, flow_cells.pool, 74,
           flow_cells.pool_order, 30, jumps=True),
    Column("queue", "QUEUE", "its most pressing queue: entries, and how many more (or fewer) a second", 5,
           flow_cells.queue, 60, flow_cells.queue_order, 10, jumps=True),
    Column("net", "NET", "bytes received and sent, a second", 5, right(lambda r: units.size(r.figures.network)),
           NARROW + 6, lambda r: r.figures.network, jumps=True, has=lambda r: r.figures.network is not None),
    Column("disk", "DISK", "bytes read and written, a second", 5, right(lambda r: units.size(r.figures.disk)),
           MAIN + 10, lambda r: r.figures.disk, jumps=True, has=lambda r: r.figures.disk is not None),
    Column("sockets", "SOCK", "established TCP connections; 7w: in CLOSE_WAIT", 6, cells.sockets, MAIN - 2,
           lambda r: r.figures.established, jumps=True),
    Column("fds", "FD", "open files and sockets", 4, right(lambda r: units.count(r.figures.fds), _fds_style),
           MAIN - 20, lambda r: r.figures.fds),
    Column("pids", "PIDS", "processes and threads, as the kernel counts them", 4,
           right(lambda r: units.count(r.figures.pids)), MAIN - 2, lambda r: r.figures.pids),
    Column("pressure", "PSI CPU/MEM/IO", "share of the last 10 s in which a task waited for CPU, memory, I/O", 15,
           cells.pressure, WIDE - 10, lambda r: r.figures.cpu_pressure, 15, jumps=True, has=_has_pressure),
    Column("restarts", "↻", "restarts; 1!: killed for lack of memory", 3, cells.restarts, 58,
           lambda r: r.figures.restarts, has=lambda r: r.figures.restarts is not None),
    Column("state", "HEALTH", "health, or the engine's word for the state", 8, cells.state, 46,
           lambda r: float(r.judgement.level), 10, "left"),
    Column("up", "UP", "time since the latest start", 7, cells.up, WIDE - 50, _age),
)  # fmt: skip
SERVICES = Sheet(
    (*COLUMNS, *ON_REQUEST_COLUMNS),
    (("replicas", 5), ("memory", 16), ("pool", 8), ("name", 17), ("cpu", 10), ("pool", 12), ("queue", 8),
     ("name", 20), ("host", 12), ("pool", 15), ("state", 9), ("memory", 23), ("name", 24), ("memory", 25), ("cpu", 16),
     ("memory", 29), ("pool", 24), ("pool", 26)),
)  # fmt: skip
