"""What a row of a table is, how it is looked at, and which heading it stands under."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import IntEnum
from typing import Any

from msgspec import Struct

from mcptop.alerts.rules import SHIPPED
from mcptop.model.alert import Alert
from mcptop.model.frame import Service
from mcptop.model.instance import Instance
from mcptop.model.rule import RuleSet
from mcptop.model.value import Kind
from mcptop.presentation.figures import Figures
from mcptop.presentation.filter import Filter
from mcptop.presentation.flows import Flow
from mcptop.presentation.judgement import Judgement
from mcptop.presentation.sheet import SortKey

HOST_PROCESSES = "host processes"
_RANKS = {Kind.CONTAINER: 1, Kind.SERVER: 2, Kind.PROCESS: 3}


class Depth(IntEnum):
    """How far in the tree a row stands."""

    GROUP = 0
    SERVICE = 1
    INSTANCE = 2


class Row(Struct, frozen=True, eq=False):
    """One row: names that are safe to print, figures, and a judgement."""

    key: str
    """Stable across frames, and the key of the row's series in the history."""
    depth: Depth
    name: str
    figures: Figures
    judgement: Judgement
    state: str = ""
    replicas: int | None = None
    desired: int | None = None
    """How many replicas Swarm shall run; None where that is as many as run, or nobody knows."""
    folded: bool | None = None
    """None: there is nothing to fold."""
    project: str = ""
    service: Service | None = None
    instance: Instance | None = None
    """Of an instance row, and of a service with one instance."""
    alerts: Sequence[Alert] = ()
    """Of a service: everything that is wrong with it, worst first."""
    rules: RuleSet = SHIPPED
    """Those of the frame."""

    @property
    def level_in_tree(self) -> int:
        """Its depth, for a table of whatever rows."""
        return int(self.depth)

    @property
    def opens(self) -> str | None:
        """A group has nothing but its rows."""
        return None if self.depth is Depth.GROUP else self.key


class Folds(Struct, frozen=True):
    """Which rows were opened and closed by hand; all others follow their default."""

    opened: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()

    def is_open(self, key: str, default: bool) -> bool:
        """Whether the row shows what is below it."""
        return key in self.opened or (default and key not in self.closed)

    def turned(self, key: str, is_open: bool) -> Folds:
        """The same folds with one row opened or closed."""
        if is_open:
            return Folds(self.opened | {key}, self.closed - {key})
        return Folds(self.opened - {key}, self.closed | {key})


class View(Struct, frozen=True, eq=False):
    """What the reader asked for."""

    sort: Callable[[Any], SortKey] | None = None
    """Of the rows of the table that is shown."""
    descending: bool = True
    filter: Filter = Filter()
    folds: Folds = Folds()
    tree: bool = True
    at: datetime | None = None
    """Time of the frame."""


def group_of(service: Service) -> tuple[int, str]:
    """Rank and name of the group a service belongs to: projects first, then what has none."""
    if service.project:
        return 0, service.project
    return _RANKS[service.kind], service.group


def group_key(name: str) -> str:
    """Key of a group in the history."""
    return f"group:{name}"


def flow_of(row: Row, instance: Instance) -> Flow:
    """Pools and queues of one replica of a service's row; the only one has all of them."""
    return row.figures.flow if row.instance is not None else row.figures.flow.of_replica(instance.name)
