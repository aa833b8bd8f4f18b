"""A frame as the rows of a tree table: groups, their services, and the instances of unfolded services.

Decides which rows there are, in which order, and what they are called; not what their cells look like.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from enum import IntEnum
from typing import Any

from msgspec import Struct

from mcptop.alerts.rules import SHIPPED
from mcptop.model.alert import Alert
from mcptop.model.frame import Frame, Service
from mcptop.model.instance import Instance
from mcptop.model.rule import RuleSet
from mcptop.model.value import Kind
from mcptop.presentation import figures, flows, replicas, severity, swarm
from mcptop.presentation.figures import Figures
from mcptop.presentation.filter import Filter, Subject
from mcptop.presentation.flows import NO_FLOW, Flow, Shown
from mcptop.presentation.judgement import Judged, Judgement
from mcptop.presentation.runs import safe
from mcptop.presentation.sheet import SortKey, ordered

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


def of_services(frame: Frame, shown: Shown | None = None) -> list[Row]:
    """One judged row a service: what both the table and the list of problems are made of."""
    judged, in_force = Judged(frame.alerts), frame.rules or SHIPPED
    return [_service_row(service, judged, shown, in_force) for service in frame.services]


def build(services: list[Row], view: View) -> list[Row]:
    """All rows, in the order of the table."""
    if view.filter:
        services = [row for row in services if _passes(row, view.filter, view.at)]
    if not view.tree:
        return [row for service in _sorted(services, view) for row in _with_instances(service, view)]
    return list(_tree(services, view))


def find(services: list[Row], key: str) -> Row | None:
    """The row of a service or of one instance, by its key; None when it is gone."""
    for row in services:
        assert row.service is not None
        if row.key == key:
            return row
        for instance in row.service.instances:
            if instance.id == key:
                return _instance_row(row, instance)
    return None


def group_of(service: Service) -> tuple[int, str]:
    """Rank and name of the group a service belongs to: projects first, then what has none."""
    if service.project:
        return 0, service.project
    return _RANKS[service.kind], service.group


def group_key(name: str) -> str:
    """Key of a group in the history."""
    return f"group:{name}"


def _tree(services: list[Row], view: View) -> Iterator[Row]:
    groups: dict[tuple[int, str], list[Row]] = {}
    for row in services:
        assert row.service is not None
        groups.setdefault(group_of(row.service), []).append(row)
    for (_, name), members in sorted(groups.items(), key=lambda item: item[0]):
        key = group_key(name)
        # The machine's own processes are background, unless there is nothing else to see.
        is_background = name == HOST_PROCESSES and len(groups) > 1
        is_open = bool(view.filter) or view.folds.is_open(key, default=not is_background)
        yield _group_row(key, name, members, folded=not is_open)
        if is_open:
            for row in _sorted(members, view):
                yield from _with_instances(row, view)


def _sorted(rows: list[Row], view: View) -> list[Row]:
    return ordered(rows, lambda row: row.name, view.sort, view.descending)


def _with_instances(row: Row, view: View) -> Iterator[Row]:
    service = row.service
    assert service is not None
    several = len(service.instances) > 1
    is_open = view.folds.is_open(row.key, default=several and service.kind is Kind.CONTAINER)
    if not several and not is_open:
        yield row
        return
    yield _folded(row, not is_open)
    if is_open:
        children = [_instance_row(row, instance) for instance in service.instances]
        yield from _sorted(children, view)


def _folded(row: Row, folded: bool) -> Row:
    return Row(
        row.key, row.depth, row.name, row.figures, row.judgement, row.state, row.replicas, row.desired, folded,
        row.project, row.service, row.instance, row.alerts, row.rules,
    )  # fmt: skip


def _group_row(key: str, name: str, members: list[Row], folded: bool) -> Row:
    return Row(
        key,
        Depth.GROUP,
        safe(name),
        figures.total([row.figures for row in members]),
        Judgement(max(row.judgement.level for row in members)),
        replicas=sum(row.replicas or 0 for row in members),
        desired=swarm.desired_of((row.replicas, row.desired) for row in members),
        folded=folded,
        rules=members[0].rules,
    )


def _service_row(service: Service, judged: Judged, shown: Shown | None, in_force: RuleSet) -> Row:
    instances = service.instances
    flow, alerts = flows.of_service(service, judged, shown), judged.of_service(service.key)
    return Row(
        service.key,
        Depth.SERVICE,
        safe(service.name),
        figures.of_service(service, flow),
        severity.of_service(service, alerts, flow),
        _state_of(instances),
        swarm.running(service),
        swarm.desired(service),
        None,
        safe(service.project or ""),
        service,
        instances[0] if len(instances) == 1 else None,
        alerts,
        in_force,
    )


def _instance_row(parent: Row, instance: Instance) -> Row:
    service = parent.service
    assert service is not None
    flow = flow_of(parent, instance)
    return Row(
        instance.id,
        Depth.INSTANCE,
        replicas.short(service, instance.name),
        figures.of_instance(instance, flow),
        severity.of_instance(instance, severity.own(service, instance, parent.alerts), flow),
        _state_of((instance,)), project=safe(service.project or ""),
        service=service, instance=instance, rules=parent.rules,
    )  # fmt: skip


def flow_of(row: Row, instance: Instance) -> Flow:
    """Pools and queues of one replica of a service's row; the only one has all of them."""
    return row.figures.flow if row.instance is not None else row.figures.flow.of_replica(instance.name)


