"""A curve as the numbers of an SVG chart: stretches without a gap, ticks, the limit, and what happened meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from mcptop import units
from mcptop.verdicts import curves
from mcptop.verdicts.curves import Curve

WIDTH, HEIGHT = 460, 150
"""Of a chart, in its own units."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 12, 24
_MARK = 9
"""Room for the symbol of a mark."""
_TONES = {"bytes": "memory", "cores": "cpu"}


class Tick(NamedTuple):
    """A mark on an axis."""

    at: float
    text: str


class Mark(NamedTuple):
    """Something that happened; `at` is in seconds on the curve's clock, and on its drawing a place."""

    at: float
    symbol: str
    word: str
    bad: bool = False


class Drawing(NamedTuple):
    """A curve as SVG wants it; there is no text in it that was not made of numbers, but for the name."""

    name: str
    says: str
    tone: str
    lines: tuple[str, ...]
    """Points of each stretch without a gap."""
    areas: tuple[str, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    limit: Tick | None
    above: str
    """The limit, where it is beyond the scale."""
    marks: tuple[Mark, ...] = ()
    size: tuple[int, int] = (WIDTH, HEIGHT)
    plot: tuple[int, int, int, int] = (_LEFT, _TOP, WIDTH - _RIGHT, HEIGHT - _BOTTOM)
    """Left, top, right and bottom of what is inside the axes."""


def passed(seconds: float) -> str:
    """A place on the time axis: how long after the first value."""
    return f"{seconds:g} s" if seconds < 10 else units.duration(seconds)


def drawing(curve: Curve, marks: Iterable[Mark] = (), clock: Callable[[float], str] = passed) -> Drawing:
    """A curve on its axes; a gap stays a gap. `clock` names a place on the time axis."""
    bottom, top = curve.scale
    first, last = curve.seconds[0], curve.seconds[-1]

    def x(at: float) -> float:
        return round(_LEFT + (at - first) / ((last - first) or 1.0) * (WIDTH - _LEFT - _RIGHT), 1)

    def y(value: float) -> float:
        return round(HEIGHT - _BOTTOM - (value - bottom) / (top - bottom) * (HEIGHT - _TOP - _BOTTOM), 1)

    known = _stretches((x(at), None if value is None else y(value))
                       for at, value in zip(curve.seconds, curve.values, strict=True))  # fmt: skip
    limit = curve.limit if curve.limit is not None and bottom < curve.limit <= top else None
    return Drawing(
        name=curve.name,
        says=curves.summary(curve),
        tone=_TONES.get(curve.unit, "other"),
        lines=tuple(_points(stretch) for stretch in known),
        areas=tuple(_points([(stretch[0][0], y(bottom)), *stretch, (stretch[-1][0], y(bottom))]) for stretch in known),
        x_ticks=tuple(
            Tick(x(first + (last - first) * share), clock((last - first) * share)) for share in (0, 0.5, 1)
        ),
        y_ticks=tuple(
            Tick(y(bottom + (top - bottom) * share), curve.tick(bottom + (top - bottom) * share))
            for share in (0, 0.5, 1)
        ),
        limit=None if limit is None else Tick(y(limit), f"limit {curve.figure(limit)}"),
        above=f"↑ limit {curve.figure(curve.limit)}" if curve.limit is not None and curve.limit > top else "",
        marks=_apart(mark._replace(at=x(mark.at)) for mark in marks if first <= mark.at <= last),
    )  # fmt: skip


def _stretches(points: Iterable[tuple[float, float | None]]) -> list[list[tuple[float, float]]]:
    found: list[list[tuple[float, float]]] = [[]]
    for x, y in points:
        if y is None:
            found.append([])
        else:
            found[-1].append((x, y))
    return [stretch for stretch in found if stretch]


def _apart(marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """Of those that would cover each other the worst, or the first."""
    found: list[Mark] = []
    for mark in sorted(marks, key=lambda each: each.at):
        if not found or mark.at - found[-1].at >= _MARK:
            found.append(mark)
        elif mark.bad and not found[-1].bad:
            found[-1] = mark
    return tuple(found)


def _points(points: list[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)
