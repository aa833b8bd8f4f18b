"""Whether the pools of a server's clients fit into what it allows, a line a server with the sum written out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from mcptop.model.flow import Budget
from mcptop.presentation import judgement, runs
from mcptop.presentation.judgement import Level
from mcptop.presentation.runs import Run, Runs, safe

_NAME = 20


def lines(budgets: Sequence[Budget], width: int, most: int) -> list[Runs]:
    """One line a server, the exceeded ones first; at most `most`."""
    shown = sorted(budgets, key=lambda budget: (not budget.exceeded, budget.server))[:most]
    alike = Counter(budget.server for budget in budgets)
    names = [
        safe(f"{budget.project}/{budget.server}" if budget.project and alike[budget.server] > 1 else budget.server)
        for budget in shown
    ]
    room = min(_NAME, width // 4, max(map(runs.cells, names), default=0))
    return [runs.clip(_line(budget, name, room), width) for budget, name in zip(shown, names, strict=True)]


def _line(budget: Budget, name: str, room: int) -> Runs:
    level = Level.WARNING if budget.exceeded else Level.UNKNOWN if budget.exceeded is None else Level.OK
    parts: list[Run] = [
        (f" {judgement.SYMBOLS[level]} ", judgement.STYLES[level]),
        (runs.fit(name, room), "strong"),
        (f"  {safe(budget.says)}", judgement.STYLES[level] if budget.exceeded else "muted"),
    ]
    if budget.allowed_says:
        parts.append((f"  ({safe(budget.allowed_says)})", "dim"))
    return tuple(parts)
