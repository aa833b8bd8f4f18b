"""How much a line of a menu can hold."""

from __future__ import annotations

WIDEST = 94
"""Of the box, as the style sheet has it."""
_AROUND = 7
"""Frame, margins and scrollbar."""


def room(screen_width: int, taken: int) -> int:
    """Cells of a line beside what is `taken`."""
    return max(10, min(WIDEST, screen_width) - _AROUND - taken)
