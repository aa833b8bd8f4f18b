"""Whether a series leaks, asked every quarter of a minute, and only of one that may: the answer stands in between."""

from __future__ import annotations

from typing import NamedTuple

from mcptop.alerts.finding import Look
from mcptop.analysis.growth import Growth, growth, last_segment

EVERY_S = 15.0
WINDOW_S, WHOLE_S = 300.0, 900.0
"""Of a fast growth the last minutes say enough; a slow one needs all there are."""
LEAST_SPAN_S = 90.0
START_UP_S = 60.0
"""What grows right after a start is being set up."""


_FALLS_BACK = 0.2
"""Of its range: what has lost that much does not grow any more."""


class Asked(NamedTuple):
    """The series, and what of it would be a leak."""

    key: str
    metric: str
    value: float
    """Its newest."""
    started_at: float
    """When its subject started, in wall-clock seconds; 0 where that is long ago."""
    least_per_s: float
    least_relative: float
    """Of where it began, over the window."""


class Growing:
    """One series of one subject."""

    __slots__ = ("_last", "due", "found")

    def __init__(self, now: float, subject: str) -> None:
        # Spread over the ticks: what was seen first together would be asked together for ever.
        self.due = now + sum(map(ord, subject)) % int(EVERY_S)
        self._last: float | None = None
        self.found: Growth | None = None
        """While it grows, how."""

    def is_due(self, now: float) -> bool:
        """Whether it would be asked; until then `found` stands."""
        # A clock that was set back must not put it off for hours.
        return now >= self.due or now < self.due - 2 * EVERY_S

    def update(self, look: Look, asked: Asked, may: bool = False) -> Growth | None:
        """The growth, if the series leaks. `may`: it is known to grow by another measure."""
        if self.is_due(look.now):
            last, self._last = self._last, asked.value
            self.due = look.now + EVERY_S
            has_risen = last is not None and asked.value - last >= asked.least_per_s * EVERY_S / 2
            if self.found is not None or may or has_risen:
                self.found = self._judged(look, asked)
        return self.found

    def _judged(self, look: Look, asked: Asked) -> Growth | None:
        count = round(WHOLE_S / look.interval_s) + 1
        series = look.series.times(count), look.series.tail(asked.key, asked.metric, count)
        times, values = last_segment(*series, [asked.started_at + START_UP_S])
        for window_s in (WINDOW_S, WHOLE_S):
            since = look.wall - window_s
            found = growth(*last_segment(times, values, [since]), asked.least_per_s, asked.least_relative)
            before = [v for t, v in zip(times, values, strict=True) if v is not None and t < since]
            # What only comes back to where it was before is a sawtooth longer than the window.
            if found is None or found.span_s < LEAST_SPAN_S or found.last < max(before, default=found.last):
                continue
            if found.rising or (self.found is not None and _goes_on(found)):
                return found
        return None


def _goes_on(found: Growth) -> bool:
    """Less than it takes to begin with, so that it does not come and go."""
    has_fallen = found.highest - found.last > _FALLS_BACK * (found.highest - found.lowest)
    return found.growing and not found.levelling_off and not has_fallen
