"""The selected row in full: facts in words, reasons, and its memory and CPU as charts."""

from __future__ import annotations

from collections.abc import Sequence

from mcptop import units
from mcptop.model.alert import Alert
from mcptop.model.frame import Frame
from mcptop.model.instance import Instance
from mcptop.presentation import flow_facts, row_charts, runs
from mcptop.presentation.judgement import Judgement
from mcptop.presentation.lens import Lens
from mcptop.presentation.row import Depth, Row
from mcptop.presentation.runs import Run, Runs


def compose(row: Row, frame: Frame, width: int, height: int, lens: Lens) -> list[Runs]:
    """Exactly what fits in `height` lines: the title, the facts, the reasons, and charts in what is left."""
    lines = [title(row, frame, width)]
    facts = [*_why(row, frame, width), *flow_facts.brief(row, width), _traffic(row, width)]
    room = height - 1 - len(facts)
    if room >= 5 and width >= 40:
        return [*lines, *row_charts.use(row, lens, width, room), *facts][:height]
    return [*lines, row_charts.memory_line(row, width), row_charts.cpu_line(row, width), *facts][:height]


def title(row: Row, frame: Frame, width: int) -> Runs:
    """What is selected: its name and what it is."""
    left: list[Run] = [(f" {row.judgement.symbol} ", row.judgement.style), (row.name, "strong"), (" ", "text")]
    if row.depth is Depth.GROUP:
        left.append((f" {row.replicas or 0} running", "muted"))
    if row.instance is not None:
        left += [(f"  {fact}", "muted") for fact in _identity(row.instance)]
    elif row.service is not None:
        left.append((f" {row.replicas} of {len(row.service.instances)} instances run", "muted"))
    started = row.figures.started_at
    if started is not None and row.depth is not Depth.GROUP and not row.judgement.stopped:
        up = units.duration(max(0.0, (frame.at - started).total_seconds()))
        left.append((f"  up {up}", "muted"))
    if row.figures.age_s is not None:
        left.append((f"  numbers are {units.duration(row.figures.age_s)} old", "warning"))
    return ruled(left, width)


def ruled(left: Sequence[Run], width: int) -> Runs:
    """A title, and a line behind it to the edge."""
    head = runs.clip(left, width - 1)
    rest = width - runs.width(head) - 1
    return (*head, (" " + "─" * rest if rest > 0 else " ", "faint"))


def _identity(instance: Instance) -> list[str]:
    facts = []
    if instance.image:
        facts.append(units.plain(instance.image, 48))
    if instance.pid is not None:
        facts.append(f"pid {instance.pid}")
    state = units.plain(instance.state, 20)
    if instance.health:
        state = f"{state}, {units.plain(instance.health, 20)}"
    if instance.state != "running" and instance.exit_code is not None:
        state = f"{state}, exit code {instance.exit_code}"
    return [*facts, state]


def _traffic(row: Row, width: int) -> Runs:
    """Network, disk, files and sockets on one line."""
    figures = row.figures
    facts = [
        ("net", f"↓{units.size(figures.rx)} ↑{units.size(figures.tx)}/s"),
        ("disk", f"r {units.size(figures.read)} w {units.size(figures.write)}/s"),
        ("files", _files(row)),
        ("sockets", _sockets(row)),
        ("pids", _pids(row)),
        ("restarts", units.count(figures.restarts)),
    ]
    if figures.oom_kills:
        facts.append(("oom kills", units.count(figures.oom_kills)))
    line: list[Run] = []
    for name, value in facts:
        line += [(f" {name} ", "dim"), (f"{value} ", "muted" if value != units.UNKNOWN else "dim")]
    return runs.clip(line, width)


def _files(row: Row) -> str:
    limit = row.instance.fds.limit if row.instance is not None else None
    open_files = units.count(row.figures.fds)
    return open_files if limit is None else f"{open_files} (limit {units.count(limit)})"


def _pids(row: Row) -> str:
    pids = units.count(row.figures.pids)
    instance = row.instance
    if instance is None or instance.pids_limit is None:
        return pids
    return f"{pids}/{units.count(instance.pids_limit)}"


def _sockets(row: Row) -> str:
    sockets = row.instance.sockets if row.instance is not None else None
    if sockets is None:
        established = units.count(row.figures.established)
        waiting = row.figures.close_wait
        return established if not waiting else f"{established} est {units.count(waiting)} close_wait"
    counts = (("est", sockets.established), ("close_wait", sockets.close_wait), ("time_wait", sockets.time_wait),
              ("listen", sockets.listen), ("syn_sent", sockets.syn_sent))  # fmt: skip
    shown = [f"{number} {name}" for name, number in counts if number or name == "est"]
    return " ".join(shown)


def reasons(judgement: Judgement, width: int) -> list[Runs]:
    """Why the row has its symbol; nothing when all is well."""
    if not judgement.reasons:
        return []
    text = "; ".join(judgement.reasons)
    return [runs.clip(((f" {judgement.symbol} ", judgement.style), (text, judgement.style)), width)]


def _why(row: Row, frame: Frame, width: int) -> list[Runs]:
    """Why it has its symbol, and what will be a reason soon."""
    return [*reasons(row.judgement, width), *pending(row, frame, width)]


def pending(row: Row, frame: Frame, width: int) -> list[Runs]:
    """What holds, but not yet for as long as its rule wants; on one line."""
    if row.service is None or not frame.pending:
        return []
    instance = row.instance.name if row.instance is not None else None
    told = [
        f"{alert.says} (fires in {units.duration(_waits_s(alert, frame))})"
        for alert in frame.pending
        if alert.service_key == row.service.key and instance in (None, alert.instance)
    ]
    return [runs.clip(((" ◔ ", "muted"), ("; ".join(told), "muted")), width)] if told else []


def _waits_s(alert: Alert, frame: Frame) -> float:
    return max(0.0, alert.for_s - (frame.at - alert.since).total_seconds())


def compose_full(row: Row, frame: Frame, width: int, height: int, lens: Lens) -> list[Runs]:
    """The row with the screen to itself: memory and CPU above, network and disk below."""
    flows = flow_facts.listed(row, width, max(1, height // 5))
    facts = [*_why(row, frame, width), *flows, _traffic(row, width)]
    room = height - 1 - len(facts)
    if room < 16 or width < 76:
        return compose(row, frame, width, height, lens)
    upper = row_charts.use(row, lens, width, (room + 1) // 2)
    lower = row_charts.traffic(row, lens, width, room // 2)
    return [title(row, frame, width), *upper, *lower, *facts]
