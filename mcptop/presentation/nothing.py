"""What a table says that has no rows."""

from __future__ import annotations

from mcptop.model.frame import Frame, Status
from mcptop.presentation.runs import Runs
from mcptop.presentation.verdict.wrap import wrap
from mcptop.units import plain

_MOST = 400


def why(frame: Frame) -> str:
    """What could not be read, in full, where that is why there is nothing at all; else empty."""
    if frame.services:
        return ""
    broken = [f"{source.name}: {plain(source.message, _MOST)}" for source in frame.sources
              if source.status is Status.ERROR]  # fmt: skip
    return "; ".join(broken)


def lines(text: str, width: int) -> list[Runs]:
    """On as many lines as it takes."""
    return [((" ", "muted"), *line) for line in wrap(((text, "muted"),), max(20, width - 2))]
