"""Two moments side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from mcptop.model.frame import Frame
from mcptop.presentation import comparison, runs
from mcptop.ui.lines import Lines
from mcptop.ui.pages import Page, Scroll
from mcptop.ui.panels import Footer, Key

if TYPE_CHECKING:
    from mcptop.ui.app import McptopApp

_FOOTER: tuple[Key, ...] = (
    ("Esc", "back", "screen.back"),
    ("y", "copy", "screen.copy"),
    ("?", "help", "app.help"),
    ("q", "quit", "app.quit"),
)


class ComparingScreen(Screen[None]):
    """What each service used then and then."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,backspace", "back", "Back", id="comparing.back", tooltip="Back to the table"),
        Binding("y", "copy", "Copy", id="comparing.copy", tooltip="Copy it as text"),
    ]

    def __init__(self, before: Frame, now: Frame) -> None:
        super().__init__()
        # The earlier one first, whichever was marked first.
        self._frames = (before, now) if before.at <= now.at else (now, before)
        self.footer = Footer()

    def compose(self) -> ComposeResult:
        """A page that scrolls, and the keys."""
        with Scroll():
            yield Page(lambda width: comparison.lines(*self._frames, width))
        yield self.footer

    def on_mount(self) -> None:
        """Draw it."""
        self.footer.show(_FOOTER)
        for page in self.query(Page):
            page.rebuild()
        self.query_one(Scroll).focus()

    def restyle(self) -> None:
        """The theme changed."""
        for panel in self.query(Lines):
            panel.restyle()

    def action_back(self) -> None:
        """To the table."""
        self.dismiss()

    def action_copy(self) -> None:
        """All lines as text."""
        text = "\n".join(runs.text_of(line).rstrip() for line in comparison.lines(*self._frames, 160))
        app = cast("McptopApp", self.app)
        app.copy_to_clipboard(text)
        app.notify("copied the comparison", markup=False, timeout=2)
