"""Whether the pools of a server's clients fit into what it allows, a line a server with the sum written out."""

from __future__ import annotations

from collections.abc import Sequence

from mcptop.model.flow import Budget
from mcptop.presentation import judgement, runs
from mcptop.presentation.judgement import Level
from mcptop.presentation.runs import Run, Runs, safe

_NAME = 20


def lines(budgets: Sequence[Budget], width: int, most: int) -> list[Runs]:
    """One line a server, the exceeded ones first; at most `most`."""
    shown = sorted(budgets, key=lambda budget: (not budget.exceeded, budget.server))[:most]
    room = min(_NAME, width // 4, max((runs.cells(safe(budget.server)) for budget in shown), default=0))
    return [runs.clip(_line(budget, room), width) for budget in shown]


def _line(budget: Budget, room: int) -> Runs:
    level = Level.WARNING if budget.exceeded else Level.UNKNOWN if budget.exceeded is None else Level.OK
    parts: list[Run] = [
        (f" {judgement.SYMBOLS[level]} ", judgement.STYLES[level]),
        (runs.fit(safe(budget.server), room), "strong"),
        (f"  {safe(budget.says)}", judgement.STYLES[level] if budget.exceeded else "muted"),
    ]
    if budget.allowed_says:
        parts.append((f"  ({safe(budget.allowed_says)})", "dim"))
    return tuple(parts)
