"""What the reader makes of the tables: which tab, which columns, and views that are kept under a name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from msgspec.structs import replace
from textual import on
from textual.app import SystemCommand
from textual.widget import Widget
from textual.widgets import Input

from mcptop.config import views_folder
from mcptop.presentation.filter import Filter
from mcptop.presentation.ranking import Ranking
from mcptop.presentation.row import Folds, View
from mcptop.presentation.runs import safe
from mcptop.presentation.tabs import OVERVIEW, TABS, Tab
from mcptop.ui.actions.selection import SelectionScreen
from mcptop.ui.diagnosis.diagnosing import unmarked
from mcptop.ui.orders import Orders
from mcptop.ui.widgets.filter_line import FilterLine
from mcptop.ui.widgets.table import SheetTable
from mcptop.views import saved
from mcptop.views.saved import SavedView, ViewError

if TYPE_CHECKING:
    from mcptop.ui.app import McptopApp

_KNOWN_S = 3.0


class Arranging(SelectionScreen):
    """The part of the dashboard that is about that."""

    def __init__(self) -> None:
        super().__init__()
        self.tab: Tab[Any] = OVERVIEW
        self.as_tree = True
        self.orders = Orders()
        self.view_name = ""
        """Of the view that was opened or saved last."""
        self.folds, self.ranking = Folds(), Ranking()
        self.tables = {tab.id: SheetTable[Any](tab.sheet, empty=tab.empty, id=tab.id) for tab in TABS}
        self.filter_line = FilterLine(id="filter")
        self._lines: dict[bool, str] = {}
        """The filter of the tabs of all services, and of those of one."""
        self._columns: dict[str, tuple[str, ...]] = {}
        self._known: tuple[float, Mapping[str, SavedView]] | None = None

    @property
    def table(self) -> SheetTable[Any]:
        """The table of the chosen tab."""
        return self.tables[self.tab.id]

    @property
    def pane(self) -> Widget:
        """What the chosen tab shows."""
        return self.table

    @property
    def filter(self) -> Filter:
        """Of the chosen tab."""
        return self.filter_line.filter

    @property
    def sort(self) -> str:
        """The column the chosen tab is sorted by."""
        return self.orders.of(self.tab)[0]

    @property
    def descending(self) -> bool:
        """Whether the most stands first."""
        return self.orders.of(self.tab)[1]

    @property
    def placed(self) -> list[str]:
        """Ids of the columns that are on the screen."""
        return self.table.placed

    def action_tab(self, id: str) -> None:
        """Show the table of another tab."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Draw the table again: something was chosen."""
        raise NotImplementedError

    def view(self, at: datetime) -> View:
        """What the reader asked for, at the time of a frame."""
        column, descending = self.orders.of(self.tab)
        rank = self.ranking.of(self.tab.id, self.tab.sheet.column(column), at)
        return View(rank, descending, self.filter, self.folds, self.as_tree, at)

    def action_sort_menu(self) -> None:
        """Choose a column."""
        from mcptop.ui.screens.sort import SortMenu

        self.app.push_screen(SortMenu(self.tab.sheet.columns, self.sort), self._sort_chosen)

    def _sort_chosen(self, column: str | None) -> None:
        if column is not None:
            self.action_sort(column)

    def action_sort(self, column: str) -> None:
        """Sort by a column; once more turns the order round. Names go up, figures go down."""
        self.orders.turn(self.tab, column)
        self.redraw()

    def action_sort_step(self, by: int) -> None:
        """Sort by the neighbour of the sorted column, of those on the screen."""
        self.action_sort(self.orders.neighbour(self.tab, by, self.placed))

    def action_reverse(self) -> None:
        """Turn the order round."""
        self.action_sort(self.sort)

    def action_tree(self) -> None:
        """Groups, or one flat list."""
        self.as_tree = not self.as_tree
        self.redraw()

    def action_filter(self) -> None:
        """Type a filter; it works at every letter."""
        self.filter_line.display = True
        # At once, not after the next message: the letters typed behind the key belong to the line.
        self.set_focus(self.filter_line)

    def action_back(self) -> None:
        """One step back: out of the filter line, or out of the filter. Never quits."""
        self.set_filter("")
        self.set_focus(self.pane)

    def set_filter(self, text: str) -> None:
        self.filter_line.value, self.filter_line.display = text, bool(text)

    @on(Input.Changed, "#filter")
    def _filter_typed(self) -> None:
        self.redraw()

    @on(Input.Submitted, "#filter")
    def _filter_done(self) -> None:
        self.set_focus(self.pane)
        self.filter_line.display = bool(self.filter)

    def action_tab_step(self, by: int) -> None:
        """Show the tab beside this one; behind the last is the first."""
        self.action_tab(TABS[(TABS.index(self.tab) + by) % len(TABS)].id)

    def action_columns(self) -> None:
        """Choose the columns of this tab."""
        from mcptop.ui.screens.columns import ColumnsMenu

        self.app.push_screen(ColumnsMenu(self.tab.sheet, self._show_columns, self.placed))

    def action_views(self) -> None:
        """Choose a saved view."""
        from mcptop.ui.screens.views import ViewsMenu

        known = saved.known(views_folder())
        if known.problems:
            more = f"; {len(known.problems) - 1} more" if len(known.problems) > 1 else ""
            self._warn(f"{known.problems[0]}{more}")
        self.app.push_screen(ViewsMenu(known.views), self._view_chosen)

    def views_of_palette(self) -> Mapping[str, SavedView]:
        """The saved views, read again after some seconds: the palette asks at every letter."""
        now = self.mcptop.clock()
        if self._known is None or now - self._known[0] > _KNOWN_S:
            self._known = now, saved.known(views_folder()).views
        return self._known[1]

    def action_save_view(self) -> None:
        """Keep the present view under a name."""
        if not cast("McptopApp", self.app).may_write():
            return
        from mcptop.ui.screens.views import NameOfView

        taken = frozenset(saved.known(views_folder()).views)
        self.app.push_screen(NameOfView(self.view_name, taken), self._save_view)

    def action_view(self, name: str, within: str = "") -> None:
        """Open a saved view; `within` is a filter that holds as well."""
        try:
            view = saved.find(views_folder(), name)
            whole = f"{within} ({view.filter})" if within and view.filter else within or view.filter
            self.open_view(replace(view, filter=whole))
        except ViewError as problem:
            self._warn(str(problem))
        else:
            self.view_name = name

    def open_view(self, view: SavedView) -> None:
        """Look at things as a view says; what this version does not have is left as it is."""
        if view.tab not in {tab.id for tab in TABS}:
            self._warn(f"this view is of a tab `{view.tab}` that there is not")
            return
        self.action_tab(view.tab)
        self.orders.set(self.tab, view.sort or self.tab.sort, view.descending)
        self._choose(view.columns)
        self.as_tree = view.tree
        self.set_filter(view.filter)
        self.filter_line.cursor_position = len(view.filter)
        cast("McptopApp", self.app).picture.zoom_to(view.zoom_s)
        self.redraw()

    def present_view(self) -> SavedView:
        """How things are looked at now."""
        column, descending = self.orders.of(self.tab)
        return SavedView(
            self.tab.id, self.filter_line.value, column, descending, self._columns.get(self.tab.id),
            self.as_tree, cast("McptopApp", self.app).picture.zoom_s,
        )  # fmt: skip

    def _show_columns(self, ids: tuple[str, ...] | None) -> Sequence[str]:
        self._choose(ids)
        self.redraw()
        return self.placed

    def _choose(self, ids: tuple[str, ...] | None) -> None:
        if ids is None:
            self._columns.pop(self.tab.id, None)
        else:
            self._columns[self.tab.id] = ids
        self.table.use(self.tab.sheet if ids is None else self.tab.sheet.chosen(ids))

    def _view_chosen(self, name: str | None) -> None:
        if name is not None:
            self.action_view(name)

    def _save_view(self, name: str | None) -> None:
        if name is None:
            return
        try:
            path = saved.save(views_folder(), name, self.present_view())
            self._known = None
        except ViewError as problem:
            self._warn(str(problem))
        else:
            self.view_name = name
            self.app.notify(f"saved {path}; `mcptop --view '{name}'` opens it", markup=False, timeout=6)

    def _warn(self, says: str) -> None:
        self.app.notify(says, severity="warning", markup=False, timeout=8)


def commands(screen: Arranging) -> Iterable[SystemCommand]:
    """What the palette offers: every saved view."""
    for name, view in screen.views_of_palette().items():
        says = unmarked(safe(f"{view.tab} {view.filter}".strip()))
        yield SystemCommand(f"View {safe(name, 40)}", says, partial(screen.action_view, name))
