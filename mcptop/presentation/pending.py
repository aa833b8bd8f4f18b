"""What a single look tells: it cannot wait for as long as a rule wants, so what is pending is told as that. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from mcptop.alerts.ranking import rank
from mcptop.model.frame import Frame


def with_pending(frame: Frame) -> Frame:
    """The frame with what is pending among its alerts, marked in words."""
    if not frame.pending:
        return frame
    waiting = tuple(replace(alert, says=f"{alert.says} (just now)") for alert in frame.pending)
    return replace(frame, alerts=tuple(sorted((*frame.alerts, *waiting), key=rank)), pending=())