def _state_of(instances: Iterable[Instance]) -> str:
    """One word for all: health while they run, otherwise what the worst of them does."""
    words = {_word(instance) for instance in instances}
    for word in ("unhealthy", "restarting", "dead", "exited", "paused", "created", "starting", "healthy"):
        if word in words:
            return word
    return safe(min(words), 12) if words else "gone"


def _word(instance: Instance) -> str:
    return (instance.health or "running") if instance.state == "running" else instance.state


def _passes(row: Row, wanted: Filter, at: datetime | None) -> bool:
    """Whether the service, or one of its instances, is what was asked for."""
    service = row.service
    assert service is not None
    words = words_of(row)
    names = [words["project"], service.name]
    whole = "\n".join([*names, *(instance.name for instance in service.instances)]).lower()
    if wanted.passes(Subject(whole, row.figures, words, at)):
        return True
    for instance in service.instances:
        flow = flow_of(row, instance)
        own = words | flow_words(flow) | words_of_instance(instance)
        parts = "\n".join([*names, instance.name]).lower()
        if wanted.passes(Subject(parts, figures.of_instance(instance, flow), own, at)):
            return True
    return False


def words_of(row: Row) -> dict[str, str]:
    """What is known of a service as a whole, for the filter; states and images are those of its instances."""
    service = row.service
    assert service is not None
    return flow_words(row.figures.flow) | {
        "kind": str(service.kind),
        "level": row.judgement.level.name.lower(),
        "project": (service.project or group_of(service)[1]).lower(),
        "service": service.name.lower(),
    }


def words_of_instance(instance: Instance) -> dict[str, str]:
    """What only one instance has, for the filter."""
    return {
        "state": instance.state,
        "health": instance.health or "none",
        "instance": instance.name.lower(),
        "image": (instance.image or "").lower(),
        "host": (instance.host or "").lower(),
    }


def flow_words(flow: Flow) -> dict[str, str]:
    """The names of pools and queues, for the filter."""
    if flow is NO_FLOW:
        return {}
    pools, queues = [pool for pool, _ in flow.pools], [queue for queue, _ in flow.queues]
    return {
        "pool": "\n".join(pool.name for pool in pools).lower(),
        "peer": "\n".join(pool.peer for pool in pools if pool.peer).lower(),
        "queue": "\n".join(queue.name for queue in queues).lower(),
        "source": "\n".join([*(pool.source for pool in pools), *(queue.source for queue in queues)]).lower(),
    }
