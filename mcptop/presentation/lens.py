"""Which time the charts show: how far back from which frame, and where in it the reader stands."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from mcptop.model.frame import EMPTY, Frame
from mcptop.presentation import time_axis
from mcptop.presentation.time_axis import Mark


class Lens(Struct, frozen=True, eq=False):
    """The right edge of the charts is the time of `frame`, which is the newest one while one walks back."""

    frame: Frame = EMPTY
    window_s: float = 900.0
    cursor_s: float | None = None
    """How long before that the figures are of; None: they are of the right edge."""

    @property
    def interval_s(self) -> float:
        """Between two values."""
        return self.frame.interval_s

    @property
    def tick(self) -> int:
        """Number of the newest value."""
        return self.frame.number

    def history(self, key: str, metric: str) -> Sequence[float | None]:
        """The values of a series in the window, the oldest first."""
        return self.frame.series.tail(key, metric, max(1, round(self.window_s / self.interval_s)))

    def marks(self, service: str, instance: str | None = None) -> tuple[Mark, ...]:
        """What happened to a service, or to one of its instances."""
        if not self.frame.events or not service:
            return ()
        found = [event for event in self.frame.events
                 if event.service == service and instance in (None, event.instance)]  # fmt: skip
        return time_axis.marks(found, self.frame.at.timestamp())
