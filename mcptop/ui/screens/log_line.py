"""One line of a log as a whole: JSON with all its fields, a traceback from its beginning to its end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen

from mcptop.logs import text
from mcptop.model.log import Entry
from mcptop.presentation import logs
from mcptop.presentation.runs import Runs
from mcptop.ui.widgets.lines import Lines
from mcptop.ui.widgets.pages import Page, Scroll

if TYPE_CHECKING:
    from mcptop.ui.app import McptopApp


class LogLineScreen(ModalScreen[None]):
    """Scrolls; everything is wrapped."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,left", "dismiss(None)", "Back", id="log-line.back", tooltip="Back to the log"),
        Binding("y", "copy", "Copy", id="log-line.copy", tooltip="Copy it as text"),
    ]

    def __init__(self, name: str, entries: Sequence[Entry]) -> None:
        """The lines that belong together, the first one first."""
        super().__init__()
        self._title = name
        self._entries = entries
        self._text = [line for entry in entries for line in _lines(entry)]

    def compose(self) -> ComposeResult:
        """One page."""
        with Scroll(id="box") as box:
            at = datetime.fromtimestamp(self._entries[0].at).astimezone()
            box.border_title = Content(f"{self._title} {at:%H:%M:%S.%f}")
            box.border_subtitle = "y copy · Esc back"
            yield Page(self._body)

    def on_mount(self) -> None:
        """Everything is there from the start."""
        self.query_one(Page).rebuild()
        self.query_one(Scroll).focus()

    def restyle(self) -> None:
        """The theme changed."""
        for panel in self.query(Lines):
            panel.restyle()

    def action_copy(self) -> None:
        """As text, through the terminal's clipboard."""
        cast("McptopApp", self.app).copy("\n".join(self._text), "the line")

    def _body(self, width: int) -> list[Runs]:
        return [part for line in self._text for part in logs.wrapped(((line, "text"),), max(8, width))]


def _lines(entry: Entry) -> list[str]:
    return [entry.text] if entry.raw is None else text.pretty(entry.raw)
