"""The order of rows by figures that jump: what is sorted is a smoothed value that noise does not move.

The cells go on to show the raw figures. A value that decides the order follows the mean of about ten seconds, but only
when that has moved by more than the series' own noise; so rows do not swap places every second.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from math import exp, isfinite

from mcptop.presentation.sheet import Column, Listed, SortKey

SETTLE_S = 10.0
"""Time constant of the mean."""
LEAST = 0.03
"""Smallest share by which a mean has to move."""
_NOISE = 0.75
"""And so many times the mean deviation of the series."""
_OUTSIDE = 3.0
"""A value farther away than so many deviations, and a tenth of the mean, counts as if it were not."""
_FIRST_GUESS = 0.1
"""Deviation of a series of one value, as a share of it."""
Rank = Callable[[Listed], SortKey]


class _Settled:
    """One series: its mean, how far its values lie from that, and the value that decides the order."""

    __slots__ = ("deviation", "held", "mean")

    def __init__(self, value: float) -> None:
        self.mean = self.held = value
        self.deviation = abs(value) * _FIRST_GUESS

    def follow(self, value: float, share: float) -> None:
        """Take in the next value; `share` is its weight."""
        away = value - self.mean
        # A value far outside is no noise yet: a change must not hide itself.
        usual = min(abs(away), _OUTSIDE * self.deviation + _FIRST_GUESS * abs(self.mean))
        self.mean += share * away
        self.deviation += share * (usual - self.deviation)
        moved = abs(self.mean - self.held)
        if moved > _NOISE * self.deviation and moved > LEAST * max(abs(self.mean), abs(self.held)):
            self.held = self.mean


class Ranking:
    """Remembers the series of the column that is sorted by; rows that are not shown are forgotten."""

    def __init__(self) -> None:
        self._of = ("", "")
        self._at: datetime | None = None
        self._share = 1.0
        self._before: dict[tuple[str, int], _Settled] = {}
        self._now: dict[tuple[str, int], _Settled] = {}

    def of(self, tab: str, column: Column[Listed], at: datetime) -> Rank | None:
        """What the rows of a tab are sorted by in the frame of this time; asked again for one frame it is the same."""
        if self._of != (tab, column.id):
            self._of, self._at, self._now = (tab, column.id), None, {}
        if at != self._at:
            self._begin(at)
        value_of = column.sort
        if value_of is None or not column.jumps:
            return value_of
        return lambda row: self._settled(row.key, value_of(row))

    def _begin(self, at: datetime) -> None:
        passed = (at - self._at).total_seconds() if self._at is not None else 0.0
        # Back in time nothing is known of what came before.
        self._before = self._now if passed > 0 else {}
        self._share, self._at, self._now = 1.0 - exp(-max(0.0, passed) / SETTLE_S), at, {}

    def _settled(self, key: str, value: SortKey) -> SortKey:
        if isinstance(value, tuple):
            # The first of several is a level: that counts at once.
            return (*value[:1], *(self._follow((key, place), one) for place, one in enumerate(value[1:], 1)))
        return value if value is None or isinstance(value, str) else self._follow((key, 0), value)

    def _follow(self, key: tuple[str, int], value: float) -> float:
        known = self._now.get(key)
        if known is not None:
            return known.held
        if not isfinite(value):
            return value
        known = self._before.get(key)
        if known is None:
            known = _Settled(value)
        else:
            known.follow(value, self._share)
        self._now[key] = known
        return known.held
