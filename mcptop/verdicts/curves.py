"""The series in a verdict's evidence, ready to be drawn: what is not a series is left out, whoever wrote it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from mcptop import units
from mcptop.model.diagnosis import StepStatus, Verdict
from mcptop.verdicts.words import safe

MOST, FEW = 12, 4
_MOVEMENT = 0.01
"""Less than this share of the value is noise, and not enlarged."""
_CROWDED = 0.7
"""Above this share of the highest value, a line of blocks has two steps left."""
_LARGEST = 1e300


class Curve(NamedTuple):
    """One series."""

    name: str
    """`growth.anon`."""
    unit: str
    seconds: tuple[float, ...]
    """Since its first value."""
    values: tuple[float | None, ...]
    limit: float | None = None

    @property
    def is_idle(self) -> bool:
        """It was 0 throughout: there is nothing to see."""
        return not any(self.known)

    @property
    def is_flat(self) -> bool:
        """It hardly moved."""
        return max(self.known) - min(self.known) < _MOVEMENT * max(self.known)

    @property
    def known(self) -> list[float]:
        """What was measured."""
        return [value for value in self.values if value is not None]

    @property
    def scale(self) -> tuple[float, float]:
        """Its lower and upper end: from 0, unless all the movement would be lost near the upper end.

        The limit is on it where it is not so far away that nothing else could be seen.
        """
        low, high = min(self.known), max(self.known)
        limit = self.limit if self.limit is not None and self.limit > high else None
        if low > _CROWDED * high and not self.is_flat:
            return low, limit if limit is not None and limit - high <= high - low else high
        # What does not move is a line through the middle.
        top = limit if limit is not None and limit <= 4 * high else 2 * high if self.is_flat else high
        return min(0.0, low), top if top > min(0.0, low) else 1.0

    def figure(self, value: float | None) -> str:
        """A value of it as text."""
        return units.measure(value, self.unit)

    def tick(self, value: float) -> str:
        """A value as it stands at an axis: short."""
        if self.unit in ("bytes", "ratio", "seconds", "bytes/s", "bytes_per_s"):
            return self.figure(value)
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


class Drawn(NamedTuple):
    """The curves worth a line, and the names of the rest."""

    shown: tuple[Curve, ...]
    idle: tuple[str, ...]
    """0 throughout."""
    steady: tuple[str, ...]
    """Those that hardly moved, with their value, where many others are drawn."""
    beyond: tuple[str, ...]
    """There was no room for them."""


def drawn(verdict: Verdict, most: int = MOST, few: int = FEW) -> Drawn:
    """All series of the evidence, in the order of the steps; of more than `few` only what moves is drawn."""
    found = [
        curve for each in verdict.evidence if each.status is StepStatus.OK for curve in _of(each.step, each.values)
    ]
    idle = tuple(curve.name for curve in found if curve.is_idle)
    shown = [curve for curve in found if not curve.is_idle]
    steady = [curve for curve in shown if curve.is_flat] if len(shown) > few else []
    shown = [curve for curve in shown if curve not in steady]
    return Drawn(
        tuple(shown[:most]), idle, tuple(f"{curve.name} {curve.figure(curve.known[-1])}" for curve in steady),
        tuple(curve.name for curve in shown[most:]),
    )  # fmt: skip


def rest(found: Drawn) -> list[str]:
    """What is to be said of those that are not drawn."""
    named = (("steady", found.steady), ("0 throughout", found.idle), ("not drawn", found.beyond))
    return [f"{says}: {', '.join(names)}" for says, names in named if names]


def summary(curve: Curve) -> str:
    """First and last value, what it reached meanwhile, its limit, how long that took, and where its scale begins."""
    first, last, highest = curve.known[0], curve.known[-1], max(curve.known)
    bottom = curve.scale[0]
    parts = [_change(curve, first, last)]
    if highest > max(first, last) and curve.figure(highest) not in (curve.figure(first), curve.figure(last)):
        parts.append(f"at most {curve.figure(highest)}")
    if curve.limit is not None:
        parts.append(f"limit {curve.figure(curve.limit)}")
    parts.append(f"over {units.duration(curve.seconds[-1] - curve.seconds[0])}")
    if bottom:
        parts.append(f"drawn from {curve.figure(bottom)} up")
    return ", ".join(parts)


def _change(curve: Curve, first: float, last: float) -> str:
    before, now = curve.figure(first), curve.figure(last)
    if before == now:
        return now
    ratio = last / first - 1 if first > 0 and curve.unit == "bytes" else 0.0
    return f"{before} → {now}" + (f" ({ratio:+.0%})" if 0.005 <= abs(ratio) < 10 else "")


def spark(curve: Curve, width: int) -> str:
    """The curve in `width` characters; a peak is not lost."""
    bottom, top = curve.scale
    shifted = [None if value is None else value - bottom for value in thinned(curve.values, width)]
    return units.sparkline(shifted, top - bottom)


def thinned(values: Sequence[float | None], count: int) -> list[float | None]:
    """So many values: the highest of each share, or the one that was valid then."""
    count = max(1, count)
    starts = [at * len(values) // count for at in range(count + 1)]
    shares = (values[start : max(end, start + 1)] for start, end in pairwise(starts))
    return [max((value for value in share if value is not None), default=None) for share in shares]


def _of(step: str, values: Mapping[str, Any]) -> Iterator[Curve]:
    series = values.get("series")
    for name, given in series.items() if isinstance(series, Mapping) else ():
        if isinstance(given, Mapping) and (curve := _curve(f"{safe(step)}.{safe(str(name))}", given)) is not None:
            yield curve


def _curve(name: str, given: Mapping[str, Any]) -> Curve | None:
    seconds, values = given.get("seconds"), given.get("values")
    if not isinstance(seconds, list | tuple) or not isinstance(values, list | tuple) or len(seconds) != len(values):
        return None
    points = [(at, _number(value)) for at, value in zip(map(_number, seconds), values, strict=True) if at is not None]
    points.sort(key=lambda point: point[0])
    if sum(value is not None for _, value in points) < 2:
        return None
    times, found = zip(*points, strict=True)
    return Curve(name, safe(str(given.get("unit") or "")), times, found, _number(given.get("limit")))


def _number(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < _LARGEST else None
