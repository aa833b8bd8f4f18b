"""The question before an action: whom it is about, what users will notice, the exact command. The answer is no."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from mcptop.actions import commands, words
from mcptop.model.action import Action
from mcptop.presentation.runs import safe

_LABEL = 11
_WIDEST = 94
"""Of the box, as the style sheet has it."""
_AROUND = 8


class ConfirmScreen(ModalScreen[bool | None]):
    """Returns whether the reader said yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n,q", "dismiss(False)", "No", id="confirm.no", tooltip="Do nothing"),
        Binding("y", "yes", "Yes", id="confirm.yes", tooltip="Do it, where that is all that is asked"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="confirm.down", tooltip="The rest of the facts"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="confirm.up", tooltip="Back to their beginning"),
    ]

    def __init__(self, action: Action, noticed: Sequence[str]) -> None:
        """`noticed`: what users will notice, in sentences."""
        super().__init__()
        self._action, self._noticed = action, noticed
        self._word = words.to_type(action) if action.must_be_typed else ""

    def compose(self) -> ComposeResult:
        """The facts, which scroll where they are many, and below them the answer."""
        with Vertical(id="box", classes="interrupts" if self._action.interrupts else "") as box:
            box.border_title = Content(f"{words.title(self._action)} {self._whom()}?")
            typed = f"type {self._word} and Enter · Esc no"
            box.border_subtitle = Content(typed if self._word else "y yes · Enter no · Esc no")
            with VerticalScroll(id="confirm-body", can_focus=False):
                yield Static(Content.assemble(*self._parts()))
            if self._word:
                line = Input(id="confirm-word", placeholder=f"type {self._word} to go on", compact=True)
                line.cursor_blink = False
                yield line
            else:
                yield OptionList(Option(" no", id="no"), Option(" yes", id="yes"), id="confirm-answer")

    def _whom(self) -> str:
        targets = self._action.targets
        return (
            safe(targets[0].name, 60) if len(targets) == 1 else f"all {len(targets)} of {safe(targets[0].service, 40)}"
        )

    def _parts(self) -> list[tuple[str, str]]:
        colour = "$warning" if self._action.interrupts else ""
        parts: list[tuple[str, str]] = []
        for label, text in words.facts(self._action):
            parts += self._row(label, text, "")
        for at, says in enumerate(self._noticed):
            parts += self._row("" if at else "effect", says, colour)
        for at, target in enumerate(self._action.targets):
            parts += self._row("" if at else "command", commands.shown(commands.argv(self._action, target)), "bold")
        return parts

    def _row(self, label: str, text: str, style: str) -> list[tuple[str, str]]:
        room = max(10, min(_WIDEST, self.app.size.width) - _LABEL - _AROUND)
        lines = textwrap.wrap(safe(text, 1000), room, break_on_hyphens=False) or [""]
        return [
            part
            for at, line in enumerate(lines)
            for part in ((f"{'' if at else label:<{_LABEL}}", "$text-dim"), (f"{line}\n", style))
        ]

    def action_page(self, by: int) -> None:
        """Through facts that are longer than the screen."""
        body = self.query_one("#confirm-body", VerticalScroll)
        body.scroll_page_down() if by > 0 else body.scroll_page_up()

    def action_yes(self) -> None:
        """Yes, where a yes is enough."""
        if not self._word:
            self.dismiss(True)

    @on(OptionList.OptionSelected)
    def _answer(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id == "yes")

    @on(Input.Submitted)
    def _typed(self, event: Input.Submitted) -> None:
        if event.value == self._word:
            self.dismiss(True)
        else:
            event.input.value = ""
            event.input.placeholder = f"that was not {self._word}: type it to go on, Esc for no"
