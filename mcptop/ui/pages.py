"""Long texts of styled lines: a page that scrolls with the keys of the tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from mcptop.presentation.runs import Runs
from mcptop.ui.lines import Lines

Compose = Callable[[int], list[Runs]]
"""Width -> lines."""


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
