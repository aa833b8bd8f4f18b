"""The line that shows where in time the picture is; a click on it goes there."""

from __future__ import annotations

from datetime import datetime

from textual import events
from textual.message import Message

from mcptop.model.frame import EMPTY, Frame
from mcptop.presentation import timeline
from mcptop.presentation.runs import Runs
from mcptop.presentation.when import Tape
from mcptop.ui.widgets.lines import Lines


class Timeline(Lines):
    """There while one walks through the past or plays a recording."""

    tape: Tape | None = None
    frame: Frame = EMPTY
    newest: Frame = EMPTY
    """Whose events are marked."""

    class Clicked(Message):
        """To this moment."""

        def __init__(self, at: datetime) -> None:
            super().__init__()
            self.at = at

    def show(self, tape: Tape | None, frame: Frame, newest: Frame) -> None:
        """Draw this; nothing without a tape."""
        self.tape, self.frame, self.newest = tape, frame, newest
        self.display = tape is not None
        self.rebuild()

    def lines(self, width: int) -> list[Runs]:
        """One line or none."""
        if self.tape is None:
            return []
        return [timeline.line(self.tape, self.frame.at, self.newest.events, width)]

    def on_click(self, event: events.Click) -> None:
        """Go to that moment."""
        if self.tape is not None and (at := timeline.place(self.tape, event.x, self.size.width)) is not None:
            self.post_message(self.Clicked(at))
