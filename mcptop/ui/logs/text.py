"""The lines of a log on the screen: where one reads, the cursor, a range. Scrolls by lines of the log."""

from __future__ import annotations

from typing import Any

from textual import events
from textual.message import Message

from mcptop.logs.book import LogBook
from mcptop.logs.view import View
from mcptop.model.log import Entry, Key
from mcptop.presentation import log_status, logs
from mcptop.presentation.log_status import State
from mcptop.presentation.logs import Look
from mcptop.presentation.runs import Runs
from mcptop.ui.widgets.lines import Lines

_WHEEL = 3
_CACHED = 500
_MARGIN: tuple[str, str] = (" ", "text")


class LogText(Lines):
    """Draws a view of a book. What one reads stays where it is, whatever comes or is trimmed."""

    DEFAULT_CSS = "LogText { width: 100%; height: 1fr; background: $background; }"

    class Moved(Message):
        """One reads elsewhere."""

    class Opened(Message):
        """A line was chosen."""

    def __init__(self, view: View, book: LogBook) -> None:
        super().__init__()
        self.view, self.book = view, book
        self.look = Look()
        self.follows = True
        self.empty = ""
        """What is said without lines."""
        self.mark: Key | None = None
        """Where a range begins."""
        self._cursor: Key | None = None
        self._top: Key | None = None
        self._owners: list[int] = []
        self._rows: dict[int, list[Runs]] = {}

    def use(self, view: View, book: LogBook) -> None:
        """Show another book from its newest line on."""
        self.view, self.book = view, book
        self.mark = self._cursor = self._top = None
        self.follows = True
        self.redraw()

    def redraw(self) -> None:
        """The look changed, or what is shown."""
        self._rows.clear()
        self.rebuild()

    @property
    def cursor(self) -> int:
        """Index of the line under the cursor; 0 without lines."""
        if self.follows or self._cursor is None:
            return max(0, len(self.view.shown) - 1)
        return self.view.at(self._cursor)

    @property
    def selected(self) -> Entry | None:
        """The line under the cursor."""
        return self.view.shown[self.cursor] if self.view.shown else None

    @property
    def marked(self) -> list[Entry]:
        """The range, or the line under the cursor."""
        chosen = self._range()
        return self.view.shown[chosen.start : chosen.stop]

    def lines(self, width: int) -> list[Runs]:
        """A page; at the end it is filled from below."""
        height, shown = self.size.height, self.view.shown
        if not shown or height < 1:
            self._owners = []
            return [*[()] * min(1, height), *[((f" {self.empty}", "muted"),)] * (height > 1), *[()] * (height - 2)]
        first, last = self._first(), self._last_page()
        page: list[Runs] = []
        owners: list[int] = []
        for index in range(min(first, last), len(shown)):
            rows = self._drawn(index)
            page += rows
            owners += [index] * len(rows)
            if len(page) >= height and first < last:
                break
        cut = slice(max(0, len(page) - height), None) if first >= last else slice(0, height)
        page, self._owners = page[cut], owners[cut]
        return [*self._with_margin(page), *[()] * (height - len(page))]

    def go(self, index: int) -> None:
        """Put the cursor on a line and bring it into view; that is no following."""
        if not self.view.shown:
            return
        index = max(0, min(len(self.view.shown) - 1, index))
        first = min(self._first(), self._last_page())
        self.follows = False
        self._cursor = self.view.shown[index].key
        top = (
            min(first, index)
            if index < first or index in self._owners[:-1]
            else max(first, self._page_up_to(index, whole=True))
        )
        self._top = self.view.shown[top].key
        self._moved()

    def move(self, by: int) -> None:
        """Move the cursor; at the newest line there is nothing below."""
        if not (self.follows and by > 0):
            self.go(self.cursor + by)

    def page(self, direction: int) -> None:
        """Move by what is visible."""
        self.move(direction * max(1, len(set(self._owners)) - 1))

    def follow(self) -> None:
        """Stay at the newest line."""
        self.follows = True
        self._moved()

    def scroll(self, by: int) -> None:
        """Move what is visible; the cursor goes along. Down to the end is following again."""
        last = self._last_page()
        first = max(0, min(self._first(), last) + by)
        if by > 0 and first >= last:
            self.follow()
        elif self.view.shown:
            inside = max(first, min(self.cursor, first + max(0, len(set(self._owners)) - 1)))
            self.follows = False
            self._top, self._cursor = self.view.shown[first].key, self.view.shown[inside].key
            self._moved()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Three lines up."""
        event.stop()
        self.scroll(-_WHEEL)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Three lines down."""
        event.stop()
        self.scroll(_WHEEL)

    def on_click(self, event: events.Click) -> None:
        """A click selects, a second one on the same line opens it."""
        if event.y < len(self._owners):
            again = event.chain > 1 and self._owners[event.y] == self.cursor
            self.go(self._owners[event.y])
            if again:
                self.post_message(self.Opened())

    def on_resize(self) -> None:
        """Lines are wrapped for a width."""
        self._rows.clear()
        super().on_resize()

    def _moved(self) -> None:
        self.rebuild()
        self.post_message(self.Moved())

    def _first(self) -> int:
        """Index of the first line of the page."""
        return self._last_page() if self.follows or self._top is None else self.view.at(self._top)

    def _last_page(self) -> int:
        """Index of the line with which the last page begins."""
        return self._page_up_to(max(0, len(self.view.shown) - 1))

    def _page_up_to(self, index: int, whole: bool = False) -> int:
        """Index of the first line of a page that ends with this one, maybe only if it is there as a `whole`."""
        room, end = self.size.height, index
        while index > 0 and (room := room - len(self._drawn(index))) > 0:
            index -= 1
        return index + (whole and room < 0 and index < end)

    def _drawn(self, index: int) -> list[Runs]:
        """The rows of a line, without the margin."""
        entry = self.view.shown[index]
        rows = self._rows.get(entry.number)
        if rows is None:
            if len(self._rows) > _CACHED:
                self._rows.clear()
            rows = logs.rows(entry, self.look, max(1, self.size.width - 1), self.book.is_old(entry))
            self._rows[entry.number] = rows
        return rows

    def _range(self) -> range:
        here = self.cursor
        there = here if self.mark is None else self.view.at(self.mark)
        return range(min(here, there), max(here, there) + 1)

    def _with_margin(self, page: list[Runs]) -> list[Runs]:
        """The cursor and the range stand in the margin."""
        chosen = self._range() if self.mark is not None or not self.follows else range(0)
        return [
            ((("▌", "cursor") if owner in chosen else _MARGIN), *row)
            for row, owner in zip(page, self._owners, strict=True)
        ]

    def is_selected(self, y: int) -> bool:
        """Whether the ground of the row is that of the cursor."""
        line: Any = self._lines[y] if y < len(self._lines) else ()
        return bool(line) and line[0][1] == "cursor"


class LogStatus(Lines):
    """The last line of the pane."""

    DEFAULT_CSS = "LogStatus { width: 100%; background: $background; }"
    state: State | None = None

    def show(self, state: State) -> None:
        """Tell this."""
        self.state = state
        self.rebuild()

    def lines(self, width: int) -> list[Runs]:
        """One line."""
        return [log_status.line(self.state, width) if self.state is not None else ()]
