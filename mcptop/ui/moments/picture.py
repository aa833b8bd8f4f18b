"""Which frame is on the screen: the newest, one that was stopped at, or one that was walked back to."""

from __future__ import annotations

from collections.abc import Callable

from mcptop.model.frame import EMPTY, Frame
from mcptop.presentation.charts import WINDOWS_S, next_window, window_for
from mcptop.presentation.lens import Lens
from mcptop.presentation.when import When, lateness
from mcptop.ui.moments.past import Past


class Picture:
    """Belongs to the app."""

    def __init__(self, past: Past, clock: Callable[[], float]) -> None:
        """`clock` in seconds that are never set back."""
        self.past = past
        self._clock = clock
        self._came_at = clock()
        self.frame: Frame = EMPTY
        """The frame that is shown."""
        self.marked: Frame | None = None
        """To compare another moment with."""
        self._latest: Frame = EMPTY
        self._held: Frame | None = None
        """The frame it was stopped at; None while it follows the monitor."""
        self._zoom: int | None = None

    @property
    def follows(self) -> bool:
        """Whether every new frame is shown."""
        return self._held is None

    @property
    def newest(self) -> Frame:
        """The last frame of the time that is shown: what happened is known up to there."""
        return self._held or self.frame

    @property
    def when(self) -> When:
        """Of which time it is."""
        held, tape = self._held, self.past.tape
        if held is None:
            return When(self.frame.at, tape=tape, late_s=self.late_s)
        behind_s = (self._latest.at - self.frame.at).total_seconds()
        return When(self.frame.at, behind_s, self.frame is not held and self.past.player is not None, tape)

    @property
    def late_s(self) -> float | None:
        """How long there has been no news, where it is too long."""
        if self._held is not None or self.past.is_recording:
            return None
        return lateness(self.frame, self._clock() - self._came_at)

    @property
    def lens(self) -> Lens:
        """The time the charts show: while one walks back, up to where it was stopped."""
        held = self._held
        if held is None or held is self.frame:
            return Lens(self.frame, self.window_s)
        return Lens(held, self.window_s, (held.at - self.frame.at).total_seconds())

    @property
    def window_s(self) -> float:
        """How far back the charts look."""
        if self._zoom is not None:
            return float(WINDOWS_S[self._zoom])
        return window_for(self.newest.number * self.frame.interval_s)

    @property
    def zoom_s(self) -> int | None:
        """The time the reader chose for the charts, in seconds; None: nobody chose."""
        return None if self._zoom is None else WINDOWS_S[self._zoom]

    def zoom_to(self, window_s: int | None) -> None:
        """Let the charts look back so far, or the next longer time there is."""
        longer = (at for at, known_s in enumerate(WINDOWS_S) if window_s is not None and known_s >= window_s)
        self._zoom = next(longer, None)

    def zoom(self, by: int) -> None:
        """A shorter (-1) or longer (1) time, or as much as there is, up to 15 minutes (0)."""
        self._zoom = next_window(self.window_s, by) if by else None

    def receive(self, frame: Frame) -> None:
        """A new frame of the monitor."""
        if frame.at != self._latest.at:
            self._came_at = self._clock()
        self._latest = frame
        if self.follows:
            self.frame = frame

    def go_back(self, frame: Frame) -> bool:
        """A frame of the past; whether it is still wanted."""
        if self._held is not None:
            self.frame = frame
        return self._held is not None

    def hold(self) -> None:
        """Stand still; a recording does so by itself."""
        if self._held is None and not self.past.is_recording:
            self._held = self.frame

    def resume(self) -> None:
        """Follow the monitor again."""
        self.past.close()
        self._held, self.frame = None, self._latest
