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
    worst_first = sorted(budgets, key=lambda budget: (not budget.exceeded, budget.server))
    return [runs.clip(line(budget, min(_NAME, width // 4)), width) for budget in worst_first[:most]]


def line(budget: Budget, room: int) -> Runs:
    """The server in `room` cells, the sum, and where its limit comes from."""
    level = Level.WARNING if budget.exceeded else Level.OK
    symbol = judgement.SYMBOLS[Level.UNKNOWN if budget.exceeded is None else level]
    tone = judgement.STYLES[level] if budget.exceeded else "muted"
    parts: list[Run] = [
        (f" {symbol} ", tone if budget.exceeded is None else judgement.STYLES[level]),
        (runs.fit(safe(budget.server), room), "strong"),
        (f" {safe(budget.says)}", tone),
    ]
    if budget.allowed_says:
        parts.append((f"  ({safe(budget.allowed_says)})", "dim"))
    return tuple(parts)
