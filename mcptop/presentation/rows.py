"""A frame as the rows of a tree table: groups, their services, and the instances of unfolded services.

Decides which rows there are, in which order, and what they are called; not what their cells look like.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mcptop.alerts.rules import SHIPPED
from mcptop.model.frame import Frame, Service
from mcptop.model.instance import Instance
from mcptop.model.rule import RuleSet
from mcptop.model.value import Kind
from mcptop.presentation import figures, flows, replicas, row_filter, severity, swarm
from mcptop.presentation.flows import Shown
from mcptop.presentation.judgement import Judged, Judgement
from mcptop.presentation.row import HOST_PROCESSES, Depth, Row, View, flow_of, group_key, group_of
from mcptop.presentation.runs import safe
from mcptop.presentation.sheet import ordered


def of_services(frame: Frame, shown: Shown | None = None) -> list[Row]:
    """One judged row a service: what both the table and the list of problems are made of."""
    judged, in_force = Judged(frame.alerts), frame.rules or SHIPPED
    return [_service_row(service, judged, shown, in_force) for service in frame.services]


def build(services: list[Row], view: View) -> list[Row]:
    """All rows, in the order of the table."""
    if view.filter:
        services = [row for row in services if row_filter.passes(row, view.filter, view.at)]
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


def _state_of(instances: Iterable[Instance]) -> str:
    """One word for all: health while they run, otherwise what the worst of them does."""
    words = {_word(instance) for instance in instances}
    for word in ("unhealthy", "restarting", "dead", "exited", "paused", "created", "starting", "healthy"):
        if word in words:
            return word
    return safe(min(words), 12) if words else "gone"


def _word(instance: Instance) -> str:
    return (instance.health or "running") if instance.state == "running" else instance.state
