"""What the rows of all closeups are, and what their tables have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from msgspec import Struct

from mcptop import units
from mcptop.model.closeup import Closeup
from mcptop.presentation import replicas, runs
from mcptop.presentation.figures import Figures
from mcptop.presentation.filter import Filter, Subject
from mcptop.presentation.judgement import FINE, STYLES, Judgement, Level
from mcptop.presentation.runs import Runs
from mcptop.presentation.sheet import Moment


class CloseRow(Struct, frozen=True, eq=False, kw_only=True):
    """One row of any closeup."""

    key: str
    """Stable from look to look."""
    name: str
    """What it is called, safe to print."""
    is_heading: bool = False
    level_in_tree: int = 1
    judgement: Judgement = FINE
    replica: str = ""
    """Short name of the instance it belongs to; empty where it belongs to none or to several."""

    @property
    def folded(self) -> bool | None:
        """Nothing is folded: who looks closely wants to see."""
        return None

    @property
    def opens(self) -> str | None:
        """It is the closest look there is."""
        return None


C = TypeVar("C", bound=CloseRow)


def passes(
    wanted: Filter,
    names: Iterable[str],
    figures: Figures,
    words: dict[str, str],
    level: Level,
    at: datetime | None = None,
) -> bool:
    """Whether the row stays; `at` is the time of the look, for what asks for an age."""
    if not wanted:
        return True
    lower = {name: word.lower() for name, word in words.items()} | {"level": level.name.lower()}
    return wanted.passes(Subject("\n".join(names).lower(), figures, lower, at))


def left(
    value: Callable[[C], str], style: str = "text", heading: Callable[[C], str] | None = None
) -> Callable[[C, int, Moment], Runs]:
    """A column of texts of which the beginning says most. A heading has its own text, or none."""

    def cell(row: C, width: int, moment: Moment) -> Runs:
        if row.is_heading:
            return ((runs.fit(heading(row) if heading is not None else "", width), "group"),)
        text = value(row)
        return ((runs.fit(text, width), "dim" if text == units.UNKNOWN else style),)

    return cell


def right(
    value: Callable[[C], str],
    style: Callable[[C], str] = lambda row: "text",
    heading: Callable[[C], str] | None = None,
) -> Callable[[C, int, Moment], Runs]:
    """A column of figures; that of a heading is a sum."""

    def cell(row: C, width: int, moment: Moment) -> Runs:
        if row.is_heading:
            return ((runs.fit(heading(row) if heading is not None else "", width, "right"), "muted"),)
        text = value(row)
        return ((runs.fit(text, width, "right"), "dim" if text == units.UNKNOWN else style(row)),)

    return cell


def ending(text: str, room: int) -> str:
    """The text in exactly `room` cells, cut at its beginning: paths and replicas differ by their ends."""
    if runs.cells(text) <= room:
        return runs.fit(text, room)
    kept = text[-room:]
    while kept and runs.cells(kept) > room - 1:
        kept = kept[1:]
    return runs.fit(f"…{kept}", room) if room > 0 else ""


def short_names(closeup: Closeup) -> dict[str, str]:
    """Instance -> what tells it from the others of its service."""
    return {name: replicas.differing(name, closeup.instances) for name in closeup.instances}


def instance_cell(row: CloseRow, width: int, moment: Moment) -> Runs:
    """Which replica a row belongs to."""
    return ((ending("" if row.is_heading else row.replica, width), "muted"),)


def symbol_cell(row: CloseRow, width: int, moment: Moment) -> Runs:
    """What needs somebody has a symbol; all the rest has none, for a column of dots says nothing."""
    if row.judgement.level < Level.WARNING:
        return ((" " * width, "text"),)
    return ((runs.fit(row.judgement.symbol, width), row.judgement.style),)


def bad(is_bad: Callable[[C], bool], otherwise: str = "text") -> Callable[[C], str]:
    """The colour of the row's level where this figure is what is bad."""
    return lambda row: (
        STYLES[row.judgement.level] if row.judgement.level >= Level.WARNING and is_bad(row) else otherwise
    )


def rank(row: CloseRow) -> float:
    """Worst first."""
    return float(row.judgement.level)


def total(values: Iterable[float | None]) -> float | None:
    """The sum of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def whole(values: Iterable[int | None]) -> int | None:
    """As `total`, of what is counted."""
    found = total(values)
    return None if found is None else int(found)
