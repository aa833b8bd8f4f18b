"""The menu of playbooks for one service: what shows a symptom first."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from mcptop.model.playbook import Severity
from mcptop.playbook.offers import Offer

_NAME = 17
_WIDEST = 94
"""Of the box, as the style sheet has it."""
_AROUND = 12
"""Frame, margins, symbol, scrollbar."""
_SYMBOLS = {Severity.CRITICAL: ("✖", "$error"), Severity.WARNING: ("▲", "$warning"), Severity.NONE: (" ", "")}


class PlaybookMenu(ModalScreen[Offer | None]):
    """Returns the offer that was taken, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,d", "dismiss(None)", "Back", id="playbooks.back", tooltip="Diagnose nothing"),
    ]

    def __init__(self, who: str, offers: Sequence[Offer], running: str) -> None:
        """`running`: what a diagnosis that is still running looks at; then none can be begun."""
        super().__init__()
        self._who, self._offers, self._still = who, offers, running

    def compose(self) -> ComposeResult:
        """One entry a playbook; what shows is in two lines and stands apart."""
        shown = [self._option(at) for at, offer in enumerate(self._offers) if offer.symptom]
        rest = [self._option(at) for at, offer in enumerate(self._offers) if not offer.symptom]
        menu = OptionList(*shown, *([None] if shown and rest else []), *rest, id="menu-list")
        with Vertical(id="box") as box:
            box.border_title = Content(f"diagnose {self._who}")
            wait = f"one at a time: {self._still} is coming to its end · "
            box.border_subtitle = Content(f"{wait if self._still else 'Enter runs it · '}Esc back")
            yield menu

    def _option(self, at: int) -> Option:
        offer = self._offers[at]
        symbol, colour = _SYMBOLS[offer.severity]
        if offer.outline is None:
            text = Content.assemble((f" ▲ {offer.entry.name:<{_NAME}}{offer.title}", "$warning"))
            return Option(text, id=str(at), disabled=True)
        parts = [(f" {symbol} ", colour), (f"{offer.entry.name:<{_NAME}}", "bold"), (offer.title, "")]
        for line in textwrap.wrap(offer.symptom, self._room):
            parts.append((f"\n   {'':<{_NAME}}{line}", colour))
        return Option(Content.assemble(*parts), id=str(at))

    @property
    def _room(self) -> int:
        """Cells beside the names."""
        return max(10, min(_WIDEST, self.app.size.width) - _NAME - _AROUND)

    @on(OptionList.OptionSelected)
    def _select(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._offers[int(event.option_id or 0)])
