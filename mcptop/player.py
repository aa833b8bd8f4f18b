"""Plays a recording: frames at the pace they were taken, or faster, slower, by so many seconds, from anywhere.

To the dashboard it is a monitor. Every method may be called from any thread, and none of them waits.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial

from mcptop.model.frame import Frame
from mcptop.model.value import Value
from mcptop.playback import Playback
from mcptop.recording.errors import RecordingError
from mcptop.units import plain

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
_LONGEST_INTERVALS = 3
"""A hole in a recording is not waited through."""

Wait = Callable[[threading.Condition, float | None], object]
"""Waits until somebody says something, or so many seconds."""


class Position(Value, frozen=True):
    """Where a player is."""

    index: int
    count: int
    at: datetime
    first: datetime
    last: datetime
    speed: float
    playing: bool
    loading: bool
    """What was asked for is not there yet."""
    problem: str = ""
    """Why it cannot be shown; one line."""


def _nobody(position: Position) -> None:
    """Nobody listens."""


class Player:
    """A source of frames over a playback."""

    def __init__(
        self,
        playback: Playback,
        *,
        index: int = 0,
        playing: bool = True,
        on_change: Callable[[Position], None] = _nobody,
        clock: Callable[[], float] = time.monotonic,
        wait: Wait = threading.Condition.wait,
    ) -> None:
        """Begins at `index`. `on_change` hears of every new position, on any thread."""
        self._playback = playback
        self.on_change = on_change
        self._clock = clock
        self._wait = wait
        self._news = threading.Condition()
        self._index = self._inside(index)
        self._asked: int | None = self._index
        self._speed = 1.0
        self._playing = playing
        self._due = 0.0
        self._is_over = False
        self._problem = ""
        self._thread: threading.Thread | None = None

    @property
    def position(self) -> Position:
        """Where it is now."""
        with self._news:
            first, last = self._playback.span
            at = self._playback.log.at(self._index)
            return Position(self._index, self._playback.count, at, first, last, self._speed, self._playing,
                            self._asked is not None, self._problem)  # fmt: skip

    def start(self, emit: Callable[[Frame], None]) -> None:
        """Give frames to `emit`, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, args=(emit,), name="mcptop-player", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; no frame comes after that."""
        with self._news:
            self._is_over = True
            self._news.notify_all()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=3.0)

    def play(self) -> None:
        """Go on; from the beginning where it had come to the end."""
        with self._news:
            if self._index == self._playback.count - 1 and self._asked is None:
                self._asked = 0
            self._playing = True
            self._due = self._clock() + self._pause_s()
            self._news.notify_all()
        self.on_change(self.position)

    def pause(self) -> None:
        """Stand still."""
        with self._news:
            self._playing = False
            self._news.notify_all()
        self.on_change(self.position)

    def set_speed(self, speed: float) -> None:
        """Of `SPEEDS` the nearest."""
        with self._news:
            self._speed = min(SPEEDS, key=lambda each: abs(each - speed))
            self._due = self._clock() + self._pause_s()
            self._news.notify_all()
        self.on_change(self.position)

    def walk(self, seconds: float) -> None:
        """So far forward in time, or back, by a frame at least, and stand still there."""
        with self._news:
            self._playing = False
            self._ask(self._playback.log.walked(self._index if self._asked is None else self._asked, seconds))
        self.on_change(self.position)

    def to_index(self, index: int) -> None:
        """Go there, playing or not as before."""
        with self._news:
            self._ask(index)
        self.on_change(self.position)

    def to_time(self, at: datetime) -> None:
        """To the last frame not after this time."""
        self.to_index(self._playback.index_at(at))

    def to_event(self, direction: int) -> bool:
        """To the next (1) or last (-1) moment at which something happened, and stand still; False without one."""
        with self._news:
            found = self._playback.next_event(self._index if self._asked is None else self._asked, direction)
            if found is None:
                return False
            self._playing = False
            self._ask(found)
        self.on_change(self.position)
        return True

    def _ask(self, index: int) -> None:
        self._asked = self._inside(index)
        self._news.notify_all()

    def _inside(self, index: int) -> int:
        return min(self._playback.count - 1, max(0, index))

    def _run(self, emit: Callable[[Frame], None]) -> None:
        while (index := self._next()) is not None:
            try:
                frame = self._playback.frame(index, partial(self._wants, index))
            except RecordingError as error:
                self._stumbled(index, str(error), self._playback.log.next_key(index))
            except Exception as error:  # the keys of time live on
                self._stumbled(index, plain(f"defect in mcptop: {type(error).__name__}: {error}", 400))
            else:
                if frame is not None and self._arrived(index):
                    emit(frame)
                    self.on_change(self.position)

    def _next(self) -> int | None:
        """The frame to show next, once it is time; None at the end of it all."""
        with self._news:
            while not self._is_over:
                if self._asked is not None:
                    return self._asked
                if not self._playing:
                    self._wait(self._news, None)
                elif (left := self._due - self._clock()) > 0:
                    self._wait(self._news, left)
                else:
                    return self._inside(self._index + 1)
        return None

    def _wants(self, index: int) -> bool:
        return not self._is_over and self._asked in (None, index)

    def _arrived(self, index: int) -> bool:
        """Whether it is still wanted there."""
        with self._news:
            if not self._wants(index):
                return False
            was_asked, self._asked, self._problem = self._asked, None, ""
            self._index = index
            if index == self._playback.count - 1:
                self._playing = False
            # Who cannot keep up does not try to catch up.
            begun = self._clock() if was_asked is not None else max(self._due, self._clock() - self._pause_s())
            self._due = begun + self._pause_s()
            return True

    def _stumbled(self, index: int, problem: str, beyond: int | None = None) -> None:
        """It stands there without a frame; who plays goes on `beyond`."""
        with self._news:
            if not self._wants(index):
                return
            self._index, self._problem = index, problem
            self._asked = beyond if self._playing else None
            self._playing = self._asked is not None
        self.on_change(self.position)

    def _pause_s(self) -> float:
        """Until the frame behind this one, at this speed."""
        times, interval_s = self._playback.log.times, self._playback.interval_s
        after = self._inside(self._index + 1)
        return min(max(0.0, times[after] - times[self._index]), interval_s * _LONGEST_INTERVALS) / self._speed
