"""Series whose cause is known: simulated resident memory and counts, from a seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import exp, sqrt
from random import Random

MIB = 1024 * 1024
PAGE = 4096
BASE_MIB = 100.0
Shape = Callable[[Random, list[float]], Sequence[float]]
"""MiB above the base at each of the times."""
Series = tuple[list[float], list[float | None]]


def times(window_s: float) -> list[float]:
    """Twice a second in short windows, once a second in longer ones."""
    step = 0.5 if window_s < 30 else 1.0
    return [number * step for number in range(int(window_s / step))]


def memory(rng: Random, window_s: float, shape: Shape, noise_mib: float = 0.2, rho: float = 0.9) -> Series:
    """Bytes, in whole pages: a base, what the shape adds, and first-order autoregressive noise."""
    at = times(window_s)
    noise, values = rng.gauss(0, noise_mib), list[float | None]()
    for above in shape(rng, at):
        values.append(round((BASE_MIB + above + noise) * MIB / PAGE) * PAGE)
        noise = rho * noise + rng.gauss(0, noise_mib * sqrt(1 - rho * rho))
    return at, values


def steady(_: Random, at: list[float]) -> list[float]:
    return [0.0] * len(at)


def leak(mib_per_min: float) -> Shape:
    return lambda _, at: [mib_per_min / 60 * t for t in at]


def bursts(per_s: float, mib: float = 0.25) -> Shape:
    """One allocation a request, at a Poisson process of requests; nothing is freed."""

    def made(rng: Random, at: list[float]) -> list[float]:
        return [mib * count for count in events(rng, at, per_s)]

    return made


def warm_up(covered: float, mib: float = 25.0) -> Shape:
    """1 - exp(-3 t / T), where the window covers so many T."""

    def made(_: Random, at: list[float]) -> list[float]:
        length = _length(at) / covered
        return [mib * (1 - exp(-3 * t / length)) for t in at]

    return made


def step(rng: Random, at: list[float]) -> list[float]:
    """A quarter more, somewhere between a tenth and nine tenths of the window."""
    when = rng.uniform(0.1, 0.9) * _length(at)
    return [25.0 * (t >= when) for t in at]


def sawtooth(part: float, mib: float = 25.0) -> Shape:
    """Rises by a quarter and falls at once, with a period of that part of the window."""

    def made(rng: Random, at: list[float]) -> list[float]:
        period = part * _length(at)
        phase = rng.random() * period
        return [mib * ((t + phase) % period) / period for t in at]

    return made


def load(rng: Random, at: list[float]) -> list[float]:
    """Up to a top near the middle, and down again."""
    top = rng.uniform(0.35, 0.65) * _length(at)
    return [25.0 * min(t / top, (_length(at) - t) / (_length(at) - top)) for t in at]


def leak_under_gc(mib_per_min: float, period_s: float, mib: float) -> Shape:
    def made(rng: Random, at: list[float]) -> list[float]:
        phase = rng.random() * period_s
        return [mib_per_min / 60 * t + mib * ((t + phase) % period_s) / period_s for t in at]

    return made


def count(rng: Random, window_s: float, per_s: float, base: int = 40) -> Series:
    """Open files of which some are never closed, at a Poisson process."""
    at = times(window_s)
    return at, [float(base + found) for found in events(rng, at, per_s)]


def events(rng: Random, at: list[float], per_s: float) -> list[int]:
    """How many there have been until each of the times."""
    found, following, counts = 0, rng.expovariate(per_s), list[int]()
    for t in at:
        while following <= t:
            found, following = found + 1, following + rng.expovariate(per_s)
        counts.append(found)
    return counts


def with_gaps(rng: Random, series: Series, part: float = 0.2) -> Series:
    at, values = series
    return at, [None if rng.random() < part else value for value in values]


def _length(at: list[float]) -> float:
    return at[-1] + at[1]
