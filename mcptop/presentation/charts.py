"""A series as a braille chart: lines of styled text with an axis, a limit line, and gaps left as gaps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, floor, isfinite, log10

from msgspec import Struct

from mcptop.presentation import time_axis
from mcptop.presentation.lens import Lens
from mcptop.presentation.runs import Run, Runs, fit
from mcptop.presentation.time_axis import Mark

WINDOWS_S = (30, 60, 120, 300, 600, 900)
"""The zoom steps, in seconds."""
AXIS, TAIL = 6, 6
"""Cells left of the plot for the scale, and right of it for the limit's name."""
_LEFT, _RIGHT = (0, 0x40, 0x44, 0x46, 0x47), (0, 0x80, 0xA0, 0xB0, 0xB8)
"""Braille bits of half a cell filled from below with 0 to 4 dots."""
_GLYPHS = [[chr(0x2800 + left + right) for right in _RIGHT] for left in _LEFT]
_FULL = _GLYPHS[4][4]


class Chart(Struct, frozen=True, eq=False):
    """What to draw; `values` ends now and has one value a tick."""

    values: Sequence[float | None]
    lens: Lens
    top: float
    """Value at the upper edge."""
    label: Callable[[float], str]
    limit: float | None = None
    limit_name: str = "limit"
    style: str = "chart"
    tones: tuple[tuple[float, str], ...] = ()
    """Shares of the limit from which on the curve has another style, the highest first."""
    marks: tuple[Mark, ...] = ()
    """What happened."""


class _Plot(Struct, frozen=True, eq=False):
    """A chart with its dots worked out."""

    chart: Chart
    heights: list[int]
    """Height of each dot column, in dots; 0 is a gap."""
    tones: list[tuple[str, str]]
    """Styles of the edge and of the body, for each cell of a line."""
    rows: int
    limit_row: int | None
    cursor: int | None
    """Cell of the line that is drawn where the reader stands."""


def window_for(history_s: float) -> float:
    """The smallest window that shows all of a young history; it grows in small steps, so that a chart is never half
    empty: of 30 seconds up to five minutes, then of a minute."""
    step = 30 if history_s <= 300 else 60
    return float(min(WINDOWS_S[-1], max(WINDOWS_S[0], ceil(history_s / step) * step)))


def next_window(window_s: float, by: int) -> int:
    """Index of the next longer (1) or shorter (-1) zoom step; at the ends the last one."""
    longer = [at for at, known_s in enumerate(WINDOWS_S) if known_s > window_s]
    shorter = [at for at, known_s in enumerate(WINDOWS_S) if known_s < window_s]
    return (longer or [len(WINDOWS_S) - 1])[0] if by > 0 else (shorter or [0])[-1]


def round_top(value: float, least: float) -> float:
    """The next of 1, 2, 4, 6, 8 times a power of ten, `least` at least: half of it is round as well."""
    value = max(value, least)
    if not isfinite(value) or value <= 0.0:
        return least
    power = 10.0 ** floor(log10(value))
    return next(step for step in (1.0, 2.0, 4.0, 6.0, 8.0, 10.0) if step * power >= value * (1 - 1e-9)) * power


def draw(chart: Chart, width: int, height: int) -> list[Runs]:
    """The chart in `height` lines of `width` cells, the last one its time axis; nothing where it cannot fit."""
    columns = width - AXIS - 1 - TAIL
    rows = height - 1
    if columns < 8 or rows < 2:
        return []
    dots = resample(chart, columns * 2)
    tones = [_tone(chart, dots[at], dots[at + 1]) for at in range(0, columns * 2, 2)]
    cursor = (
        None if chart.lens.cursor_s is None else time_axis.column(chart.lens.cursor_s, chart.lens.window_s, columns)
    )
    plot = _Plot(chart, _heights(chart, dots, rows * 4), tones, rows, _limit_row(chart, rows), cursor)
    lines = [_line(plot, row) for row in range(rows - 1, -1, -1)]
    return [*lines, _time_axis(chart, columns)]


def resample(chart: Chart, count: int) -> list[float | None]:
    """One value a dot: the highest of its samples, or the sample it stands in. What was not measured is None."""
    ticks = max(1, round(chart.lens.window_s / chart.lens.interval_s))
    known = chart.values[-ticks:]
    values: list[float | None] = [*([None] * (ticks - len(known))), *known]
    if ticks <= count:
        return [values[index * ticks // count] for index in range(count)]
    # Borders between dots are fixed in time, not in the window: a peak keeps its shape as it moves left.
    last = (chart.lens.tick or ticks) * count // ticks
    dots: list[float | None] = [None] * count
    for age, value in enumerate(reversed(values)):
        dot = count - 1 - (last - ((chart.lens.tick or ticks) - age) * count // ticks)
        if value is not None and 0 <= dot < count:
            highest = dots[dot]
            dots[dot] = value if highest is None else max(highest, value)
    return dots


def _heights(chart: Chart, dots: list[float | None], steps: int) -> list[int]:
    """A value of zero still has one dot: only a gap has none."""
    scale = (steps - 1) / (chart.top if chart.top > 0 else 1.0)
    return [0 if value is None else min(steps, max(1, round(value * scale) + 1)) for value in dots]


def _limit_row(chart: Chart, rows: int) -> int | None:
    if not chart.limit or chart.limit > chart.top * 1.001:
        return None
    return min(rows - 1, int(chart.limit / chart.top * rows))


def _line(plot: _Plot, row: int) -> Runs:
    is_limit = row == plot.limit_row
    empty = ("┄", "limit") if is_limit else (" ", "text")
    line: list[Run] = [(_scale(plot.chart, row, plot.rows), "dim"), ("▕", "faint")]
    text, style, base = "", "", row * 4
    heights = iter(plot.heights)
    for cell, (left, right, (edge, area)) in enumerate(zip(heights, heights, plot.tones, strict=True)):
        left, right = left - base, right - base
        if left > 4 and right > 4:
            mark, name = _FULL, area
        elif left > 0 or right > 0:
            has_edge = 0 < left <= 4 or 0 < right <= 4
            mark, name = _GLYPHS[min(4, max(0, left))][min(4, max(0, right))], edge if has_edge else area
        else:
            mark, name = empty
        if cell == plot.cursor:
            mark, name = "│" if mark in " ┄" else mark, "accent.strong"
        if name != style and text:
            line.append((text, style))
            text = ""
        text, style = text + mark, name
    line.append((text, style))
    name = plot.chart.limit_name if is_limit else ""
    line.append((fit(f" {name}", TAIL), "limit" if is_limit else "text"))
    return tuple(line)


def _scale(chart: Chart, row: int, rows: int) -> str:
    """The scale is written at the top, in the middle and at the bottom only: the eye needs no more."""
    marked = {rows - 1: 1.0, 0: 0.0} | ({rows // 2: 0.5} if rows >= 5 else {})
    return fit(chart.label(chart.top * marked[row]), AXIS, "right") if row in marked else " " * AXIS


def _tone(chart: Chart, one: float | None, other: float | None) -> tuple[str, str]:
    """The colour of the curve says how near the limit it was at that time."""
    highest = max(one or 0.0, other or 0.0)
    share = highest / chart.limit if chart.limit else 0.0
    style = next((style for least, style in chart.tones if share >= least), chart.style)
    return f"{style}.edge", f"{style}.area"


def _time_axis(chart: Chart, columns: int) -> Runs:
    axis = time_axis.line(chart.lens.window_s, columns, chart.marks, chart.lens.cursor_s)
    return ((" " * (AXIS + 1), "dim"), *axis, (" " * TAIL, "dim"))
