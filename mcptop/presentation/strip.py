"""The problems as lines: one each, figures marked, and on the right since when, the playbook and the key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mcptop import units
from mcptop.presentation import judgement, runs
from mcptop.presentation.problems import Trouble
from mcptop.presentation.runs import Run, Runs
from mcptop.presentation.verdict.wrap import wrap
from mcptop.verdicts import words

Line = tuple[Runs, int | None]
"""A line and which problem it is of; None: it counts the rest."""
_NAME, _SINCE, _PLAYBOOK = 20, 8, 17
_LEAST = 64
"""Cells for what is wrong; below it the right side gives up one part after the other."""
_DIAGNOSE, _EXPLAIN = " ⏎ diagnose ", " ⏎ explain  "
_INDENT = "    "
_MORE_LINES = 4
"""So many beside its own has the selected problem for its whole text."""


def lines(troubles: Sequence[Trouble], at: datetime, width: int, most: int, cursor: int | None = None) -> list[Line]:
    """One line a problem at the time `at`; with a cursor the whole text of the selected one below it."""
    places = _shown(len(troubles), most, cursor)
    found: list[Line] = []
    for place in places:
        is_selected = place == cursor
        found.append((_line(troubles[place], at, width, is_selected), place))
        if is_selected:
            found += [(line, place) for line in _whole(troubles[place], at, width)]
    if cursor is None and len(troubles) > len(places) and most > 1:
        found.append((((runs.fit(f"   and {len(troubles) - len(places)} more", width), "dim"),), None))
    return found


def _shown(count: int, most: int, cursor: int | None) -> range:
    """Which of so many problems have a line. Without a cursor the worst, and a line that counts the rest; with one,
    as many as fit, the selected one among them."""
    if cursor is None:
        # A line that only counts says less than the worst one.
        return range(count if count <= most else min(most, max(1, most - 1)))
    first = max(0, min(cursor - most + 1, count - most))
    return range(first, min(count, first + most))


def _line(trouble: Trouble, at: datetime, width: int, is_selected: bool) -> Runs:
    right = _right(trouble, at, width, is_selected)
    room = width - runs.width(right)
    left = runs.clip((*_head(trouble, width, is_selected), *_says(trouble)), max(0, room - bool(right)))
    return runs.spread(left, right, width) if right else left


def _head(trouble: Trouble, width: int, is_selected: bool) -> Runs:
    style = judgement.STYLES[trouble.level]
    mark: Run = ("▌", "cursor") if is_selected else (" ", "text")
    return (
        mark,
        (f"{judgement.SYMBOLS[trouble.level]} ", style),
        (runs.fit(trouble.name, min(_NAME, width // 4)), "strong"),
        (" ", "text"),
    )


def _says(trouble: Trouble) -> list[Run]:
    figure = f"{judgement.STYLES[trouble.level]}.strong"
    found = [(piece.text, figure if piece.role == "figure" else "text") for piece in words.sentence(trouble.says)]
    return [*found, *((f"; {more}", "muted") for more in trouble.more)]


def _right(trouble: Trouble, at: datetime, width: int, is_selected: bool) -> Runs:
    """Since when, the playbook, the key: as many as there is room for, the last ones going first."""
    since = "≥" * trouble.is_older + units.about((at - trouble.since).total_seconds())
    parts: list[Run] = [
        (f" {runs.fit(since, _SINCE - 1, 'right')}", "muted"),
        (f"  {runs.fit(trouble.playbook, _PLAYBOOK - 2)}", "accent"),
        (_DIAGNOSE if trouble.can_be_diagnosed else _EXPLAIN, "accent" if is_selected else "dim"),
    ]
    while parts and runs.width(parts) > width - _LEAST:
        parts.pop()
    return tuple(parts)


def _whole(trouble: Trouble, at: datetime, width: int) -> list[Runs]:
    """Everything about a problem, in lines, where its own line could not say it."""
    room = width - runs.width(_right(trouble, at, width, True)) - 1
    says = _says(trouble)
    if runs.width((*_head(trouble, width, True), *says)) <= room:
        return []
    found = wrap(says, width - len(_INDENT) - 1)
    if len(found) > _MORE_LINES:
        found = [*found[: _MORE_LINES - 1], runs.clip((*found[_MORE_LINES - 1], (" " * width, "text")), width - 5)]
    return [runs.clip(((_INDENT, "text"), *line), width) for line in found]
