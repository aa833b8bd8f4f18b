"""The problems of a frame as lines of text, worst first."""

from __future__ import annotations

from collections.abc import Sequence

from mcptop.presentation import runs
from mcptop.presentation.rows import Row
from mcptop.presentation.runs import Run, Runs

_NAME = 20
_HINT: Run = (" ⏎ diagnose ", "accent")


def shown(count: int, most: int, cursor: int | None) -> range:
    """Which of so many problems have a line. Without a cursor the worst, and a line that counts the rest; with one,
    as many as fit, the selected one among them."""
    if cursor is None:
        return range(count if count <= most else max(0, most - 1))
    first = max(0, min(cursor - most + 1, count - most))
    return range(first, min(count, first + most))


def lines(rows: Sequence[Row], width: int, most: int, cursor: int | None = None) -> list[Runs]:
    """One line a problem."""
    places = shown(len(rows), most, cursor)
    found = [_selected(rows[at], width) if at == cursor else _line(rows[at], width) for at in places]
    if cursor is None and len(rows) > len(places) and most > 0:
        found.append(((runs.fit(f"   and {len(rows) - len(places)} more", width), "dim"),))
    return found


def _selected(row: Row, width: int) -> Runs:
    """With the cursor, and what Enter does."""
    _, *rest = _line(row, width - runs.width((_HINT,)) - 1)
    left = (("▌", "cursor"), (f"{row.judgement.symbol} ", row.judgement.style), *rest)
    return runs.spread(left, (_HINT,), width)


def _line(row: Row, width: int) -> Runs:
    judgement = row.judgement
    first, *others = judgement.reasons or ("",)
    parts: list[Run] = [
        (f" {judgement.symbol} ", judgement.style),
        (runs.fit(row.name, min(_NAME, width // 3)), "strong"),
        (f" {first}", judgement.style),
    ]
    parts += [(f"; {reason}", "muted") for reason in others]
    return runs.clip(parts, width)
