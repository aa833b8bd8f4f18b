"""Whether a series leaks: the rule over one window of one series. What else explains its growth, others have to say."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isfinite

from mcptop.analysis import shape
from mcptop.analysis.window import Window
from mcptop.model.value import Value

LEAST_SAMPLES = 8
_CLEAR = 1 / 8
"""The low end of the interval as part of the slope: what only just misses 0 is drift or a slow warm-up too often."""
_LATE_ENOUGH = 0.5
_MATERIAL = 0.05
"""Of the lowest level: less is not falling back."""


class Growth(Value, frozen=True):
    """What one series did in its window. Units: those of the series, and per second."""

    samples: int
    """Those with a value."""
    span_s: float
    first: float
    last: float
    lowest: float
    highest: float
    slope_per_s: float
    """By Theil and Sen."""
    slope_low_per_s: float
    """The 95 % interval, with neighbouring samples taken to be alike (see `trend.uncertainty`)."""
    slope_high_per_s: float
    relative: float | None
    """Growth over the window, by the slope, as part of the lowest level at its start; None if that is not above 0."""
    floors_rising: int
    """How many of the minima of six blocks lie above the one before."""
    floors: int
    """How many there are to compare."""
    late_ratio: float | None
    """The slope of the last third as part of the whole slope; None where the whole is 0."""
    rising: bool
    """All of it: clearly `growing`, no floor falls, the last third at least half as steep, and not one jump."""
    growing: bool
    """The slope lies above 0 with its whole interval, and it and the growth reach the least that matters."""
    levelling_off: bool
    """It grew materially and kept it, not in one jump, and the slope at the end is far below the earlier one."""
    flat: bool
    """The interval lies within the least that matters, and nothing jumped: nothing grows, and that is known."""
    sawtooth: bool
    """It falls back materially at least twice, and its floors do not rise."""
    step: bool
    """Most of the change happened in one jump, up or down."""
    falling: bool
    """The slope lies below 0 with its whole interval, and matters."""


def growth(
    times: Sequence[float], values: Sequence[float | None], least_per_s: float, least_relative: float = 0.0
) -> Growth | None:
    """Judge one window; None with fewer than eight values.

    `times` in seconds, ascending. Less than `least_per_s` does not matter, nor does growth over the window by less than
    the part `least_relative` of where it began.
    """
    points = _known(times, values)
    if len(points) < LEAST_SAMPLES:
        return None
    window = Window(points)
    fit = window.slope()
    return None if fit is None else _judged(window, *fit, least_per_s, least_relative)


def time_to(limit: float, growth: Growth) -> tuple[float | None, float | None, float | None]:
    """Seconds until the last value has grown to the limit: at the slope, at soonest, at latest; None: never."""
    left = limit - growth.last
    at_slope, soonest, latest = (
        0.0 if left <= 0 else left / slope if slope > 0 else None
        for slope in (growth.slope_per_s, growth.slope_high_per_s, growth.slope_low_per_s)
    )
    return at_slope, soonest, latest


def last_segment(
    times: Sequence[float], values: Sequence[float | None], breaks: Sequence[float]
) -> tuple[list[float], list[float | None]]:
    """What lies at or after the last break: what was before a restart or under another limit is another series."""
    since = max(breaks, default=-inf)
    kept = [(t, v) for t, v in zip(times, values, strict=True) if t >= since]
    return [t for t, _ in kept], [v for _, v in kept]


def _known(times: Sequence[float], values: Sequence[float | None]) -> list[tuple[float, float]]:
    """The samples that have a value, and a time after the one before."""
    found: list[tuple[float, float]] = []
    for t, v in zip(times, values, strict=True):
        if v is not None and isfinite(v) and isfinite(t) and (not found or t > found[-1][0]):
            found.append((t, float(v)))
    return found


def _judged(window: Window, slope: float, half: float, least_per_s: float, least_relative: float) -> Growth:
    low, high, least = slope - half, slope + half, least_per_s * window.span_s
    relative, late_ratio, floors_hold = window.relative(slope), window.late_ratio(slope), window.floors_hold(slope)
    step = shape.is_one_jump(window.values, least)
    growing = low > 0 and slope >= least_per_s and (relative is None or relative >= least_relative)
    clearly = growing and floors_hold and low >= _CLEAR * slope
    rising = clearly and late_ratio is not None and late_ratio >= _LATE_ENOUGH and not step
    return Growth(
        samples=window.samples,
        span_s=window.span_s,
        first=window.origin,
        last=window.origin + window.values[-1],
        lowest=window.origin + min(window.values),
        highest=window.origin + max(window.values),
        slope_per_s=slope,
        slope_low_per_s=low,
        slope_high_per_s=high,
        relative=relative,
        floors_rising=window.floors_rising(),
        floors=len(window.floors) - 1,
        late_ratio=late_ratio,
        rising=rising,
        growing=growing,
        levelling_off=not (rising or step) and window.has_levelled_off(slope, least, least_relative),
        flat=((-least_per_s <= low and high <= least_per_s) or _is_little(relative, least_relative)) and not step,
        sawtooth=not (floors_hold and growing) and _falls_back(window, least) >= 2,
        step=step,
        falling=high < 0 and slope <= -least_per_s,
    )


def _is_little(relative: float | None, least_relative: float) -> bool:
    return relative is not None and abs(relative) < least_relative


def _falls_back(window: Window, least: float) -> int:
    """How often it falls by half of its range, if that matters."""
    lowest, highest = min(window.values), max(window.values)
    materially = max(least, _MATERIAL * (window.origin + lowest), (highest - lowest) / 2)
    return shape.falls_back(window.values, materially) if materially > 0 else 0
