"""The last fifteen minutes, one bounded series per thing and metric. Written by the monitor only.

All series share one clock: slot i of every series belongs to tick i, and a tick without a value is a gap.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import isnan, nan

KEPT_S = 15 * 60


class History:
    """Ring buffers of `capacity` ticks that take memory only as they fill."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._series: dict[tuple[str, str], array[float]] = {}
        self._last: dict[tuple[str, str], int] = {}
        self._times = array("d")
        self.tick = -1
        """Number of the newest tick, counted from 0."""

    def begin(self, at: float) -> None:
        """Open the next tick; `at` is its wall-clock time in seconds."""
        self.tick += 1
        _put(self._times, self.tick, at, self._capacity)
        if self.tick % self._capacity == 0:
            self._forget()

    def add(self, key: str, metric: str, value: float | None) -> None:
        """A value of the open tick; None leaves a gap."""
        if value is None:
            return
        name = (key, metric)
        series = self._series.get(name)
        if series is None:
            series = self._series[name] = array("d")
        last = self._last.get(name, -1)
        if 0 <= last != self.tick - 1:
            # The slots between still hold the values of a round ago.
            for missed in range(max(last + 1, self.tick - self._capacity), self.tick):
                _put(series, missed, nan, self._capacity)
        _put(series, self.tick, value, self._capacity)
        self._last[name] = self.tick

    def _forget(self) -> None:
        old = [name for name, last in self._last.items() if last <= self.tick - self._capacity]
        for name in old:
            del self._series[name], self._last[name]

    def tail(self, key: str, metric: str, count: int, until: int) -> list[float | None]:
        """Up to `count` values ending with tick `until`, oldest first."""
        series = self._series.get((key, metric))
        first = max(0, until - min(count, self._capacity) + 1, self.tick - self._capacity + 1)
        if series is None:
            return [None] * max(0, until - first + 1)
        last = self._last[(key, metric)]
        size = len(series)
        found: list[float | None] = []
        for tick in range(first, until + 1):
            slot = tick % self._capacity
            value = series[slot] if tick <= last and slot < size else nan
            found.append(None if isnan(value) else value)
        return found

    def times(self, count: int, until: int) -> list[float]:
        """Wall-clock seconds of the same ticks."""
        first = max(0, until - min(count, self._capacity) + 1, self.tick - self._capacity + 1)
        return [self._times[tick % self._capacity] for tick in range(first, until + 1)]


def _put(series: array[float], tick: int, value: float, capacity: int) -> None:
    slot = tick % capacity
    if slot == len(series):
        series.append(value)
        return
    if slot > len(series):
        series.extend([nan] * (slot - len(series)))
        series.append(value)
        return
    series[slot] = value


class Until:
    """The history as it stood at one tick: what a frame carries, so that a paused screen stays as it is."""

    __slots__ = ("_history", "_until")

    def __init__(self, history: History) -> None:
        self._history = history
        self._until = history.tick

    def tail(self, key: str, metric: str, count: int) -> Sequence[float | None]:
        """The last `count` values up to the frame, oldest first; None is a gap."""
        return self._history.tail(key, metric, count, self._until)

    def times(self, count: int) -> Sequence[float]:
        """Wall-clock seconds of the last `count` ticks up to the frame."""
        return self._history.times(count, self._until)
