"""The problems of a frame as lines of text, worst first."""

from __future__ import annotations

from collections.abc import Sequence

from mcptop.presentation import runs
from mcptop.presentation.rows import Row
from mcptop.presentation.runs import Run, Runs

_NAME = 20


def lines(rows: Sequence[Row], width: int, most: int) -> list[Runs]:
    """One line a problem; the last one counts the rest when there are more than fit."""
    shown = rows if len(rows) <= most else rows[: most - 1]
    found = [_line(row, width) for row in shown]
    if len(rows) > len(shown) and most > 0:
        found.append(((runs.fit(f"   and {len(rows) - len(shown)} more", width), "dim"),))
    return found


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
