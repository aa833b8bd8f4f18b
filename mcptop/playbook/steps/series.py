"""Series as evidence: what they did in their window, and few enough points to draw them."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

import msgspec

from mcptop.analysis.growth import Growth, growth, time_to

MOST_POINTS = 60
_GROWTH = {
    "samples": "how many values",
    "span_s": "seconds they span",
    "first": "at the start",
    "last": "at the end",
    "lowest": "least",
    "highest": "most",
    "slope_per_s": "change a second, robust against single steps",
    "slope_low_per_s": "lower end of its 95 % interval",
    "slope_high_per_s": "upper end of it",
    "relative": "growth over the window as a share of the start",
    "floors_rising": "how many of the blocks' lowest values lie above the one before",
    "floors": "how many could",
    "late_ratio": "slope of the last third over the slope of the whole",
    "rising": "grows, its floors rise, and it goes on to the end",
    "growing": "grows, but not all of that",
    "levelling_off": "grew, and hardly grows any more",
    "flat": "surely does not grow",
    "sawtooth": "falls back again and again, and its floors do not rise",
    "step": "one jump makes most of the change",
    "falling": "shrinks",
    "change": "last less first",
}


def names_of(series: str, what: str) -> dict[str, str]:
    """What `grown` emits under a name."""
    return {f"{series}.{name}": f"{what}: {says}" for name, says in _GROWTH.items()}


def grown(
    times: Sequence[float], values: Sequence[float | None], least_per_s: float, least_relative: float = 0.0
) -> dict[str, Any] | None:
    """The growth of a series as values; None with too few of them."""
    found = growth(times, values, least_per_s, least_relative)
    if found is None:
        return None
    return {**_rounded(found), "change": _rest(found.last, found.first)}


def until(
    limit: float | None, times: Sequence[float], values: Sequence[float | None], least_per_s: float
) -> dict[str, Any]:
    """Seconds until the limit at the present slope, and at both ends of its interval."""
    found = growth(times, values, least_per_s)
    if found is None or limit is None:
        return {}
    eta, soonest, latest = time_to(limit, found)
    return {"eta_s": _whole(eta), "eta_low_s": _whole(soonest), "eta_high_s": _whole(latest)}


def _whole(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def _rest(last: float | None, first: float | None) -> float | None:
    return None if last is None or first is None else last - first


def _rounded(found: Growth) -> dict[str, Any]:
    return {key: rounded(value) for key, value in msgspec.structs.asdict(found).items()}


def rounded(value: Any) -> Any:
    """Six digits are more than anybody reads; not finite is not known."""
    if isinstance(value, float):
        return float(f"{value:.6g}") if isfinite(value) else None
    return value


def drawn(
    unit: str, times: Sequence[float], values: Sequence[float | None], limit: float | None = None
) -> dict[str, Any]:
    """A chart: at most sixty points, each the mean of its share of the window."""
    size = max(1, -(-len(times) // MOST_POINTS))
    points = [
        (times[at : at + size], [v for v in values[at : at + size] if v is not None])
        for at in range(0, len(times), size)
    ]
    chart = {
        "unit": unit,
        "seconds": [round(part[0] - times[0], 2) for part, _ in points],
        "values": [rounded(sum(part) / len(part)) if part else None for _, part in points],
    }
    return chart if limit is None else {**chart, "limit": limit}


def rates(times: Sequence[float], counter: Sequence[float | None]) -> list[float | None]:
    """A counter as rates, one for each interval; None over a gap or a reset."""
    found: list[float | None] = []
    for at in range(1, len(times)):
        old, new, seconds = counter[at - 1], counter[at], times[at] - times[at - 1]
        found.append(
            (new - old) / seconds if old is not None and new is not None and new >= old and seconds > 0 else None
        )
    return found


def mean(values: Sequence[float | None]) -> float | None:
    """Of those that are known."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def quantile(values: Sequence[float | None], share: float) -> float | None:
    """Of those that are known; 0.5 is the median."""
    known = sorted(value for value in values if value is not None)
    return known[min(len(known) - 1, int(share * len(known)))] if known else None
