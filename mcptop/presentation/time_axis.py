"""The line below a chart: how far back it goes, what happened when, and where the reader stands in time."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from mcptop import units
from mcptop.model.event import Event, EventKind
from mcptop.presentation.runs import Run

_WORDS = {
    EventKind.STARTED: ("▸", "start"),
    EventKind.STOPPED: ("■", "stop"),
    EventKind.RESTARTED: ("↻", "restart"),
    EventKind.DEPLOYED: ("⇡", "deploy"),
    EventKind.OOM_KILL: ("✖", "OOM kill"),
    EventKind.LIMIT: ("≡", "limit"),
}
_RANK = list(_WORDS)


class Mark(Struct, frozen=True, eq=False):
    """Something that happened so many seconds before the right end of the chart."""

    age_s: float
    symbol: str
    word: str
    style: str
    rank: int = 0
    """Of two in one cell the higher stays."""


def marks(events: Sequence[Event], now: float) -> tuple[Mark, ...]:
    """Those that belong on a chart which ends at `now` (Unix seconds)."""
    return tuple(
        Mark(now - event.at.timestamp(), *_WORDS[event.kind], _style(event), _RANK.index(event.kind))
        for event in events
        if event.kind in _WORDS
    )


def column(age_s: float, window_s: float, columns: int) -> int | None:
    """The cell of a moment in a plot of `columns` cells; None where it lies outside."""
    at = columns - 1 - int(age_s / window_s * columns)
    return at if 0 <= at < columns and age_s >= 0 else None


def line(window_s: float, columns: int, placed: Sequence[Mark], cursor_s: float | None) -> list[Run]:
    """Exactly `columns` cells."""
    cells: list[tuple[str, str]] = [(" ", "dim")] * columns
    at = {place: mark for mark in sorted(placed, key=lambda m: m.rank)
          if (place := column(mark.age_s, window_s, columns)) is not None}  # fmt: skip
    for place, mark in at.items():
        _write(cells, place, mark.symbol, mark.style)
    if cursor_s is not None and (place := column(cursor_s, window_s, columns)) is not None:
        cells[place] = ("▲", "accent.strong")
    for place, mark in at.items():
        _write(cells, place + 1, f" {mark.word}", mark.style, gap=1)
    # What happened goes before how long ago that was.
    middle = f"-{_span(window_s / 2)}"
    for start, label in ((columns - 3, "now"), (0, f"-{_span(window_s)}"), (columns // 2 - len(middle) // 2, middle)):
        _write(cells, start, label, "dim", before=1)
    return merged(cells)


def _write(cells: list[tuple[str, str]], start: int, text: str, style: str, gap: int = 0, before: int = 0) -> None:
    """Where nothing stands yet, and so many cells are free behind and before it; otherwise not at all."""
    end = start + len(text)
    if end <= len(cells) and all(letter == " " for letter, _ in cells[max(0, start - before) : end + gap]):
        cells[start:end] = [(letter, style) for letter in text]


def merged(cells: Sequence[tuple[str, str]]) -> list[Run]:
    merged: list[Run] = []
    for letter, style in cells:
        if merged and merged[-1][1] == style:
            merged[-1] = (merged[-1][0] + letter, style)
        else:
            merged.append((letter, style))
    return merged


def _style(event: Event) -> str:
    if event.kind is EventKind.OOM_KILL:
        return "critical"
    return "warning" if event.bad or event.kind is EventKind.RESTARTED else "accent"


def _span(seconds: float) -> str:
    return units.duration(seconds).replace(".0s", "s") if seconds >= 10 else f"{seconds:g}s"
