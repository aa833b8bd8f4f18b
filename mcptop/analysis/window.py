"""One window of one series, and what the leak rule asks of it: its slopes, its floors, how it ends."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import isfinite

from mcptop.analysis import shape, trend

_BINS = 24
_LEAST_RISES = 3
"""Of the five floors after the first. Counts that stand still for a while rise less often than five times."""
_LEVEL = 0.1
"""A floor may lie below the one before by this part of a block's growth."""
_LATE_LITTLE = 0.35
_LEAST_MOVES = 8
"""Upward. Of so many at an even rate, all fall before the last third in one window of 25; of three, in one of 3."""
_HELD = 0.7
"""What has levelled off ends at this part of its growth at least."""


class Window:
    """Samples counted from the first one: large numbers would drown small changes."""

    def __init__(self, points: trend.Points) -> None:
        """`points`: at least eight, at ascending times, finite."""
        (self.began_at, self.origin), (ended_at, _) = points[0], points[-1]
        self.samples, self.span_s = len(points), ended_at - self.began_at
        self.values = [v - self.origin for _, v in points]
        self.floors = shape.floors(self.values)
        self.bins = trend.binned([(t - self.began_at, v - self.origin) for t, v in points], _BINS)
        self.late = self.bins[-max(3, len(self.bins) // 3) :]

    def slope(self) -> tuple[float, float] | None:
        """The slope and half of its 95 % interval, in units per second; None where numbers are too large to tell."""
        slope = trend.theil_sen(self.bins)
        half = None if slope is None else trend.uncertainty(self.bins, slope)
        return None if slope is None or half is None or not isfinite(slope + half) else (slope, half)

    def late_ratio(self, slope: float) -> float | None:
        """The slope of the last third as part of the whole one."""
        late = trend.theil_sen(self.late)
        return late / slope if slope and late is not None else None

    def relative(self, slope: float) -> float | None:
        """Growth by the slope as part of the lowest level of the first block; None if that is not above 0."""
        start = self.origin + self.floors[0]
        return slope * self.span_s / start if start > 0 else None

    def floors_rising(self) -> int:
        """How many floors lie above the one before."""
        return _rises(self.floors)

    def floors_hold(self, slope: float) -> bool:
        """Whether the floors rise: three times at least, and never fall by more than a part of a block's growth."""
        allowed = _LEVEL * max(0.0, slope) * self.span_s / len(self.floors)
        return self.floors_rising() >= _LEAST_RISES and all(b >= a - allowed for a, b in pairwise(self.floors))

    def has_levelled_off(self, slope: float, least: float, least_relative: float) -> bool:
        """Whether it grew by what matters, kept it, and slowed down. A count of a few events cannot be said to have."""
        return _rises(self.values) >= _LEAST_MOVES and self._has_held(least, least_relative) and self._has_slowed(slope)

    def _has_held(self, least: float, least_relative: float) -> bool:
        """Whether the floors end materially above where they began, and near their highest."""
        first, grew = self.floors[0], self.floors[-1] - self.floors[0]
        matters = max(least, least_relative * (self.origin + first))
        return grew > 0 and grew >= matters and grew >= _HELD * (max(self.floors) - first)

    def _has_slowed(self, slope: float) -> bool:
        """Whether the slope of the end lies far below the earlier one, by more than half of its interval explains."""
        late, early = trend.theil_sen(self.late), trend.theil_sen(self.bins[: len(self.late)])
        if late is None or early is None:
            return False
        return late + (trend.uncertainty(self.late, late) or 0.0) / 2 < _LATE_LITTLE * max(early, slope)


def _rises(values: Sequence[float]) -> int:
    return sum(after > before for before, after in pairwise(values))
