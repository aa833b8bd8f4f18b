"""A series as a braille chart: lines of styled text with an axis, a limit line, and gaps left as gaps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from mcptop import units
from mcptop.presentation.runs import Run, Runs, fit

WINDOWS_S = (30, 60, 120, 300, 600, 900)
"""The zoom steps, in seconds."""
AXIS, TAIL = 6, 6
"""Cells left of the plot for the scale, and right of it for the limit's name."""
_DOTS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"""Braille bits of a cell's left and right half, from the bottom up."""
_NEAR, _AT = 0.75, 0.9
"""Shares of the limit from which on the curve is yellow and red."""


class Chart(Struct, frozen=True, eq=False):
    """What to draw; `values` ends now and has one value a tick."""

    values: Sequence[float | None]
    window_s: float
    interval_s: float
    top: float
    """Value at the upper edge."""
    label: Callable[[float], str]
    limit: float | None = None
    limit_name: str = "limit"
    style: str = "chart"
    tick: int = 0
    """Number of the last tick: keeps samples in the same dot while the picture moves."""


class _Plot(Struct, frozen=True, eq=False):
    """A chart with its dots worked out."""

    chart: Chart
    dots: list[float | None]
    levels: list[int | None]
    """Height of each dot, in dots; None is a gap."""
    rows: int
    columns: int
    limit_row: int | None


def draw(chart: Chart, width: int, height: int) -> list[Runs]:
    """The chart in `height` lines of `width` cells, the last one its time axis; nothing where it cannot fit."""
    columns = width - AXIS - 1 - TAIL
    rows = height - 1
    if columns < 8 or rows < 2:
        return []
    dots = resample(chart, columns * 2)
    plot = _Plot(chart, dots, _levels(chart, dots, rows * 4), rows, columns, _limit_row(chart, rows))
    lines = [_line(plot, row) for row in range(rows - 1, -1, -1)]
    return [*lines, _time_axis(chart, columns)]


def resample(chart: Chart, count: int) -> list[float | None]:
    """One value a dot: the highest of its samples, or the sample it stands in. What was not measured is None."""
    ticks = max(1, round(chart.window_s / chart.interval_s))
    known = chart.values[-ticks:]
    values: list[float | None] = [*([None] * (ticks - len(known))), *known]
    if ticks <= count:
        return [values[index * ticks // count] for index in range(count)]
    # Borders between dots are fixed in time, not in the window: a peak keeps its shape as it moves left.
    last = (chart.tick or ticks) * count // ticks
    dots: list[float | None] = [None] * count
    for age, value in enumerate(reversed(values)):
        dot = count - 1 - (last - ((chart.tick or ticks) - age) * count // ticks)
        if value is not None and 0 <= dot < count:
            highest = dots[dot]
            dots[dot] = value if highest is None else max(highest, value)
    return dots


def _levels(chart: Chart, dots: list[float | None], steps: int) -> list[int | None]:
    top = chart.top if chart.top > 0 else 1.0
    return [None if v is None else min(steps - 1, max(0, round(v / top * (steps - 1)))) for v in dots]


def _limit_row(chart: Chart, rows: int) -> int | None:
    if not chart.limit or chart.limit > chart.top * 1.001:
        return None
    return min(rows - 1, int(chart.limit / chart.top * rows))


def _line(plot: _Plot, row: int) -> Runs:
    line: list[Run] = [(_scale(plot.chart, row, plot.rows), "dim"), ("▕", "faint")]
    text, style = "", ""
    for column in range(plot.columns):
        mark, name = _cell(plot, row, column)
        if name != style and text:
            line.append((text, style))
            text = ""
        text, style = text + mark, name
    line.append((text, style))
    is_limit = row == plot.limit_row
    name = plot.chart.limit_name if is_limit else ""
    line.append((fit(f" {name}", TAIL), "limit" if is_limit else "text"))
    return tuple(line)


def _scale(chart: Chart, row: int, rows: int) -> str:
    """The scale is written at the top, in the middle and at the bottom only: the eye needs no more."""
    marked = {rows - 1: 1.0, 0: 0.0} | ({rows // 2: 0.5} if rows >= 5 else {})
    if row not in marked:
        return " " * AXIS
    share = 1.0 if row == rows - 1 else (0.0 if row == 0 else (row + 0.5) / rows)
    return f"{chart.label(chart.top * share):>{AXIS}}"


def _cell(plot: _Plot, row: int, column: int) -> Run:
    """Two dots wide, four high: the area up to the curve, its edge brighter than its body."""
    bits, edge = 0, False
    base = row * 4
    for side in (0, 1):
        level = plot.levels[column * 2 + side]
        if level is None or level < base:
            continue
        edge = edge or level < base + 4
        for step in range(min(4, level - base + 1)):
            bits |= _DOTS[side][step]
    if not bits:
        return ("┄", "limit") if row == plot.limit_row else (" ", "text")
    tone = _tone(plot.chart, plot.dots[column * 2 : column * 2 + 2])
    return chr(0x2800 + bits), f"{tone}.edge" if edge else f"{tone}.area"


def _tone(chart: Chart, values: Sequence[float | None]) -> str:
    """The colour of the curve says how near the limit it was at that time."""
    highest = max((value for value in values if value is not None), default=0.0)
    if not chart.limit or highest < chart.limit * _NEAR:
        return chart.style
    return "chart.critical" if highest >= chart.limit * _AT else "chart.warning"


def _time_axis(chart: Chart, columns: int) -> Runs:
    start, middle = f"-{_span(chart.window_s)}", f"-{_span(chart.window_s / 2)}"
    text = fit(start, columns // 2 - len(middle) // 2) + middle
    return ((" " * (AXIS + 1) + fit(text, columns - 3) + "now" + " " * TAIL, "dim"),)


def _span(seconds: float) -> str:
    return units.duration(seconds).replace(".0s", "s") if seconds >= 10 else f"{seconds:g}s"
