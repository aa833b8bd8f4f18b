"""The user's own rules: a figure of an instance, pool, queue, disk or the host that is above or below a threshold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from mcptop.alerts import figures
from mcptop.alerts.finding import Finding, Look
from mcptop.alerts.globs import matches
from mcptop.model.frame import Service, pool_key, queue_key
from mcptop.model.host import Host
from mcptop.model.rule import OwnRule
from mcptop.units import plain

_MOST_KNOWN = 2000


class _Condition(NamedTuple):
    own: OwnRule
    read: Callable[[Any], float | None]


class Conditions:
    """All own rules."""

    def __init__(self, own: Iterable[OwnRule]) -> None:
        every = [_Condition(each, figures.reader(each.figure)) for each in own]
        self._of_host = [each for each in every if each.own.of == "host"]
        self._of_disk = [each for each in every if each.own.of == "disk"]
        self._rest = [each for each in every if each.own.of not in ("host", "disk")]
        self._known: dict[str, list[_Condition]] = {}
        """Key of a service -> the rules that are about it."""

    def of_service(self, service: Service, look: Look) -> list[Finding]:
        """What holds of its instances, pools and queues."""
        if not self._rest:
            return []
        found = []
        for condition in self._about(service):
            for subject, name, instance, thing in _things(service, condition.own.of):
                finding = _judge(condition, subject, name, thing, look, instance)
                if finding is not None:
                    found.append(finding)
        return found

    def of_host(self, host: Host, look: Look, subject: str = "host") -> Iterator[Finding]:
        """What holds of the machine and its disks."""
        for condition in self._of_host:
            if (finding := _judge(condition, subject, "", host, look)) is not None:
                yield finding
        for condition in self._of_disk:
            for disk in host.disks:
                finding = _judge(condition, disk.key, f"{plain(disk.mount, 40)} ", disk, look)
                if finding is not None:
                    yield finding

    def _about(self, service: Service) -> list[_Condition]:
        key = service.key
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            found = self._known[key] = [
                each for each in self._rest
                if each.own.service is None or matches(each.own.service, service.project, service.name)
            ]  # fmt: skip
        return found


def _things(service: Service, of: str) -> Iterator[tuple[str, str, str | None, Any]]:
    """Subject, how the sentence begins, replica, and what has the figure."""
    if of == "instance":
        for instance in service.instances:
            yield instance.id, "", instance.name, instance
    elif of == "pool":
        for pool in service.pools:
            yield pool_key(service, pool), f"{plain(pool.name, 40)} pool: ", pool.instance, pool
    else:
        for queue in service.queues:
            yield queue_key(service, queue), f"{plain(queue.name, 40)} queue: ", queue.instance, queue


def _judge(
    condition: _Condition, subject: str, name: str, thing: Any, look: Look, instance: str | None = None
) -> Finding | None:
    own, value = condition.own, condition.read(thing)
    rule = own.rule
    severity = rule.judge(value, look.held(rule, subject))
    if severity is None or value is None:
        return None
    threshold = rule.threshold(severity)
    than = f", {'at most' if rule.is_below else 'at least'} {figures.text(threshold or 0.0, rule.unit)}"
    figure = f"{own.figure} is {figures.text(value, rule.unit)}"
    says = f"{name}{own.says}: {figure}" if own.says else f"{name}{figure}{than}"
    return Finding(rule, subject, severity, plain(says), value, threshold, instance)
