"""How fast a series rises or falls, robustly: one spike or one restart step must not make a leak."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

MIN_SPAN_S = 60.0
_BINS = 20


def slope(times: Sequence[float], values: Sequence[float | None]) -> float | None:
    """Units per second by Theil and Sen (median of all pairwise slopes) over at most twenty binned points.

    None with less than a minute of data.
    """
    points = [(t, v) for t, v in zip(times, values, strict=True) if v is not None]
    if len(points) < 3 or points[-1][0] - points[0][0] < MIN_SPAN_S:
        return None
    size = max(1, len(points) // _BINS)
    bins = [points[start : start + size] for start in range(0, len(points), size)]
    centres = [(sum(t for t, _ in b) / len(b), sum(v for _, v in b) / len(b)) for b in bins]
    return median((v2 - v1) / (t2 - t1) for i, (t1, v1) in enumerate(centres) for t2, v2 in centres[i + 1 :] if t2 > t1)
