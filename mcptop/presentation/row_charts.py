"""The charts of a row and the lines above them: memory, CPU, network and disk over time."""

from __future__ import annotations

from itertools import zip_longest

from mcptop import units
from mcptop.alerts import rules
from mcptop.presentation import cells, charts, runs, severity
from mcptop.presentation.charts import Chart
from mcptop.presentation.lens import Lens
from mcptop.presentation.row import Depth, Row
from mcptop.presentation.runs import Run, Runs
from mcptop.presentation.time_axis import Mark

_GAP = 2
_MIB = 1 << 20
_LEAST_CORES = 0.1
"""Less is not drawn larger: noise is no mountain."""

Titled = tuple[Runs, Chart]


def use(row: Row, lens: Lens, width: int, height: int) -> list[Runs]:
    """Memory and CPU side by side, or memory alone where the pane is narrow."""
    memory = (memory_line(row, width), _memory_chart(row, lens))
    if width < 76:
        return titled(memory, width, height)
    return beside(memory, (cpu_line(row, width), _cpu_chart(row, lens)), width, height)


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


def _rates(row: Row, lens: Lens, subject: str, parts: tuple[str, str]) -> Titled:
    """Both directions of a traffic added up; a tick with only one of them known counts that one."""
    key = row.key if row.instance is None else row.instance.id
    one, two = (lens.history(key, f"{subject}.{part}") for part in parts)
    both = [
        None if a is None and b is None else (a or 0.0) + (b or 0.0)
        for a, b in zip_longest(reversed(one), reversed(two))
    ][::-1]
    highest = max((value for value in both if value is not None), default=0.0)
    now = {"rx": row.figures.rx, "tx": row.figures.tx, "read": row.figures.read, "write": row.figures.write}
    line: list[Run] = [(f" {subject} ", "strong")]
    for part in parts:
        line += [(f" {part} ", "dim"), (f"{units.size(now[part])}/s", "text")]
    chart = Chart(both, lens, max(round_up(highest * 1.15, 1024.0), 1024.0), units.size, marks=_marks(row, lens),
                  style="chart.memory" if subject == "network" else "chart.cpu")  # fmt: skip
    return tuple(line), chart


def _memory_chart(row: Row, lens: Lens) -> Chart:
    values = lens.history(row.key, "memory.working_set")
    limit = row.figures.memory_limit
    highest = max((value for value in values if value is not None), default=0.0)
    rule = row.rules.shown(rules.MEMORY_NEAR_LIMIT.id)
    return Chart(
        values,
        lens,
        top=float(limit) if limit else max(round_up(highest * 1.15), _MIB),
        label=units.size,
        limit=limit,
        style="chart.memory",
        tones=(
            (rule.critical, "chart.critical"),
            (rule.warning, "chart.warning"),
        ),
        marks=_marks(row, lens),
    )


def _cpu_chart(row: Row, lens: Lens) -> Chart:
    values = lens.history(row.key, "cpu.cores")
    quota = row.figures.limit_cores
    highest = max((value for value in values if value is not None), default=0.0)
    return Chart(
        values,
        lens,
        # A quota far above the use stays in the picture: the distance is the message.
        top=quota if quota and quota >= highest else charts.round_top(highest, _LEAST_CORES),
        label=units.percent,
        limit=quota,
        limit_name="quota",
        style="chart.cpu",
        tones=((severity.CPU_WARNING, "chart.warning"),),
        marks=_marks(row, lens),
    )


def _marks(row: Row, lens: Lens) -> tuple[Mark, ...]:
    """A group has too many parts to tell them apart."""
    service = row.service.key if row.service is not None else ""
    return lens.marks(service, row.key if row.depth is Depth.INSTANCE else None)


def round_up(value: float, step: float = float(_MIB)) -> float:
    """The next figure with one digit in powers of two, so that the scale does not move at every tick."""
    while step * 8 < value:
        step *= 2
    return -(-value // step) * step


def memory_line(row: Row, width: int) -> Runs:
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


def cpu_line(row: Row, width: int) -> Runs:
    figures = row.figures
    used = units.UNKNOWN if figures.cores is None else f"{figures.cores:.2f}"
    of = f" of {figures.limit_cores:.2f} cores" if figures.limit_cores else " cores, no quota"
    line: list[Run] = [(" cpu ", "strong"), (f" {used}{of}", "text")]
    if figures.throttled is not None:
        tone = "warning" if figures.throttled >= row.rules.shown(rules.CPU_THROTTLED.id).warning else "dim"
        line.append((f"  throttled {units.percent(figures.throttled)}", tone))
    if figures.cpu_pressure is not None:
        line.append((f"  pressure {units.percent(figures.cpu_pressure)}", "dim"))
    return runs.clip(line, width)


def traffic(row: Row, lens: Lens, width: int, height: int) -> list[Runs]:
    """Network and disk side by side."""
    network, disk = _rates(row, lens, "network", ("rx", "tx")), _rates(row, lens, "disk", ("read", "write"))
    return beside(network, disk, width, height)
