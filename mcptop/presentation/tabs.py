"""The tables of the dashboard, one a tab: what each shows, in which order, and the line that names them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic

from msgspec import Struct

from mcptop.presentation import flow_rows, judgement, rows
from mcptop.presentation.columns import SERVICES
from mcptop.presentation.flow_columns import POOLS, QUEUES
from mcptop.presentation.flows import NO_FLOW
from mcptop.presentation.judgement import Judgement, Level
from mcptop.presentation.rows import Row, View
from mcptop.presentation.runs import Runs
from mcptop.presentation.sheet import R, Sheet


class Tab(Struct, Generic[R], frozen=True, eq=False):
    """One tab."""

    id: str
    key: str
    word: str
    says: str
    sheet: Sheet[R]
    sort: str
    """Column it is sorted by to begin with."""
    build: Callable[[list[Row], View], Sequence[R]]
    """Its rows, from those of the services."""
    empty: str
    """What it says without rows."""
    is_tree: bool = False


OVERVIEW: Tab[Any] = Tab("overview", "1", "Overview", "every service", SERVICES, "cpu", rows.build,
                         "nothing to show", True)  # fmt: skip
TABS: tuple[Tab[Any], ...] = (
    OVERVIEW,
    Tab("pools", "2", "Pools", "one line a connection pool", POOLS, "level", flow_rows.pools, "no pool to show"),
    Tab("queues", "3", "Queues", "one line a queue", QUEUES, "level", flow_rows.queues, "no queue to show"),
)

Trouble = dict[str, tuple[int, Level]]
"""Tab -> how many of its rows need somebody, and the worst of them."""


def trouble(services: Sequence[Row]) -> Trouble:
    """How many pools and queues need somebody; the services' problems stand above the table."""
    flows = [row.figures.flow for row in services if row.figures.flow is not NO_FLOW]
    pools = [judged for flow in flows for _, judged in flow.pools]
    queues = [judged for flow in flows for _, judged in flow.queues]
    return {"pools": _count(pools), "queues": _count(queues)}


def pieces(chosen: str, counts: Trouble) -> list[tuple[Runs, str]]:
    """Each tab as a piece of the line, with the action a click on it runs."""
    return [(_piece(tab, tab.id == chosen, *counts.get(tab.id, (0, Level.OK))), _action(tab)) for tab in TABS]


def _action(tab: Tab[Any]) -> str:
    return f"screen.tab('{tab.id}')"


def _piece(tab: Tab[Any], is_chosen: bool, count: int, worst: Level) -> Runs:
    if is_chosen:
        name: Runs = ((f" {tab.key} {tab.word} ", "brand"),)
    else:
        name = ((f" {tab.key} ", "key"), (f"{tab.word} ", "head.muted"))
    if not count:
        return (*name, (" ", "head"))
    return (*name, (f"{judgement.SYMBOLS[worst]}{count} ", f"head.{judgement.STYLES[worst]}"), (" ", "head"))


def _count(judgements: Sequence[Judgement]) -> tuple[int, Level]:
    bad = [judged.level for judged in judgements if judged.level >= Level.WARNING]
    return len(bad), max(bad, default=Level.OK)
