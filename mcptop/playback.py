"""A recording as frames, by number: forward one tick of a monitor, elsewhere again from a quarter of an hour before.

Where a rule waits longer, from longer before. So charts, trends, rates and alerts are those one would have seen then,
and only so much is in memory as is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import msgspec

from mcptop.alerts.rules import SHIPPED
from mcptop.history import KEPT_S
from mcptop.model.frame import Frame, Own
from mcptop.model.rule import RuleSet
from mcptop.model.snapshot import Snapshot
from mcptop.monitor import Monitor
from mcptop.recording.delta import NOTHING
from mcptop.recording.errors import RecordingError
from mcptop.recording.log import Log

KEPT_FRAMES = 300
"""So many frames behind the newest one are there at once."""
_BACK_FRAMES = 60
"""After a jump one often looks at what was just before."""
_LEAST_FRAMES = 30
_SETTLES_S = 30.0
"""Rates and smoothed figures are there some ticks later, and what a rule waits for begins with them."""
_MOST_BEFORE_S = 4 * 3600.0
"""A jump makes all frames from so long before: more takes longer than one waits."""
_MOST_INSTANCES = 15_000
"""In all frames that are kept: each may be a few kilobytes."""


def _always() -> bool:
    return True


class Playback:
    """Frames of a log. For one thread at a time."""

    def __init__(self, log: Log, rules: RuleSet = SHIPPED) -> None:
        """`rules`: those of the alerts."""
        self.log = log
        self._rules = rules
        self.interval_s = log.header.interval_s
        self._preroll = int(_before_s(rules) / self.interval_s)
        self._reel = _Reel()
        self._ticks: Iterator[Snapshot | RecordingError] = iter(())
        self._monitor: Monitor | None = None
        self._next = -1
        """The tick the monitor would make now."""
        self._whole = 0
        """From there on frames have behind them all that charts and rules look at."""
        self._known_from: datetime | None = None
        self._kept: dict[int, Frame] = {}

    @property
    def count(self) -> int:
        """How many frames there are."""
        return self.log.count

    @property
    def span(self) -> tuple[datetime, datetime]:
        """The times of the first and the last frame."""
        return self.log.at(0), self.log.at(self.count - 1)

    def index_at(self, at: datetime) -> int:
        """The last frame not after this time; the first where all are after it."""
        return self.log.index_at(at)

    def next_event(self, index: int, direction: int) -> int | None:
        """The nearest frame behind (1) or before (-1) this one at which something happened or an alert began."""
        return self.log.next_event(index, direction)

    def frame(self, index: int, wanted: Callable[[], bool] = _always) -> Frame | None:
        """A frame; None when it was not `wanted` any more meanwhile. Raises `RecordingError`, `IndexError`."""
        if not 0 <= index < self.count:
            raise IndexError(index)
        if (known := self._kept.get(index)) is not None:
            return known
        # What lies before the whole ones would be made without being kept.
        if self._monitor is None or not max(self._next, self._whole) <= index <= self._next + self._preroll:
            self._rewind(max(0, index - self._preroll - _BACK_FRAMES))
        found: Frame | RecordingError | None = None
        while self._next <= index:
            if not wanted():
                return None
            found = self._step()
        if isinstance(found, RecordingError):
            raise found
        return found

    def _rewind(self, first: int) -> None:
        self._ticks = self.log.read(first)
        self._begin(first)
        self._whole = first + self._preroll if first else 0
        self._kept = {}

    def _begin(self, index: int) -> None:
        """A monitor that knows of nothing before this tick."""
        self._monitor = Monitor(self._reel, self.interval_s, frames_behind=KEPT_FRAMES, rules=self._rules)
        self._next = index
        self._known_from = self.log.at(index) + timedelta(seconds=_SETTLES_S) if 0 < index < self.count else None

    def _step(self) -> Frame | RecordingError:
        """The next frame, or why there is none: those behind it can be there all the same."""
        assert self._monitor is not None
        index, monitor = self._next, self._monitor
        # Whatever goes wrong in it, the next frame begins anew.
        self._monitor = None
        read = next(self._ticks)
        if isinstance(read, RecordingError):
            self._monitor, self._next = monitor, index + 1
            return read
        self._reel.snapshot = read
        try:
            # What it costs to make a frame again says nothing about what it cost then.
            frame = msgspec.structs.replace(monitor.step(), number=index + 1, own=Own(), known_from=self._known_from)
        except (ArithmeticError, LookupError, TypeError, ValueError) as error:
            self._begin(index + 1)
            when = f"{self.log.at(index):%Y-%m-%d %H:%M:%S}"
            what = f"what it holds of {when} UTC cannot be shown ({type(error).__name__})"
            return RecordingError(f"{self.log.name}: {what}")
        self._monitor, self._next = monitor, index + 1
        if index >= self._whole:
            self._keep(index, frame)
        return frame

    def _keep(self, index: int, frame: Frame) -> None:
        self._kept[index] = frame
        instances = sum(len(service.instances) for service in frame.services)
        most = max(_LEAST_FRAMES, min(KEPT_FRAMES, _MOST_INSTANCES // (instances or 1)))
        while len(self._kept) > most:
            del self._kept[next(iter(self._kept))]


def _before_s(rules: RuleSet) -> float:
    return max(KEPT_S, min(rules.looks_back_s + _SETTLES_S, _MOST_BEFORE_S))


class _Reel:
    """One snapshot of a log after the other as a monitor's source."""

    def __init__(self) -> None:
        self.snapshot = NOTHING

    def sample(self) -> Snapshot:
        """The one that was put in."""
        return self.snapshot

    def close(self) -> None:
        """Nothing is held."""
