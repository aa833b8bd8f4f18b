"""The last fifteen minutes: for each thing a bounded row of values per tick. Written by the monitor only.

All series share one clock, and a tick without a value is a gap. Most things stand still most of the time,
so "as before" is recorded without touching the series.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import isnan, nan

KEPT_S = 15 * 60

INSTANCE_METRICS = (
    "cpu.cores",
    "memory.working_set",
    "memory.anon",
    "network.rx",
    "network.tx",
    "disk.read",
    "disk.write",
    "fds",
)
GROUP_METRICS = ("cpu.cores", "memory.working_set")
HOST_METRICS = ("cpu.ratio", "memory.ratio", "network.rx", "network.tx")


class _Track:
    """The series of one thing: ring buffers that take memory only as they fill."""

    __slots__ = ("last", "metrics", "series", "until")

    def __init__(self, metrics: tuple[str, ...]) -> None:
        self.metrics = metrics
        self.series = [array("d") for _ in metrics]
        self.last = -1
        """The newest tick written."""
        self.until = -1
        """The newest tick at which the values of `last` still held."""

    def write(self, tick: int, values: Sequence[float | None], capacity: int) -> None:
        first = max(self.last + 1, tick - capacity + 1) if self.last >= 0 else tick
        for series, value in zip(self.series, values, strict=True):
            if self.last >= 0:
                held = series[self.last % capacity]
                for missed in range(first, tick):
                    _put(series, missed % capacity, held if missed <= self.until else nan)
            _put(series, tick % capacity, nan if value is None else value)
        self.last = self.until = tick


class History:
    """Series of `capacity` ticks."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._tracks: dict[str, _Track] = {}
        self._times = array("d")
        self.tick = -1
        """Number of the newest tick, counted from 0."""

    def begin(self, at: float) -> None:
        """Open the next tick; `at` is its wall-clock time in seconds."""
        self.tick += 1
        _put(self._times, self.tick % self._capacity, at)
        if self.tick % self._capacity == 0:
            oldest = self.tick - self._capacity
            self._tracks = {key: track for key, track in self._tracks.items() if track.until > oldest}

    def add(self, key: str, metrics: tuple[str, ...], values: Sequence[float | None]) -> None:
        """The values of a thing at the open tick, in the order of `metrics`; None leaves a gap."""
        track = self._tracks.get(key)
        if track is None:
            track = self._tracks[key] = _Track(metrics)
        track.write(self.tick, values, self._capacity)

    def repeat(self, key: str) -> None:
        """The values of the tick before hold at the open one."""
        track = self._tracks.get(key)
        if track is not None and track.until == self.tick - 1:
            track.until = self.tick

    def tail(self, key: str, metric: str, count: int, until: int) -> list[float | None]:
        """Up to `count` values ending with tick `until`, oldest first."""
        first = self._first(count, until)
        track = self._tracks.get(key)
        if track is None or metric not in track.metrics:
            return [None] * max(0, until - first + 1)
        series, size = track.series[track.metrics.index(metric)], self._capacity
        found: list[float | None] = []
        for tick in range(first, until + 1):
            slot = (min(tick, track.last) if tick <= track.until else -1) % size
            value = series[slot] if tick <= track.until and slot < len(series) else nan
            found.append(None if isnan(value) else value)
        return found

    def times(self, count: int, until: int) -> list[float]:
        """Wall-clock seconds of the same ticks."""
        return [self._times[tick % self._capacity] for tick in range(self._first(count, until), until + 1)]

    def _first(self, count: int, until: int) -> int:
        return max(0, until - min(count, self._capacity) + 1, self.tick - self._capacity + 1)


def _put(series: array[float], slot: int, value: float) -> None:
    missing = slot - len(series)
    if missing >= 0:
        # A thing that appears late has no values before; the slots fill with gaps.
        series.extend([nan] * missing)
        series.append(value)
    else:
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
