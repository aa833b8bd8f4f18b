"""To which moment to go."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from mcptop.recording.moment import HOW, moment


class JumpScreen(ModalScreen[datetime | None]):
    """Asks for a time; comes back with it, or with None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", id="jump.back", tooltip="Stay where it is")
    ]

    def __init__(self, now: datetime, last: datetime) -> None:
        """`now` is where one stands, `last` where the time ends."""
        super().__init__()
        self._now, self._last = now, last

    def compose(self) -> ComposeResult:
        """One line to type in."""
        with Vertical(id="box") as box:
            box.border_title = "go to a time"
            box.border_subtitle = "Enter go · Esc stay"
            line = Input(placeholder=HOW, compact=True)
            line.cursor_blink = False
            yield line

    @on(Input.Submitted)
    def _typed(self, event: Input.Submitted) -> None:
        at = moment(event.value, self._now, self._now, self._last)
        if at is None and event.value.strip():
            self.app.notify(f"{event.value!r} is no time: {HOW}", severity="warning", markup=False, timeout=5)
            return
        self.dismiss(at)

    def action_leave(self) -> None:
        """Without a time."""
        self.dismiss(None)
