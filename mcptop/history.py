"""The last fifteen minutes: for each thing a bounded row of values per tick. Written by the monitor only.

All series share one clock, and a tick without a value is a gap. Most things stand still most of the time,
so "as before" is recorded without touching the series.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from math import nan
from struct import Struct

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
DISK_METRICS = ("disk.used_ratio",)
HOST_METRICS = ("cpu.ratio", "memory.ratio", "network.rx", "network.tx")


class _Track:
    """The values of one thing, a packed row a tick, in a ring that takes memory only as it fills."""

    __slots__ = ("_gap", "_pack", "_rows", "last", "metrics", "until")

    def __init__(self, metrics: tuple[str, ...]) -> None:
        self.metrics = metrics
        # Single precision: seven digits are more than a chart shows, and fifteen minutes of hundreds of things add up.
        self._pack = Struct(f"{len(metrics)}f")
        self._gap = self._pack.pack(*[nan] * len(metrics))
        self._rows = bytearray()
        self.last = -1
        """The newest tick written."""
        self.until = -1
        """The newest tick at which the values of `last` still held."""

    def write(self, tick: int, values: Sequence[float | None], capacity: int) -> None:
        # Asked first: of processes some values are never known, and what is raised costs more than the packing.
        row = self._pack.pack(*([nan if value is None else value for value in values] if None in values else values))
        if self.last >= 0 and self.last != tick - 1:
            held = self._row(self.last % capacity)
            for missed in range(max(self.last + 1, tick - capacity + 1), tick):
                self._put(missed % capacity, held if missed <= self.until else self._gap)
        self._put(tick % capacity, row)
        self.last = self.until = tick

    def _put(self, slot: int, row: bytes) -> None:
        start = slot * self._pack.size
        missing = start - len(self._rows)
        if missing > 0:
            # A thing that appears late has no values before.
            self._rows += self._gap * (missing // self._pack.size)
        self._rows[start : start + self._pack.size] = row

    def _row(self, slot: int) -> bytes:
        start = slot * self._pack.size
        return bytes(self._rows[start : start + self._pack.size]) or self._gap

    def values(self, metric: str, ticks: range, capacity: int) -> list[float | None]:
        index, width = self.metrics.index(metric), len(self.metrics)
        end = min(ticks.stop, self.last + 1)
        found: list[float] = []
        with memoryview(self._rows).cast("f") as cells, cells[index::width] as column:
            for start, stop in _pieces(ticks.start, end, capacity):
                found += column[start:stop].tolist()
                # What the ring has no room for yet is of before it appeared.
                found += [nan] * (stop - max(start, len(column)))
            if ticks.start < ticks.stop and self.last >= 0:
                held = min(ticks.stop, self.until + 1) - max(ticks.start, end)
                found += [column[self.last % capacity]] * held
        found += [nan] * (len(ticks) - len(found))
        return [None if value != value else value for value in found]


def _pieces(first: int, end: int, capacity: int) -> Iterator[tuple[int, int]]:
    """The slots of these ticks, in their order: where the ring begins anew there is another piece."""
    while first < end:
        slot = first % capacity
        number = min(end - first, capacity - slot)
        yield slot, slot + number
        first += number


class History:
    """Series of `capacity` ticks."""

    def __init__(self, capacity: int, behind: int = 0) -> None:
        """As many for each of the last `behind` ticks as for the newest one."""
        self._reach = capacity
        self._capacity = capacity + behind
        self._tracks: dict[str, _Track] = {}
        self._times = array("d")
        self.tick = -1
        """Number of the newest tick, counted from 0."""

    def begin(self, at: float) -> None:
        """Open the next tick; `at` is its wall-clock time in seconds."""
        self.tick += 1
        if self.tick < self._capacity:
            self._times.append(at)
        else:
            self._times[self.tick % self._capacity] = at
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
        return track.values(metric, range(first, until + 1), self._capacity)

    def times(self, count: int, until: int) -> list[float]:
        """Wall-clock seconds of the same ticks."""
        found: list[float] = []
        for start, stop in _pieces(self._first(count, until), until + 1, self._capacity):
            found += self._times[start:stop]
        return found

    def _first(self, count: int, until: int) -> int:
        return max(0, until - min(count, self._reach) + 1, self.tick - self._capacity + 1)


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
