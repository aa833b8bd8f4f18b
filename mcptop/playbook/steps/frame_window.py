"""The frames of the time a step watches: those that come meanwhile, or the last of a recording."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from mcptop.model.diagnosis import StepStatus
from mcptop.model.frame import Frame
from mcptop.playbook.steps.base import Context, StepFailure, moment

_POLL_S = 0.2
_BEFORE_S = 1.0
"""The frame that was new when the step began belongs to it."""

Seen = Sequence[tuple[float, Frame]]
"""Seconds since the step began, and the frame."""


def _nothing() -> None:
    """Only wait."""


def frames_of(context: Context, seconds: float, every_s: float = _POLL_S, look: Callable[[], None] = _nothing) -> Seen:
    """Wait, and hand over what came; `look` is called now and then. Raises `StepFailure` where nothing came.

    Of a recording nobody has to wait for the last so many seconds.
    """
    if context.frames.recorded:
        return recorded(context, seconds)
    began, since = time.monotonic(), time.time()
    while (left := seconds - (time.monotonic() - began)) > 0 and context.pause(min(every_s, left)):
        look()
    found = [(at, frame) for frame in context.frames.all() if (at := frame.at.timestamp() - since) >= -_BEFORE_S]
    if not found:
        raise StepFailure(StepStatus.NO_DATA, "the monitor gave no frame in time")
    return found


def recorded(context: Context, seconds: float) -> Seen:
    """The last `seconds` of a recording, counted from their beginning. Raises `StepFailure` where there are none."""
    frames = context.frames.all()
    if not frames:
        raise StepFailure(StepStatus.NO_DATA, "the recording has no frame there")
    since = max(frames[-1].at.timestamp() - seconds, frames[0].at.timestamp())
    return [(at, frame) for frame in frames if (at := frame.at.timestamp() - since) >= 0]


def source_of(context: Context) -> str:
    """Where frames come from, as evidence names it."""
    return "recording" if context.frames.recorded else "monitor"


def began_at(context: Context, seen: Seen, started_at: str) -> str:
    """When what was seen was so, as it is written in evidence."""
    return moment(seen[0][1].at) if context.frames.recorded else started_at
