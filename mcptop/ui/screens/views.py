"""The menu of saved views, and the line that names a new one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from mcptop.presentation.runs import safe
from mcptop.views.saved import SavedView, mistake_in


class ViewsMenu(ModalScreen[str | None]):
    """Returns the name of a view, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,v,q", "dismiss(None)", "Back", id="views.back", tooltip="Leave the view as it is"),
    ]

    def __init__(self, views: Mapping[str, SavedView]) -> None:
        super().__init__()
        self._views = views

    def compose(self) -> ComposeResult:
        """One line a view."""
        options = [Option(_line(name, view), id=name) for name, view in sorted(self._views.items())]
        with Vertical(id="box") as box:
            box.border_title = "views"
            box.border_subtitle = "Enter opens · Esc back"
            yield OptionList(*options, id="views-list")

    @on(OptionList.OptionSelected)
    def _select(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)


class NameOfView(ModalScreen[str | None]):
    """Returns a name that a view can have, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Back", id="view-name.back", tooltip="Save nothing"),
    ]

    def __init__(self, proposed: str, taken: Collection[str]) -> None:
        """`taken`: the names there are."""
        super().__init__()
        self._proposed, self._taken = proposed, taken

    def compose(self) -> ComposeResult:
        """One line to type in."""
        with Vertical(id="box") as box:
            box.border_title = "save this view as"
            line = Input(self._proposed, id="view-name", compact=True, max_length=40, placeholder="name")
            line.cursor_blink = False
            yield line

    def on_mount(self) -> None:
        """What Enter would do with the name that is proposed."""
        self._say(self._proposed)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._say(event.value)

    @on(Input.Submitted)
    def _submit(self, event: Input.Submitted) -> None:
        if event.value and mistake_in(event.value) is None:
            self.dismiss(event.value)

    def _say(self, name: str) -> None:
        """What Enter would do."""
        mistake = mistake_in(name) if name else None
        does = "replaces the one of this name" if name in self._taken else "saves"
        self.query_one("#box").border_subtitle = Content(mistake or f"Enter {does} · Esc back")


def _line(name: str, view: SavedView) -> Content:
    parts = [view.tab if view.tab != "overview" else "", f"by {view.sort}" if view.sort else "", view.filter,
             f"{len(view.columns)} columns" if view.columns else "", "" if view.tree else "one list"]  # fmt: skip
    return Content.assemble((f" {safe(name, 40):<20} ", "bold"), safe(" · ".join(part for part in parts if part)))
