"""Two moments side by side."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from mcptop.model.frame import Frame
from mcptop.presentation import comparison
from mcptop.presentation.runs import Runs
from mcptop.ui.widgets.pages import LongPage


class ComparingScreen(LongPage):
    """What each service used then and then."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,backspace", "dismiss(None)", "Back", id="comparing.back", tooltip="Back to the table"),
        Binding("y", "copy", "Copy", id="comparing.copy", tooltip="Copy it as text"),
    ]
    what = "the comparison"

    def __init__(self, before: Frame, now: Frame) -> None:
        super().__init__()
        # The earlier one first, whichever was marked first.
        self._frames = (before, now) if before.at <= now.at else (now, before)

    def title_lines(self, width: int) -> list[Runs]:
        """Both times."""
        return [comparison.title(*self._frames, width)]

    def body_lines(self, width: int) -> list[Runs]:
        """A line a service."""
        return comparison.lines(*self._frames, width)
