"""The menu of columns: which are shown, and in which order. What is done there is seen behind it at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from mcptop.presentation import choice, runs
from mcptop.presentation.sheet import Column, Sheet
from mcptop.ui.screens.boxes import room

_TAKEN = 21
"""By the tick and the title."""
Apply = Callable[[tuple[str, ...] | None], Sequence[str]]
"""Shows these columns, or with None the usual ones; gives those that have room."""


class ColumnsMenu(ModalScreen[None]):
    """Space ticks, < and > move."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "tick", "Show", id="columns.toggle", tooltip="Show or hide the column"),
        Binding("less_than_sign,shift+up", "move(-1)", "Up", id="columns.up", tooltip="Move it to the left"),
        Binding("greater_than_sign,shift+down", "move(1)", "Down", id="columns.down", tooltip="Move it to the right"),
        Binding("r", "usual", "Usual", id="columns.usual", tooltip="The usual columns, by the width of the terminal"),
        Binding("escape,c,q", "dismiss(None)", "Back", id="columns.back", tooltip="Back to the table"),
    ]

    def __init__(self, sheet: Sheet[Any], apply: Apply, placed: Sequence[str]) -> None:
        """`placed`: the columns that are on the screen."""
        super().__init__()
        self._columns: dict[str, Column[Any]] = {column.id: column for column in sheet.columns}
        self._apply, self._placed = apply, placed
        self._choice = choice.of(tuple(self._columns), placed)

    def compose(self) -> ComposeResult:
        """One line a column."""
        with Vertical(id="box") as box:
            box.border_title = "columns"
            box.border_subtitle = "Space shows, hides · < > move · r usual · Esc back"
            yield OptionList(*self._options(), id="columns-list")

    @on(OptionList.OptionSelected)
    def action_tick(self) -> None:
        """Show the column, or hide it; Enter and a click do so too."""
        self._take(self._choice.toggled(self._chosen))

    def action_move(self, by: int) -> None:
        """Move the column."""
        chosen = self._chosen
        self._take(self._choice.moved(chosen, by))
        self._list.highlighted = self._choice.order.index(chosen)

    def action_usual(self) -> None:
        """As it was before anybody chose."""
        self._placed = self._apply(None)
        self._choice = choice.of(tuple(self._columns), self._placed)
        self._redraw()

    @property
    def _list(self) -> OptionList:
        return self.query_one("#columns-list", OptionList)

    @property
    def _chosen(self) -> str:
        return self._choice.order[self._list.highlighted or 0]

    def _take(self, wanted: choice.Choice) -> None:
        if wanted != self._choice:
            self._choice = wanted
            self._placed = self._apply(wanted.shown)
            self._redraw()

    def _redraw(self) -> None:
        menu = self._list
        at = menu.highlighted
        menu.set_options(self._options())
        menu.highlighted = at

    def _options(self) -> list[Option]:
        return [Option(self._line(self._columns[id]), id=id) for id in self._choice.order]

    def _line(self, column: Column[Any]) -> Content:
        """A tick, the title, and what it shows as far as one line goes."""
        ticked = column.id in self._choice.ticked
        note = "no room: " if ticked and column.id not in self._placed else ""
        title = "level" if column.title == "!" else column.title
        says = runs.fit(column.says, room(self.app.size.width, _TAKEN + len(note)))
        return Content.assemble(
            f" [{'x' if ticked else ' '}] ", (f"{title:<15} ", "bold" if ticked else ""), (note, "$warning"), says
        )
