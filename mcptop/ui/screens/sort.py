"""The menu of columns to sort by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from mcptop.presentation import runs
from mcptop.presentation.sheet import Column
from mcptop.ui.screens.boxes import room

_TITLE = 17
"""Cells of the title and around it."""


class SortMenu(ModalScreen[str | None]):
    """Returns the id of a column, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,s,f6", "dismiss(None)", "Back", id="sort.back", tooltip="Leave the order as it is"),
    ]

    def __init__(self, columns: Sequence[Column[Any]], chosen: str) -> None:
        super().__init__()
        self._columns, self._chosen = columns, chosen

    def compose(self) -> ComposeResult:
        """All columns that have an order."""
        width = room(self.app.size.width, _TITLE)
        options = [
            Option(Content(f" {column.title:<15} {runs.fit(column.says, width)}"), id=column.id)
            for column in self._columns
            if column.sort is not None
        ]
        menu = OptionList(*options, id="sort-list")
        menu.highlighted = next(i for i, option in enumerate(options) if option.id == self._chosen)
        from textual.containers import Vertical

        with Vertical(id="box") as box:
            box.border_title = "sort by"
            box.border_subtitle = "Enter sorts · Esc back"
            yield menu

    @on(OptionList.OptionSelected)
    def _select(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)
