"""A table of whatever rows a sheet of columns draws.

A Line-API widget that draws the visible rows only, and of those the changed ones only. Keeps the cursor on its row
when the order changes. Which rows there are is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from mcptop.presentation import nothing, sheet
from mcptop.presentation.runs import Runs
from mcptop.presentation.sheet import Listed, Moment, Placed, Sheet
from mcptop.presentation.unused import Unused
from mcptop.ui.widgets.lines import keymap, look, strip_of

_HEADING = 1
R = TypeVar("R", bound=Listed)


class SheetTable(ScrollView, Generic[R], can_focus=True):
    """The rows of one sheet; some of them may fold."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="table.up", tooltip="One row up"),
        Binding("down,j", "move(1)", "Down", show=False, id="table.down", tooltip="One row down"),
        Binding("pageup,ctrl+u", "page(-1)", "Page up", show=False, id="table.page-up", tooltip="One page up"),
        Binding("pagedown,ctrl+d", "page(1)", "Page down", show=False, id="table.page-down", tooltip="One page down"),
        Binding("home,g", "move(-1000000)", "First", show=False, id="table.first", tooltip="First row"),
        Binding("end,G", "move(1000000)", "Last", show=False, id="table.last", tooltip="Last row"),
        Binding("left,h", "fold(True)", "Fold", show=False, id="table.fold", tooltip="Fold, or go to the parent"),
        Binding("right", "fold(False)", "Unfold", show=False, id="table.unfold", tooltip="Unfold"),
        Binding("space", "turn", "Fold", show=False, id="table.toggle", tooltip="Fold or unfold"),
        Binding("enter", "open", "Open", show=False, id="table.open", tooltip="Open the service, or fold the group"),
    ]

    class Moved(Message):
        """The cursor stands on another row."""

    class Opened(Message):
        """A service was chosen."""

    class Folded(Message):
        """A row is to be folded or unfolded."""

        def __init__(self, row: Listed, folded: bool) -> None:
            super().__init__()
            self.row, self.folded = row, folded

    class Sorted(Message):
        """A column heading was clicked."""

        def __init__(self, column: str) -> None:
            super().__init__()
            self.column = column

    def __init__(self, columns: Sheet[R], *, empty: str = "nothing to show", id: str | None = None) -> None:
        super().__init__(id=id)
        self._sheet, self._empty, self._unused = columns, empty, Unused(columns)
        self.rows: Sequence[R] = ()
        self.cursor = 0
        self.is_filtered = False
        """There may be rows that are not shown."""
        self.why = ""
        """Why there are none."""
        self._key: str | None = None
        self._moment: Moment | None = None
        self._sort, self._descending = "", True
        self._placed: list[Placed[Any]] = []
        self._placed_for = -1
        self._lines: dict[int, Runs] = {}
        self._drawn: dict[int, tuple[Runs, bool, Strip]] = {}

    @property
    def selected(self) -> R | None:
        """The row under the cursor."""
        return self.rows[self.cursor] if 0 <= self.cursor < len(self.rows) else None

    @property
    def placed(self) -> list[str]:
        """Ids of the columns that are on the screen."""
        self._place_columns()
        return [item.column.id for item in self._placed]

    @property
    def sheet(self) -> Sheet[R]:
        """The columns it has now."""
        return self._sheet

    def use(self, columns: Sheet[R]) -> None:
        """Draw other columns from now on."""
        self._sheet, self._placed_for, self._unused = columns, -1, Unused(columns)
        self.refresh()

    def show(self, rows: Sequence[R], moment: Moment, sort: str, descending: bool) -> None:
        """Draw these rows; the cursor stays on its row, wherever that went."""
        seen = self._is_visible(self.cursor)
        self.rows, self._moment, self._sort, self._descending = rows, moment, sort, descending
        if self._unused.look(rows, moment):
            self._placed_for = -1
        self._lines.clear()
        self._place_cursor()
        size = Size(0, len(rows) + _HEADING)
        if size != self.virtual_size:
            self.virtual_size = size
        if seen:
            self._scroll_to_cursor()
        self._repaint_changes()

    def point_at(self, is_wanted: Callable[[Listed], bool]) -> None:
        """Put the cursor on the first such row, unless it stands on one; the reader did not move it."""
        if (row := self.selected) is not None and is_wanted(row):
            return
        found = next((index for index, row in enumerate(self.rows) if is_wanted(row)), None)
        if found is not None:
            self.cursor, self._key = found, self.rows[found].key
            self._scroll_to_cursor()
            self._repaint_changes()

    def restyle(self) -> None:
        """Paint everything again, in the colours the app has now."""
        self._drawn.clear()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The heading, or one row; a line that did not change is the same strip as before."""
        line, selected = self._content(y)
        known = self._drawn.get(y)  # after the content: placing columns forgets what was drawn
        width = self.size.width
        if known is not None and known[1] == selected and known[2].cell_length == width and known[0] == line:
            return known[2]
        if y == 0:
            strip = strip_of((*line, (" " * width, "heading")), width, look(self))
        else:
            margin = ("▌" if selected else " ", "cursor")
            strip = strip_of((margin, *line), width, look(self), selected)
        self._drawn[y] = (line, selected, strip)
        return strip

    def action_move(self, by: int) -> None:
        """Move the cursor."""
        target = min(len(self.rows) - 1, max(0, self.cursor + by))
        if target != self.cursor and self.rows:
            self._go(target)

    def action_page(self, direction: int) -> None:
        """Move the cursor by what is visible."""
        self.action_move(direction * max(1, self._page - 1))

    def action_fold(self, folded: bool) -> None:
        """Fold or unfold the row; folding what cannot be folded goes to its parent."""
        row = self.selected
        if row is None:
            return
        if row.folded is not None and row.folded is not folded:
            self.post_message(self.Folded(row, folded))
        elif folded:
            parents = [i for i in range(self.cursor) if self.rows[i].level_in_tree < row.level_in_tree]
            if parents:
                self._go(parents[-1])

    def action_turn(self) -> None:
        """Fold what is open, unfold what is folded."""
        if (row := self.selected) is not None and row.folded is not None:
            self.post_message(self.Folded(row, not row.folded))

    def action_open(self) -> None:
        """Open the service; a heading has nothing but its rows."""
        if (row := self.selected) is None:
            return
        if row.opens is None:
            self.action_turn()
        else:
            self.post_message(self.Opened())

    async def on_key(self, event: events.Key) -> None:
        """Letters typed right behind the filter key belong to the filter line.

        Textual runs a binding only after the key went all the way up to the app; keys that follow closely have
        been handed to this widget by then. So the line opens here, and what still arrives goes on to it.
        """
        focused = self.screen.focused
        if event.key in keymap(self).of("dashboard.filter", ("slash",)) and focused is self:
            event.stop()
            await self.run_action("screen.filter")
        elif focused is not None and focused is not self:
            event.stop()
            focused.post_message(events.Key(event.key, event.character))

    def on_click(self, event: events.Click) -> None:
        """A click selects, a second one on the same row opens; on a heading it sorts."""
        if event.y == 0:
            if (column := self._column_at(event.x)) is not None:
                self.post_message(self.Sorted(column))
            return
        index = self.scroll_offset.y + event.y - _HEADING
        if not 0 <= index < len(self.rows):
            return
        again = index == self.cursor and event.chain > 1
        self._go(index)
        row = self.rows[index]
        if row.folded is not None and event.x < 4:
            self.action_turn()
        elif again:
            self.action_open()

    def on_resize(self) -> None:
        """The cursor stays in view."""
        self._scroll_to_cursor()
        self.refresh()

    @property
    def _page(self) -> int:
        return self.size.height - _HEADING

    def _place_columns(self) -> None:
        """Columns are chosen when there is a width to draw at; the first picture is drawn before on_resize."""
        if self._placed_for != self.size.width:
            self._placed_for = self.size.width
            self._placed = self._sheet.place(self._placed_for, self._unused.ids)
            self._lines.clear()
            self._drawn.clear()

    def _content(self, y: int) -> tuple[Runs, bool]:
        self._place_columns()
        if y == 0:
            return sheet.heading(self._placed, self._sort, self._descending), False
        index = self.scroll_offset.y + y - _HEADING
        if self._moment is None or index >= len(self.rows):
            return self._note(y), False
        line = self._lines.get(index)
        if line is None:
            line = self._lines[index] = sheet.line(self.rows[index], self._placed, self._moment)
        return line, index == self.cursor

    def _note(self, y: int) -> Runs:
        """What an empty table says."""
        if self.rows or y < _HEADING + 1:
            return ()
        text = "nothing fits the filter; Esc clears it" if self.is_filtered else self.why or self._empty
        says = nothing.lines("waiting for the first sample…" if self._moment is None else text, self.size.width)
        return says[y - _HEADING - 1] if y - _HEADING - 1 < len(says) else ()

    def _repaint_changes(self) -> None:
        for y in range(self.size.height):
            (line, selected), known = self._content(y), self._drawn.get(y)
            if known is None or known[1] != selected or known[0] != line:
                self.refresh(Region(0, y, self.size.width, 1))

    def _place_cursor(self) -> None:
        for index, row in enumerate(self.rows):
            if row.key == self._key:
                self.cursor = index
                return
        if self._key is None:
            # A service says more than the group above it.
            first = (i for i, row in enumerate(self.rows) if row.level_in_tree)
            self.cursor = next(first, 0)
        self.cursor = min(self.cursor, max(0, len(self.rows) - 1))
        if self.rows:
            self._key = self.rows[self.cursor].key

    def _go(self, index: int) -> None:
        self.cursor = index
        self._key = self.rows[index].key
        self._scroll_to_cursor()
        self._repaint_changes()
        self.post_message(self.Moved())

    def _is_visible(self, index: int) -> bool:
        return 0 <= index - self.scroll_offset.y < max(1, self._page)

    def _scroll_to_cursor(self) -> None:
        """The group above the first service comes into view with it."""
        top, page = self.scroll_offset.y, max(1, self._page)
        if self.cursor <= 1 and page > 1:
            wanted = 0
        else:
            wanted = min(top, self.cursor) if self.cursor < top + page else self.cursor - page + 1
        if wanted != top:
            self.scroll_to(y=wanted, animate=False, force=True)

    def _column_at(self, x: int) -> str | None:
        left = 1
        for item in self._placed:
            if left <= x < left + item.width:
                return item.column.id
            left += item.width + 1
        return None
