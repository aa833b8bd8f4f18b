"""A menu of what can be done, each with its equivalent command beside it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from mcptop.presentation.runs import safe

_WORD = 16
_WIDEST = 94
"""Of the box, as the style sheet has it."""
_AROUND = 9
"""Frame, margins, scrollbar."""

Then = Callable[[], None]


class Entry(NamedTuple):
    """One line of the menu, and perhaps more below it."""

    word: str
    beside: str
    refused: str = ""
    """Why it cannot be chosen."""
    note: str = ""
    then: Then = lambda: None
    """What comes next when it was chosen."""


class ActionMenu(ModalScreen[Then | None]):
    """Returns what comes next, or None. The first entry is chosen by Enter alone: nothing happens without a yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,x,f9", "dismiss(None)", "Back", id="actions.back", tooltip="Do nothing"),
    ]

    def __init__(self, title: str, entries: Sequence[Entry], narrower: Sequence[Entry] = ()) -> None:
        """`narrower`: menus of one of several."""
        super().__init__()
        self._title_text, self._entries, self._narrower = safe(title, 80), entries, narrower

    def compose(self) -> ComposeResult:
        """One option an entry."""
        every = [*self._entries, *self._narrower]
        options = [self._option(at, entry) for at, entry in enumerate(every)]
        here, there = options[: len(self._entries)], options[len(self._entries) :]
        with Vertical(id="box") as box:
            box.border_title = Content(self._title_text)
            box.border_subtitle = "Enter goes on, and asks first · Esc back"
            yield OptionList(*here, *([None] if here and there else []), *there, id="menu-list")

    def _option(self, at: int, entry: Entry) -> Option:
        parts: list[tuple[str, str]] = [(f" {entry.word:<{_WORD}}", "bold" if not entry.refused else "")]
        below = f"\n {'':<{_WORD}}"
        parts.append((below.join(self._wrapped(safe(entry.beside, 400))), ""))
        for text, colour in ((entry.note, "$text-dim"), (entry.refused, "$warning")):
            parts += [(f"{below}{line}", colour) for line in self._wrapped(safe(text, 400)) if text]
        return Option(Content.assemble(*parts), id=str(at), disabled=bool(entry.refused))

    def _wrapped(self, text: str) -> list[str]:
        room = max(10, min(_WIDEST, self.app.size.width) - _WORD - _AROUND)
        return textwrap.wrap(text, room, break_on_hyphens=False) or [""]

    @on(OptionList.OptionSelected)
    def _select(self, event: OptionList.OptionSelected) -> None:
        every = [*self._entries, *self._narrower]
        self.dismiss(every[int(event.option_id or 0)].then)
