"""Where an autoscaler would go, and how long it would take, if what its metrics ask for stayed as it is."""

from __future__ import annotations

from mcptop.analysis import hpa
from mcptop.analysis.hpa_metrics import Proposed

_MOST_S = 3600.0


def course(
    current: int, number: int, behavior: hpa.Behavior = hpa.DEFAULT, *, least: int = 1, most: int = 10
) -> tuple[tuple[float, int], ...]:
    """(seconds from now, replicas) of each change, the last one where it ends. Empty: nothing would change."""
    asked = (Proposed(number, ""),)
    changes: list[tuple[float, int]] = []
    past, now = hpa.EMPTY, 0.0
    while now <= _MOST_S and current:
        decided = hpa.wanted(current, asked, behavior, past, now, least=least, most=most)
        past = decided.past
        if decided.replicas != current:
            past = hpa.scaled(past, behavior, now, current, decided.replicas)
            changes.append((now, decided.replicas))
            current = decided.replicas
        now += hpa.LOOP_S
    return tuple(changes)
