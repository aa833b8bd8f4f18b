"""The frames of one diagnosis, a monitor's or a recording's, for the steps that look at the whole stack."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

from mcptop.model.frame import EMPTY, Frame

_KEPT = 900


class Frames:
    """Filled by whoever runs the monitor, read by steps, each on its own thread."""

    def __init__(self, *, recorded: bool = False) -> None:
        """`recorded`: all are there before anybody reads them, and of that time nothing else can be looked at."""
        self.recorded = recorded
        self._kept: deque[Frame] = deque(maxlen=_KEPT)
        self._news = threading.Condition()

    def add(self, frame: Frame) -> None:
        """A tick is complete."""
        with self._news:
            self._kept.append(frame)
            self._news.notify_all()

    @property
    def latest(self) -> Frame:
        """The newest frame; the empty one while there is none."""
        with self._news:
            return self._kept[-1] if self._kept else EMPTY

    def all(self) -> Sequence[Frame]:
        """All there are, oldest first."""
        with self._news:
            return tuple(self._kept)

    def wait(self, count: int, timeout_s: float) -> bool:
        """Until so many are there; False when they did not come in time."""
        with self._news:
            timeout_s = 0.0 if self.recorded else timeout_s
            return self._news.wait_for(lambda: len(self._kept) >= count, timeout_s)
