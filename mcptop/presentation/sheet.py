"""A table of columns, whatever its rows are: which columns fit, how wide they are, and its lines."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from mcptop import units
from mcptop.model.frame import Series
from mcptop.presentation import runs
from mcptop.presentation.runs import Run, Runs

NARROW, MAIN, WIDE = 80, 120, 200
"""Terminal widths that have a set of columns of their own."""
ON_REQUEST = 1 << 20
"""Wider than any terminal: a column that only who chose it sees."""


class Listed(Protocol):
    """What a table has to know of a row."""

    @property
    def key(self) -> str:
        """Stable across frames."""

    @property
    def name(self) -> str:
        """What it is called, safe to print."""

    @property
    def level_in_tree(self) -> int:
        """How far in the tree it stands; 0 is a heading."""

    @property
    def folded(self) -> bool | None:
        """None: there is nothing to fold."""

    @property
    def opens(self) -> str | None:
        """Key of the service or instance that has a screen of its own; None: there is nothing to open."""


class FlatRow(Struct, frozen=True, eq=False, kw_only=True):
    """A row with nothing above it and nothing below it."""

    key: str
    """Stable across frames; of what has a series in the history, that series' key."""

    @property
    def level_in_tree(self) -> int:
        """There is no heading above it."""
        return 1

    @property
    def folded(self) -> bool | None:
        """Nothing is below it."""
        return None


R = TypeVar("R")
SortKey = float | str | tuple[float, ...] | None


class Moment(Struct, frozen=True, eq=False):
    """What a cell needs besides its row."""

    at: datetime
    series: Series
    tree: bool = True
    cpus: int = 1
    """Of the machine: what a group can use at most."""


Cell = Callable[[R, int, Moment], Runs]


class Column(Struct, Generic[R], frozen=True, eq=False):
    """One column."""

    id: str
    title: str
    says: str
    """What it shows, for the help and the sort menu."""
    width: int
    cell: Callable[[R, int, Moment], Runs]
    fits: int = NARROW
    """The narrowest terminal that shows it."""
    sort: Callable[[R], SortKey] | None = None
    most: int = 0
    """How wide it may grow where there is room; 0: it does not."""
    align: str = "right"
    figure: int = 0
    """Width of the figure a drawing stands behind: there the title stands over the figure."""
    names: bool = False
    """It shows a name: sorted upwards first, and it takes all the room there is."""
    jumps: bool = False
    """Its figure differs from second to second: the order follows a smoothed one (`ranking`)."""
    has: Callable[[R], bool] | None = None
    """Whether a row has anything for it, or for its sum: a column that no row has is left out (`unused`)."""
    rare: bool = False
    """It is left out (or narrow) until a row has something; others show at first, as rates take a moment."""
    stays: bool = False
    """It is not left out then, but has no more than its least width."""


class Placed(Struct, Generic[R], frozen=True, eq=False):
    """A column with the width it got."""

    column: Column[R]
    width: int


class Sheet(Struct, Generic[R], frozen=True, eq=False):
    """The columns of one table, in order."""

    columns: tuple[Column[R], ...]
    grow: tuple[tuple[str, int], ...] = ()
    """Where room goes first: the steps by which columns get their comfortable width."""

    def column(self, id: str) -> Column[R]:
        """The column with this id; KeyError if there is none."""
        for column in self.columns:
            if column.id == id:
                return column
        raise KeyError(id)

    def chosen(self, ids: Sequence[str]) -> Sheet[R]:
        """The same table with these columns, in this order, at any width; ids it does not have are left out."""
        known = {column.id: column for column in self.columns}
        kept = tuple(replace(known[id], fits=0, has=None) for id in ids if id in known)
        return Sheet(kept, self.grow) if kept else self

    def place(self, width: int, unused: Collection[str] = ()) -> list[Placed[R]]:
        """The columns a terminal of this width shows, one cell between them; `unused` is what no row has."""
        shown = [
            column for column in self.columns if column.fits <= width and (column.stays or column.id not in unused)
        ]
        while len(shown) > 1 and _taken(shown) > width:
            shown.pop()
        widths = {column.id: column.width for column in shown}
        if len(shown) == 1:
            widths[shown[0].id] = max(1, width - 2)
        left = width - 1 - sum(room + 1 for room in widths.values())
        for id, comfortable in self.grow:
            # A drawing that is half there says nothing more: a step is taken whole or not at all.
            if id in widths and id not in unused and 0 < (more := comfortable - widths[id]) <= left:
                widths[id] += more
                left -= more
        for column in sorted(shown, key=lambda c: -c.most):
            more = min(left, max(0, column.most - widths[column.id]))
            if column.most and more > 0 and column.id not in unused:
                more = more if column.names else more * 2 // 3
                widths[column.id] += more
                left -= more
        return [Placed(column, widths[column.id]) for column in shown]


def heading(placed: Sequence[Placed[R]], sort: str, descending: bool) -> Runs:
    """The line above the rows; the sorted column is marked."""
    line: list[Run] = [(" ", "heading")]
    for item in placed:
        column = item.column
        chosen = column.id == sort
        title = column.title + (("▾" if descending else "▴") if chosen else "")
        if runs.cells(title) > item.width:
            title = title[-item.width :] if chosen else title[: item.width]
        align = column.align
        if column.figure and item.width >= 10:
            title, align = f"{title:>{column.figure}}", "left"
        line.append((runs.fit(title, item.width, align), "heading.sorted" if chosen else "heading"))
        line.append((" ", "heading"))
    return tuple(line)


def line(row: R, placed: Sequence[Placed[R]], moment: Moment) -> Runs:
    """One row of the table, without the margin for the cursor."""
    parts: list[Run] = []
    for item in placed:
        parts.extend(item.column.cell(row, item.width, moment))
        # The gap belongs to the cell before it: one run less to paint.
        text, style = parts[-1]
        parts[-1] = (text + " ", style) if not style.startswith("bar.") else (text, style)
    return tuple(parts)


def ordered(
    rows: Sequence[R], name: Callable[[R], str], value_of: Callable[[R], SortKey] | None, descending: bool
) -> list[R]:
    """The rows by value, equal ones by name."""
    by_name = sorted(rows, key=name)
    if value_of is None:
        return by_name
    known, unknown = [], []
    for row in by_name:
        value = value_of(row)
        if value is None:
            unknown.append(row)
        else:
            known.append((value, row))
    known.sort(key=lambda pair: pair[0], reverse=descending)
    # What is unknown stays at the end in both directions: it is neither the most nor the least.
    return [row for _, row in known] + unknown


def figure(
    value: Callable[[R], str], style: Callable[[R], str], align: str = "right"
) -> Callable[[R, int, Moment], Runs]:
    """A plain column; what is unknown is faint."""

    def cell(row: R, width: int, moment: Moment) -> Runs:
        text = value(row)
        return ((runs.fit(text, width, align), "dim" if text == units.UNKNOWN else style(row)),)

    return cell


def _taken(shown: Sequence[Column[R]]) -> int:
    return 1 + sum(column.width + 1 for column in shown)


def text_of(row: R, columns: Sheet[R], moment: Moment) -> str:
    """All columns of a row in one line of text; what it is called needs no title."""
    parts = []
    for item in columns.place(WIDE):
        text = runs.text_of(item.column.cell(row, item.width, moment)).strip()
        parts.append(text if item.column.id in ("name", "level", "service") else f"{item.column.title} {text}")
    return "  ".join(parts)
