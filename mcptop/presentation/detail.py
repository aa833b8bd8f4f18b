"""The selected row in full: facts in words, reasons, and its memory and CPU as charts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from mcptop import units
from mcptop.model.frame import Frame
from mcptop.model.instance import Instance
from mcptop.presentation import cells, charts, flow_facts, runs, severity
from mcptop.presentation.charts import Chart
from mcptop.presentation.judgement import Judgement
from mcptop.presentation.rows import Depth, Row
from mcptop.presentation.runs import Run, Runs

_GAP = 2
_MIB = 1 << 20


def compose(row: Row, frame: Frame, width: int, height: int, window_s: float) -> list[Runs]:
    """Exactly what fits in `height` lines: the title, the facts, the reasons, and charts in what is left."""
    lines = [title(row, frame, width)]
    facts = [*reasons(row.judgement, width), *flow_facts.brief(row, width), _traffic(row, width)]
    room = height - 1 - len(facts)
    if room >= 5 and width >= 40:
        return [*lines, *_charts(row, frame, width, room, window_s), *facts][:height]
    return [*lines, _memory_line(row, width), _cpu_line(row, width), *facts][:height]


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


Titled = tuple[Runs, Chart]


def _charts(row: Row, frame: Frame, width: int, height: int, window_s: float) -> list[Runs]:
    """Memory and CPU side by side, or memory alone where the pane is narrow."""
    memory = (_memory_line(row, width), _memory_chart(row, frame, window_s))
    if width < 76:
        return titled(memory, width, height)
    return beside(memory, (_cpu_line(row, width), _cpu_chart(row, frame, window_s)), width, height)


def titled(titled: Titled, width: int, height: int) -> list[Runs]:
    line, chart = titled
    return [runs.clip(line, width), *charts.draw(chart, width, height - 1)]


def beside(one: Titled, two: Titled, width: int, height: int) -> list[Runs]:
    half = (width - _GAP) // 2
    left, right = titled(one, half, height), titled(two, width - half - _GAP, height)
    return [
        (*start, (" " * (half - runs.width(start) + _GAP), "text"), *end)
        for start, end in zip(left, right, strict=True)
    ]


def _rates(row: Row, frame: Frame, subject: str, parts: tuple[str, str], window_s: float) -> Titled:
    """Both directions of a traffic added up; a tick with only one of them known counts that one."""
    key = row.key if row.instance is None else row.instance.id
    one, two = (history(frame, key, f"{subject}.{part}", window_s) for part in parts)
    both = [
        None if a is None and b is None else (a or 0.0) + (b or 0.0)
        for a, b in zip_longest(reversed(one), reversed(two))
    ][::-1]
    highest = max((value for value in both if value is not None), default=0.0)
    now = {"rx": row.figures.rx, "tx": row.figures.tx, "read": row.figures.read, "write": row.figures.write}
    line: list[Run] = [(f" {subject} ", "strong")]
    for part in parts:
        line += [(f" {part} ", "dim"), (f"{units.size(now[part])}/s", "text")]
    chart = Chart(both, window_s, frame.interval_s, max(round_up(highest * 1.15, 1024.0), 1024.0), units.size,
                  style="chart.memory" if subject == "network" else "chart.cpu", tick=frame.number)  # fmt: skip
    return tuple(line), chart


def _memory_chart(row: Row, frame: Frame, window_s: float) -> Chart:
    values = history(frame, row.key, "memory.working_set", window_s)
    limit = row.figures.memory_limit
    highest = max((value for value in values if value is not None), default=0.0)
    return Chart(
        values,
        window_s,
        frame.interval_s,
        top=float(limit) if limit else max(round_up(highest * 1.15), _MIB),
        label=units.size,
        limit=limit,
        style="chart.memory",
        tones=((severity.MEMORY_CRITICAL, "chart.critical"), (severity.MEMORY_WARNING, "chart.warning")),
        tick=frame.number,
    )


def _cpu_chart(row: Row, frame: Frame, window_s: float) -> Chart:
    values = history(frame, row.key, "cpu.cores", window_s)
    quota = row.figures.limit_cores
    highest = max((value for value in values if value is not None), default=0.0)
    return Chart(
        values,
        window_s,
        frame.interval_s,
        # A quota far above the use stays in the picture: the distance is the message.
        top=max(quota or 1.0, highest),
        label=units.percent,
        limit=quota,
        limit_name="quota",
        style="chart.cpu",
        tones=((severity.CPU_WARNING, "chart.warning"),),
        tick=frame.number,
    )


def history(frame: Frame, key: str, metric: str, window_s: float) -> Sequence[float | None]:
    return frame.series.tail(key, metric, max(1, round(window_s / frame.interval_s)))


def round_up(value: float, step: float = float(_MIB)) -> float:
    """The next figure with one digit in powers of two, so that the scale does not move at every tick."""
    while step * 8 < value:
        step *= 2
    return -(-value // step) * step


def _memory_line(row: Row, width: int) -> Runs:
    figures = row.figures
    used = units.long_size(figures.working_set)
    of = f" of {units.long_size(figures.memory_limit)}" if figures.memory_limit else ""
    line: list[Run] = [(" memory ", "strong"), (f" {used}{of}", "text")]
    grown = cells.trend(row)
    if grown not in (units.UNKNOWN, "0"):
        line.append((f"  {grown}/h", cells.trend_style(row)))
        left = cells.hours_left(row)
        if left is not None and left < 48:
            line.append((f", limit in {units.duration(left * cells.HOUR)}", cells.trend_style(row)))
    for name, value in _parts_of_memory(row):
        line += [(f"  {name} ", "dim"), (units.size(value), "muted")]
    return runs.clip(line, width)


def _parts_of_memory(row: Row) -> list[tuple[str, float | None]]:
    if row.instance is None:
        return [("anon", row.figures.anon)]
    memory = row.instance.memory
    return [("anon", memory.anon_bytes), ("file", memory.file_bytes), ("shmem", memory.shmem_bytes)]


def _cpu_line(row: Row, width: int) -> Runs:
    figures = row.figures
    used = units.UNKNOWN if figures.cores is None else f"{figures.cores:.2f}"
    of = f" of {figures.limit_cores:.2f} cores" if figures.limit_cores else " cores, no quota"
    line: list[Run] = [(" cpu ", "strong"), (f" {used}{of}", "text")]
    if figures.throttled is not None:
        tone = "warning" if figures.throttled >= severity.THROTTLED_WARNING else "dim"
        line.append((f"  throttled {units.percent(figures.throttled)}", tone))
    if figures.cpu_pressure is not None:
        line.append((f"  pressure {units.percent(figures.cpu_pressure)}", "dim"))
    return runs.clip(line, width)


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


def compose_full(row: Row, frame: Frame, width: int, height: int, window_s: float) -> list[Runs]:
    """The row with the screen to itself: memory and CPU above, network and disk below."""
    flows = flow_facts.listed(row, width, max(1, height // 5))
    facts = [*reasons(row.judgement, width), *flows, _traffic(row, width)]
    room = height - 1 - len(facts)
    if room < 16 or width < 76:
        return compose(row, frame, width, height, window_s)
    upper = _charts(row, frame, width, (room + 1) // 2, window_s)
    lower = beside(
        _rates(row, frame, "network", ("rx", "tx"), window_s),
        _rates(row, frame, "disk", ("read", "write"), window_s),
        width,
        room // 2,
    )
    return [title(row, frame, width), *upper, *lower, *facts]
