"""A verdict as one HTML file: nothing external, light and dark, charts as inline SVG. Every text is escaped."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from mcptop import units
from mcptop.model.diagnosis import Verdict
from mcptop.verdicts import curves, figures, words
from mcptop.verdicts.curves import Curve

WIDTH, HEIGHT = 460, 150
"""Of a chart, in its own units."""
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 12, 24


class Tick(NamedTuple):
    """A mark on an axis."""

    at: float
    text: str


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


def html(verdict: Verdict) -> str:
    """The whole document."""
    drawn = curves.drawn(verdict, few=curves.MOST)
    return _template().render(
        verdict=verdict,
        words=words,
        badge=words.BADGES[verdict.status],
        considered=words.considered(verdict),
        drawings=[drawing(curve) for curve in drawn.shown],
        rest=curves.rest(drawn),
        figures=figures.figures,
        span=units.span,
        size=(WIDTH, HEIGHT),
        plot=(_LEFT, _TOP, WIDTH - _RIGHT, HEIGHT - _BOTTOM),
    )


@lru_cache(maxsize=1)
def _template() -> Template:
    folder = FileSystemLoader(Path(__file__).parent / "templates")
    made = Environment(
        loader=folder, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )  # fmt: skip
    return made.get_template("report.html.j2")


def drawing(curve: Curve) -> Drawing:
    """A curve on its axes; a gap stays a gap."""
    bottom, top = curve.scale
    first, last = curve.seconds[0], curve.seconds[-1]

    def x(at: float) -> float:
        return round(_LEFT + (at - first) / ((last - first) or 1.0) * (WIDTH - _LEFT - _RIGHT), 1)

    def y(value: float) -> float:
        return round(HEIGHT - _BOTTOM - (value - bottom) / (top - bottom) * (HEIGHT - _TOP - _BOTTOM), 1)

    stretches: list[list[tuple[float, float]]] = [[]]
    for at, value in zip(curve.seconds, curve.values, strict=True):
        if value is None:
            stretches.append([])
        else:
            stretches[-1].append((x(at), y(value)))
    known = [stretch for stretch in stretches if stretch]
    limit = curve.limit if curve.limit is not None and bottom < curve.limit <= top else None
    return Drawing(
        name=curve.name,
        says=curves.summary(curve),
        tone={"bytes": "memory", "cores": "cpu"}.get(curve.unit, "other"),
        lines=tuple(_points(stretch) for stretch in known),
        areas=tuple(_points([(stretch[0][0], y(bottom)), *stretch, (stretch[-1][0], y(bottom))]) for stretch in known),
        x_ticks=tuple(
            Tick(x(first + (last - first) * share), _seconds((last - first) * share)) for share in (0, 0.5, 1)
        ),
        y_ticks=tuple(
            Tick(y(bottom + (top - bottom) * share), curve.tick(bottom + (top - bottom) * share))
            for share in (0, 0.5, 1)
        ),
        limit=None if limit is None else Tick(y(limit), f"limit {curve.figure(limit)}"),
        above=f"↑ limit {curve.figure(curve.limit)}" if curve.limit is not None and curve.limit > top else "",
    )


def _points(points: list[tuple[float, float]]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def _seconds(value: float) -> str:
    return f"{value:g} s" if value < 10 else units.duration(value)
