"""The monitor's frames of the time a step watches."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from mcptop.model.diagnosis import StepStatus
from mcptop.model.frame import Frame
from mcptop.playbook.steps.base import Context, StepFailure

_POLL_S = 0.2
_BEFORE_S = 1.0
"""The frame that was new when the step began belongs to it."""

Seen = Sequence[tuple[float, Frame]]
"""Seconds since the step began, and the frame."""


def _nothing() -> None:
    """Only wait."""


def frames_of(context: Context, seconds: float, every_s: float = _POLL_S, look: Callable[[], None] = _nothing) -> Seen:
    """Wait, and hand over what came; `look` is called now and then. Raises `StepFailure` where nothing came."""
    began, since = time.monotonic(), time.time()
    while (left := seconds - (time.monotonic() - began)) > 0 and context.pause(min(every_s, left)):
        look()
    found = [(at, frame) for frame in context.frames.all() if (at := frame.at.timestamp() - since) >= -_BEFORE_S]
    if not found:
        raise StepFailure(StepStatus.NO_DATA, "the monitor gave no frame in time")
    return found
