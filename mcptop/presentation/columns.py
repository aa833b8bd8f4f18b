"""The columns of the service table, as a table: what they show, when they fit, how they sort."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from mcptop import units
from mcptop.presentation import cells, runs
from mcptop.presentation.cells import Cell, Moment, right
from mcptop.presentation.rows import Depth, Row, SortValue
from mcptop.presentation.runs import Run, Runs

NARROW, MAIN, WIDE = 80, 120, 200
"""Terminal widths that have a set of columns of their own."""


class Column(Struct, frozen=True, eq=False):
    """One column."""

    id: str
    title: str
    says: str
    """What it shows, for the help and the sort menu."""
    width: int
    cell: Cell
    fits: int = NARROW
    """The narrowest terminal that shows it."""
    sort: SortValue | None = None
    most: int = 0
    """How wide it may grow where there is room; 0: it does not."""
    align: str = "right"


class Placed(Struct, frozen=True, eq=False):
    """A column with the width it got."""

    column: Column
    width: int


def _throttled_style(row: Row) -> str:
    ratio = row.figures.throttled or 0.0
    return "warning" if ratio >= 0.25 else ("text" if ratio >= 0.005 else "dim")


def _fds_style(row: Row) -> str:
    return "warning" if (row.figures.fds_ratio or 0.0) >= 0.8 else ("muted" if row.depth is Depth.INSTANCE else "text")


def _age(row: Row) -> float | None:
    started = row.figures.started_at
    return None if started is None else -started.timestamp()


COLUMNS = (
    Column("name", "SERVICE", "project, service and instance", 12, cells.name, 0, lambda r: r.name, 40, "left"),
    Column(
        "replicas",
        "\N{MULTIPLICATION SIGN}",
        "instances that run now",
        2,
        right(lambda r: "" if r.depth is Depth.INSTANCE else units.count(r.replicas), lambda r: "muted"),
        50,
        lambda r: r.replicas,
    ),
    Column(
        "cpu",
        "CPU",
        "percent of one core, and its last samples against the quota",
        5,
        cells.cpu,
        0,
        lambda r: r.figures.cores,
        36,
        "right",
    ),
    Column(
        "throttled",
        "THR",
        "share of scheduler periods in which the quota held it back",
        4,
        right(lambda r: units.percent(r.figures.throttled), _throttled_style),
        MAIN - 10,
        lambda r: r.figures.throttled,
    ),
    Column(
        "memory",
        "MEM",
        "working set against its limit",
        5,
        cells.memory,
        26,
        lambda r: r.figures.working_set,
        38,
        "right",
    ),
    Column(
        "anon",
        "ANON",
        "anonymous memory: what no cache can give back",
        5,
        right(lambda r: units.size(r.figures.anon)),
        WIDE - 30,
        lambda r: r.figures.anon,
    ),
    Column(
        "trend",
        "Δ/h",
        "growth of anonymous memory in an hour",
        6,
        right(cells.trend, cells.trend_style),
        66,
        lambda r: r.figures.trend,
    ),
    Column(
        "net",
        "NET",
        "bytes received and sent, a second",
        5,
        right(lambda r: units.size(r.figures.network)),
        NARROW - 2,
        lambda r: r.figures.network,
    ),
    Column(
        "disk",
        "DISK",
        "bytes read and written, a second",
        5,
        right(lambda r: units.size(r.figures.disk)),
        MAIN - 10,
        lambda r: r.figures.disk,
    ),
    Column(
        "sockets",
        "SOCK",
        "established TCP connections; 7w: in CLOSE_WAIT",
        7,
        cells.sockets,
        MAIN - 2,
        lambda r: r.figures.established,
    ),
    Column(
        "fds",
        "FD",
        "open files and sockets",
        4,
        right(lambda r: units.count(r.figures.fds), _fds_style),
        MAIN - 10,
        lambda r: r.figures.fds,
    ),
    Column(
        "pids",
        "PIDS",
        "processes and threads, as the kernel counts them",
        4,
        right(lambda r: units.count(r.figures.pids)),
        MAIN - 2,
        lambda r: r.figures.pids,
    ),
    Column(
        "pressure",
        "PSI CPU/MEM/IO",
        "share of the last 10 s in which a task waited for CPU, memory, I/O",
        15,
        cells.pressure,
        WIDE - 15,
        lambda r: r.figures.cpu_pressure,
        15,
        "right",
    ),
    Column(
        "restarts",
        "↻",
        "restarts; 1!: killed for lack of memory",
        3,
        cells.restarts,
        58,
        lambda r: r.figures.restarts,
    ),
    Column(
        "state",
        "HEALTH",
        "health, or the engine's word for the state",
        9,
        cells.state,
        46,
        lambda r: float(r.judgement.level),
        10,
        "left",
    ),
    Column("up", "UP", "time since the latest start", 7, cells.up, WIDE - 60, _age),
)
BY_ID = {column.id: column for column in COLUMNS}
_GROW = (("memory", 16), ("cpu", 12), ("name", 18), ("memory", 25), ("name", 22), ("cpu", 16), ("memory", 29))
"""Where room goes first: the steps by which columns get their comfortable width."""


def place(width: int) -> list[Placed]:
    """The columns a terminal of this width shows, one cell between them."""
    shown = [column for column in COLUMNS if column.fits <= width]
    while len(shown) > 1 and _taken(shown) > width:
        shown.pop()
    widths = {column.id: column.width for column in shown}
    if len(shown) == 1:
        widths[shown[0].id] = max(1, width - 2)
    left = width - 1 - sum(room + 1 for room in widths.values())
    for id, comfortable in _GROW:
        if id in widths and left > 0:
            more = min(left, max(0, comfortable - widths[id]))
            # A memory column between "used" and "bar, used, percent" would be wider and say nothing more.
            if id == "memory" and widths[id] + more < 16:
                continue
            widths[id] += more
            left -= more
    for column in sorted(shown, key=lambda c: -c.most):
        more = min(left, max(0, column.most - widths[column.id]))
        if column.most and more > 0:
            more = more if column.id == "name" else more * 2 // 3
            widths[column.id] += more
            left -= more
    return [Placed(column, widths[column.id]) for column in shown]


def heading(placed: Sequence[Placed], sort: str, descending: bool) -> Runs:
    """The line above the rows; the sorted column is marked."""
    line: list[Run] = [(" ", "heading")]
    for item in placed:
        chosen = item.column.id == sort
        title = item.column.title + (("▾" if descending else "▴") if chosen else "")
        if runs.cells(title) > item.width:
            title = title[-item.width :] if chosen else title[: item.width]
        align = item.column.align
        if item.column.id in ("cpu", "memory") and item.width >= 10:
            title, align = _title_over_figure(item, title), "left"
        line.append((runs.fit(title, item.width, align), "heading.sorted" if chosen else "heading"))
        line.append((" ", "heading"))
    return tuple(line)


def line(row: Row, placed: Sequence[Placed], moment: Moment) -> Runs:
    """One row of the table, without the margin for the cursor."""
    parts: list[Run] = []
    for item in placed:
        parts.extend(item.column.cell(row, item.width, moment))
        # The gap belongs to the cell before it: one run less to paint.
        text, style = parts[-1]
        parts[-1] = (text + " ", style) if not style.startswith("bar.") else (text, style)
    return tuple(parts)


def _title_over_figure(item: Placed, title: str) -> str:
    """A column with a drawing has its title over the figure."""
    return f"{title:>5}" if item.column.id == "cpu" else title


def _taken(shown: Sequence[Column]) -> int:
    return 1 + sum(column.width + 1 for column in shown)
