"""The worst problems in plain words, above the table; with the keys in it one of them can be chosen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from mcptop.model.frame import EMPTY
from mcptop.presentation import strip
from mcptop.presentation.problems import Trouble
from mcptop.presentation.runs import Runs
from mcptop.ui.widgets.lines import Lines


class Problems(Lines, can_focus=True):
    """One line a problem, as many as there is room for."""

    FOCUS_ON_CLICK = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="problems.up", tooltip="The problem above"),
        Binding("down,j", "move(1)", "Down", show=False, id="problems.down", tooltip="The problem below"),
        Binding("home,g", "move(-1000000)", "First", show=False, id="problems.first", tooltip="The worst problem"),
        Binding("end,G", "move(1000000)", "Last", show=False, id="problems.last", tooltip="The last problem"),
        Binding("enter,d", "choose", "Diagnose", show=False, id="problems.choose", tooltip="Diagnose this one"),
        Binding("escape", "screen.problems", "Back", show=False, id="problems.leave", tooltip="Back to the table"),
    ]
    troubles: Sequence[Trouble] = ()
    most = 3

    class Chosen(Message):
        """Somebody shall be diagnosed, or the problem explained."""

        def __init__(self, trouble: Trouble) -> None:
            super().__init__()
            self.trouble = trouble

    def __init__(self) -> None:
        super().__init__()
        self._cursor = 0
        self._at = EMPTY.at
        self._whose: list[int | None] = []
        """Of each line, which problem it is of."""

    @property
    def can_be_entered(self) -> bool:
        """Whether there is anything to choose."""
        return bool(self.troubles) and self.display

    @property
    def selected(self) -> Trouble | None:
        """The problem under the cursor, while the keys are here."""
        return self.troubles[self._cursor] if self._has_keys and self.troubles else None

    @property
    def _has_keys(self) -> bool:
        """Unlike `has_focus` right already while the widget is told of it, and behind a menu."""
        return self.is_attached and self.screen.focused is self

    def show(self, troubles: Sequence[Trouble], at: datetime) -> None:
        """Draw these, worst first, as of this time. The cursor stays on its problem."""
        before = self.selected
        self.troubles, self._at = troubles, at
        keys = [trouble.key for trouble in troubles]
        place = keys.index(before.key) if before is not None and before.key in keys else self._cursor
        self._cursor = max(0, min(place, len(troubles) - 1))
        if self._has_keys:
            self._repaint()
        else:
            self.rebuild()

    def lines(self, width: int) -> list[Runs]:
        """As many as there is room for."""
        cursor = self._cursor if self.selected is not None else None
        found = strip.lines(self.troubles, self._at, width, self.most, cursor)
        self._whose = [whose for _, whose in found]
        return [line for line, _ in found]

    def is_selected(self, y: int) -> bool:
        """The cursor's lines."""
        return self.selected is not None and y < len(self._whose) and self._whose[y] == self._cursor

    def on_focus(self) -> None:
        """There is a cursor now."""
        self._repaint()

    def on_blur(self) -> None:
        """The cursor is elsewhere."""
        self._repaint()

    def on_click(self, event: events.Click) -> None:
        """A click diagnoses; on the line that counts the rest it shows them."""
        whose = self._whose[event.y] if event.y < len(self._whose) else None
        if whose is not None:
            self._cursor = whose
            self.action_choose()
        else:
            self.focus()

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        self._cursor = max(0, min(len(self.troubles) - 1, self._cursor + by))
        self._repaint()

    def action_choose(self) -> None:
        """Diagnose the service under the cursor, or explain."""
        if self.troubles:
            self.post_message(self.Chosen(self.troubles[self._cursor]))

    def _repaint(self) -> None:
        # The cursor's ground is no part of a line's text.
        self._strips.clear()
        self.rebuild()
        self.refresh()
