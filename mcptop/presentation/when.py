"""Of which time the picture is: of now, of a moment one stopped at, of the past, or of a recording."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from mcptop import units
from mcptop.model.frame import EMPTY, Frame
from mcptop.presentation.runs import Run


class Tape(Struct, frozen=True, eq=False):
    """Where in a recording one is."""

    first: datetime
    last: datetime
    playing: bool = False
    speed: float = 1.0
    loading: bool = False
    """It is on its way to another moment."""


class When(Struct, frozen=True, eq=False):
    """What the header says of time."""

    at: datetime = EMPTY.at
    behind_s: float | None = None
    """How much older than the newest frame a picture is that stands still; None while it follows."""
    walked: bool = False
    """It is not where one stopped, but further back."""
    tape: Tape | None = None
    """Of a recording, and of the last minutes while one walks through them."""
    late_s: float | None = None
    """How long ago the newest frame came, where the next ones should have come since."""

    @property
    def stands_still(self) -> bool:
        """Whether nothing moves unless a key is pressed."""
        return self.behind_s is not None or (self.tape is not None and not self.tape.playing)


LIVE = When()
_LATE_INTERVALS = 3
_LATE_S = 3.0
"""A tick may take that long where a source does not answer."""


def lateness(frame: Frame, since_s: float) -> float | None:
    """`When.late_s` of a live frame that came `since_s` ago."""
    return since_s if frame.number and since_s > max(_LATE_S, _LATE_INTERVALS * frame.interval_s) else None


def clock(at: datetime) -> str:
    """Local time of day, to the second."""
    return f"{at.astimezone():%H:%M:%S}"


def badge(when: When, frame: Frame, broken: bool) -> Run:
    """One word for the state of the picture, and the time it is of where that is not now."""
    if when.tape is not None and when.behind_s is None:
        return _of_recording(when.tape, frame)
    if when.walked:
        return (f" PAST {clock(frame.at)}, {_span(when.behind_s)} ago ", "badge.warning")
    if when.behind_s is not None:
        return (f" PAUSED {_span(when.behind_s)} ", "badge.warning")
    if when.late_s is not None:
        return (f" LATE {_span(when.late_s)} ", "badge.warning")
    if broken:
        return ("source error", "head.critical")
    return (f"live {frame.interval_s:g}s", "head.ok")


def _of_recording(tape: Tape, frame: Frame) -> Run:
    sign = "…" if tape.loading else "▶" if tape.playing else "❚❚"
    speed = "" if tape.speed == 1 else f" \N{MULTIPLICATION SIGN}{tape.speed:g}"
    return (f" REPLAY {sign}{speed} {clock(frame.at)} ", "badge.warning")


def _span(seconds: float | None) -> str:
    return units.duration(max(0.0, seconds or 0.0)).replace(".0s", "s")
