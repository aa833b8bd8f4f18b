"""How fast a series rises or falls, robustly: one spike or one restart step must not make a leak."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt
from statistics import median

Points = Sequence[tuple[float, float]]
"""(seconds, value), in the order of time."""

MIN_SPAN_S = 60.0
_BINS = 20
_LEAST_POINTS = 5
_Z_95 = 1.96
_MOST_CORRELATED = 0.95
"""Two dozen points cannot tell more from a random walk."""
_OUTLIER = 2.0
"""No residual counts for more than twice the farthest of the rest."""


def slope(times: Sequence[float], values: Sequence[float | None]) -> float | None:
    """Units per second by Theil and Sen (median of all pairwise slopes) over at most twenty binned points.

    None with less than a minute of data.
    """
    known = [value for value in values if value is not None]
    if len(known) != len(times):
        times = [t for t, value in zip(times, values, strict=True) if value is not None]
    if len(known) < 3 or times[-1] - times[0] < MIN_SPAN_S:
        return None
    size = max(1, len(known) // _BINS)
    bins = ((times[start : start + size], known[start : start + size]) for start in range(0, len(known), size))
    return theil_sen([(sum(at) / len(at), sum(of) / len(of)) for at, of in bins])


def binned(points: Points, most: int) -> list[tuple[float, float]]:
    """The means of at most that many bins, which differ in size by at most one point."""
    count = min(len(points), most)
    edges = [number * len(points) // count for number in range(count + 1)]
    return [_centre(points[start:end]) for start, end in pairwise(edges)]


def theil_sen(points: Points) -> float | None:
    """The median of all pairwise slopes, in units per second; None where no time passes."""
    slopes = [(v2 - v1) / (t2 - t1) for i, (t1, v1) in enumerate(points) for t2, v2 in points[i + 1 :] if t2 > t1]
    return median(slopes) if slopes else None


def uncertainty(points: Points, slope_per_s: float) -> float | None:
    """Half of the 95 % interval of a slope, in units per second. None: fewer than five points, or no time passes.

    From what is left over beside the line, taken for a first-order autoregressive series: the variances of the
    residuals and of the slope follow exactly from its correlation, and the fewer independent points there are, the
    wider is Student's t. Sen's interval by ranks with the variance of Hamed and Rao is of no use here: with two dozen
    correlated points it contains 0 even for a straight line.
    """
    count = len(points)
    middle = sum(t for t, _ in points) / count
    times = [t - middle for t, _ in points]
    spread = sum(t * t for t in times)
    if count < _LEAST_POINTS or spread <= 0:
        return None
    left = _residuals(points, slope_per_s)
    squares = sum(e * e for e in left)
    if squares <= 0:
        return 0.0
    rho = _correlation(left, squares)
    of_mean, of_slope = _inflation(times, rho)
    variance = squares / (count - of_mean - of_slope / spread)
    return _student(count * (1 - rho) / (1 + rho) - 2) * sqrt(variance * of_slope) / spread


def _centre(points: Points) -> tuple[float, float]:
    return sum(t for t, _ in points) / len(points), sum(v for _, v in points) / len(points)


def _residuals(points: Points, slope_per_s: float) -> list[float]:
    """What is left over beside the line, about its mean. The farthest eighth is drawn in: no slope follows a spike."""
    left = [v - slope_per_s * t for t, v in points]
    centre = median(left)
    most = _OUTLIER * sorted(abs(e - centre) for e in left)[-1 - len(left) // 8]
    left = [max(-most, min(most, e - centre)) for e in left]
    mean = sum(left) / len(left)
    return [e - mean for e in left]


def _correlation(left: Sequence[float], squares: float) -> float:
    """Of neighbours: freed from the bias that a fitted line gives it, and its standard error on top, to be safe."""
    count = len(left)
    lag_one = sum(a * b for a, b in pairwise(left)) / squares
    rho = (count * lag_one + 2) / (count - 4)
    return max(0.0, min(_MOST_CORRELATED, rho + sqrt(max(0.0, 1 - rho * rho) / count)))


def _inflation(times: Sequence[float], rho: float) -> tuple[float, float]:
    """n * var(mean), and sum(t^2)^2 * var(slope), of an autoregressive series of variance 1; `times` about their mean.

    1, and sum(t^2), where rho is 0.
    """
    count = len(times)
    power = [rho**lag for lag in range(count)]
    of_mean = 1 + 2 * sum((count - lag) * power[lag] for lag in range(1, count)) / count
    beside = sum(power[lag] * sum(t * u for t, u in zip(times, times[lag:], strict=False)) for lag in range(1, count))
    return of_mean, sum(t * t for t in times) + 2 * beside


def _student(freedom: float) -> float:
    """The 97.5th percentile of Student's t, from the normal one (Cornish and Fisher); 3 degrees at least."""
    z, v = _Z_95, max(3.0, freedom)
    return z + (z**3 + z) / (4 * v) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
