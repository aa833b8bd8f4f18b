"""Long texts of styled lines: a page that scrolls with the keys of the tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen

from mcptop.presentation import runs
from mcptop.presentation.runs import Runs
from mcptop.ui.widgets.lines import Lines
from mcptop.ui.widgets.panels import Footer, Key

if TYPE_CHECKING:
    from mcptop.ui.app import McptopApp

Compose = Callable[[int], list[Runs]]
"""Width -> lines."""
_COPIED = 120


class Page(Lines):
    """Lines that somebody else composes."""

    def __init__(self, compose: Compose, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._compose_lines = compose

    def lines(self, width: int) -> list[Runs]:
        """What it was given."""
        return self._compose_lines(width)


class Scroll(VerticalScroll, can_focus=True):
    """What is longer than the screen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "Up", show=False, id="page.up", tooltip="One line up"),
        Binding("down,j", "scroll_down", "Down", show=False, id="page.down", tooltip="One line down"),
        Binding("pageup,ctrl+u", "page_up", "Page up", show=False, id="page.page-up", tooltip="One page up"),
        Binding(
            "pagedown,ctrl+d,space", "page_down", "Page down", show=False, id="page.page-down", tooltip="One page down"
        ),
        Binding("home,g", "scroll_home", "Top", show=False, id="page.top", tooltip="To the top"),
        Binding("end,G", "scroll_end", "Bottom", show=False, id="page.bottom", tooltip="To the bottom"),
    ]


class LongPage(Screen[None]):
    """A title, a text that scrolls, and the keys; what they are, its subclass says."""

    footer: Sequence[Key] = (
        ("Esc", "back", "screen.dismiss"),
        ("y", "copy", "screen.copy"),
        ("?", "help", "app.help"),
        ("q", "quit", "app.quit"),
    )
    what = "the page"
    """For the note that it was copied."""

    def title_lines(self, width: int) -> list[Runs]:
        """What stands above the text."""
        raise NotImplementedError

    def body_lines(self, width: int) -> list[Runs]:
        """The text."""
        raise NotImplementedError

    def copied(self) -> str:
        """The text for the clipboard."""
        return "\n".join(runs.text_of(line).rstrip() for line in self.body_lines(_COPIED))

    def compose(self) -> ComposeResult:
        """Top to bottom."""
        yield Page(self.title_lines)
        with Scroll():
            yield Page(self.body_lines)
        yield Footer()

    def on_mount(self) -> None:
        """Draw what there is."""
        self.query_one(Footer).show(self.footer)
        self.query_one(Scroll).focus()
        self.rebuild()

    def rebuild(self) -> None:
        """Draw it again."""
        for page in self.query(Page):
            page.rebuild()

    def restyle(self) -> None:
        """The theme changed."""
        for panel in self.query(Lines):
            panel.restyle()

    def action_copy(self) -> None:
        """As text, through the terminal's clipboard."""
        cast("McptopApp", self.app).copy(self.copied(), self.what)
