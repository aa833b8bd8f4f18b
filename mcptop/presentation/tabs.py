"""The tables of the dashboard, one a tab: what each shows, in which order, and the line that names them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic

from msgspec import Struct

from mcptop.alerts.rules import SHIPPED
from mcptop.model.closeup import Aspect
from mcptop.presentation import event_rows, flow_rows, judgement, limit_rows, rows, runs
from mcptop.presentation.closeups.tables import TABLES
from mcptop.presentation.columns import SERVICES
from mcptop.presentation.event_rows import EVENTS
from mcptop.presentation.flow_columns import POOLS, QUEUES
from mcptop.presentation.flows import NO_FLOW
from mcptop.presentation.judgement import Judgement, Level
from mcptop.presentation.limit_columns import LIMITS
from mcptop.presentation.row import Row, View
from mcptop.presentation.runs import Runs
from mcptop.presentation.scene import Scene
from mcptop.presentation.sheet import R, Sheet


class Tab(Struct, Generic[R], frozen=True, eq=False):
    """One tab."""

    id: str
    key: str
    word: str
    short: str
    """Where the line has no room for the word."""
    says: str
    sheet: Sheet[R]
    sort: str
    """Column it is sorted by to begin with."""
    build: Callable[[Scene, View], Sequence[R]]
    """Its rows."""
    empty: str
    """What it says without rows."""
    is_tree: bool = False
    has_detail: bool = False
    """The selected row in full stands below the table."""
    aspect: Aspect | None = None
    """What of the service that was selected it looks at closely."""
    letters: tuple[str, ...] = ()
    """Other keys that show it."""
    is_log: bool = False
    """It shows the log of the service that was selected, and has no table."""

    @property
    def keys(self) -> str:
        """All keys that show it, with commas between them."""
        return ",".join((self.key, *self.letters))

    @property
    def of_one(self) -> bool:
        """It shows the service that was selected, not all of them."""
        return self.aspect is not None or self.is_log

    @property
    def binding(self) -> str:
        """Id of the action that shows it."""
        return f"dashboard.tab-{self.id}"


def _close_tab(aspect: Aspect, key: str, short: str, *letters: str) -> Tab[Any]:
    """The tab of a closeup: without one of its kind it has no rows yet."""
    table = TABLES[aspect]

    def build(scene: Scene, view: View) -> Sequence[Any]:
        if scene.closeup is None:
            return ()
        if table.judges:
            return table.build(scene.closeup, view, scene.frame.rules or SHIPPED)
        return table.build(scene.closeup, view, scene.reveal) if table.masks else table.build(scene.closeup, view)

    return Tab(aspect.value, key, table.word, short, table.says, table.sheet, table.sort, build, table.empty,
               is_tree=True, has_detail=True, aspect=aspect, letters=letters)  # fmt: skip


OVERVIEW: Tab[Any] = Tab(
    "overview", "1", "Overview", "Over", "every service", SERVICES, "cpu",
    lambda scene, view: rows.build(scene.services, view), "nothing to show", is_tree=True, has_detail=True,
)  # fmt: skip
TABS: tuple[Tab[Any], ...] = (
    OVERVIEW,
    Tab("pools", "2", "Pools", "Pool", "one line a connection pool", POOLS, "level",
        lambda scene, view: flow_rows.pools(scene.services, view), "no pool to show", has_detail=True),
    Tab("queues", "3", "Queues", "Queue", "one line a queue", QUEUES, "level",
        lambda scene, view: flow_rows.queues(scene.services, view), "no queue to show", has_detail=True),
    *(_close_tab(*words) for words in (
        (Aspect.PROCESSES, "4", "Proc"),
        (Aspect.SOCKETS, "5", "Sock"),
        (Aspect.FILES, "6", "File", "f"),
    )),
    Tab("logs", "7", "Logs", "Log", "what one service writes", Sheet(()), "", lambda scene, view: (), "", is_log=True,
        letters=("l",)),
    Tab("events", "8", "Events", "Event", "what happened: restarts, OOM kills, deploys, other limits", EVENTS, "time",
        event_rows.build, "nothing happened since mcptop began to look"),
    Tab("limits", "9", "Limits", "Limit", "limits against what was seen, and what they should be", LIMITS, "level",
        limit_rows.build, "no container, and no process of a project", has_detail=True),
    _close_tab(Aspect.INSPECT, "0", "Insp", "i"),
)  # fmt: skip

Trouble = dict[str, Level]
"""Tab -> the worst of its rows. How many is not said: one problem may be of many of them."""


def trouble(services: Sequence[Row]) -> Trouble:
    """Whether pools and queues need somebody; the services' problems stand above the table."""
    flows = [row.figures.flow for row in services if row.figures.flow is not NO_FLOW]
    pools = [judged for flow in flows for _, judged in flow.pools]
    queues = [judged for flow in flows for _, judged in flow.queues]
    return {"pools": _worst(pools), "queues": _worst(queues)}


Say = Callable[[Tab[Any]], str]


def pieces(chosen: str, trouble: Trouble, width: int, key: Say = lambda tab: tab.key) -> list[tuple[Runs, str]]:
    """Each tab as a piece of the line, with the action a click on it runs.

    Where there is no room, in short words, then closer together, then of all but the chosen one the key alone: one
    sees which tab it is and which ones need somebody. `key`: the one it has now.
    """
    words: tuple[Say, ...] = (
        lambda tab: f"{tab.word} ",
        lambda tab: f"{tab.short} ",
        lambda tab: tab.short,
        lambda tab: tab.short if tab.id == chosen else "",
    )
    for word in words:
        line = _line(chosen, trouble, key, word)
        if sum(runs.width(piece) for piece, _ in line) <= width:
            break
    return line


def _line(chosen: str, trouble: Trouble, key: Say, word: Say) -> list[tuple[Runs, str]]:
    return [
        (_piece(key(tab), word(tab), tab.id == chosen, trouble.get(tab.id, Level.OK)), f"screen.tab('{tab.id}')")
        for tab in TABS
    ]


def _piece(key: str, word: str, is_chosen: bool, worst: Level) -> Runs:
    """`word` ends with a space where there is room for one."""
    if is_chosen:
        name: Runs = ((f" {key} {word.rstrip()} ", "brand"),)
    else:
        name = ((f" {key} " if word else f" {key}", "key"), (word, "head.muted"))
    if worst < Level.WARNING:
        return name
    after = " " if word.endswith(" ") else ""
    return (*name, (f"{judgement.SYMBOLS[worst]}{after}", f"head.{judgement.STYLES[worst]}"))


def _worst(judgements: Sequence[Judgement]) -> Level:
    return max((judged.level for judged in judgements), default=Level.OK)
