"""Frames to alerts, one after the other: what is wrong, since when, worst first.

The monitor is its only caller. A service that is the same object as in the frame before is not looked at again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from mcptop.alerts import machine, pools, rules, swarm
from mcptop.alerts.finding import Finding, Key, Look
from mcptop.alerts.machine import Disks
from mcptop.alerts.ranking import rank
from mcptop.alerts.services import Services
from mcptop.model.alert import Alert
from mcptop.model.frame import Frame, Service
from mcptop.model.playbook import Severity
from mcptop.model.value import Kind

_FORGET_S = 60.0


class _Judged:
    """A service and what was found."""

    __slots__ = ("found", "service", "until")

    def __init__(self, service: Service, found: list[Finding], until: float) -> None:
        self.service = service
        self.found = found
        self.until = until


class _Standing:
    """An alert that stands, and when it held last."""

    __slots__ = ("alert", "bad_at", "seen_at", "service")

    def __init__(self, service: Service | None, alert: Alert, now: float) -> None:
        self.service = service
        self.alert = alert
        self.seen_at = self.bad_at = now


class Evaluator:
    """Turns one frame after the other into alerts."""

    def __init__(self, own_pid: int | None = None) -> None:
        """`own_pid` is mcptop's, where it looks at itself."""
        self._own_pid = own_pid
        self._services = Services()
        self._disks = Disks()
        self._judged: dict[int, _Judged] = {}
        self._standing: dict[Key, _Standing] = {}
        self._held: dict[Key, Severity] = {}
        self._alerts: tuple[Alert, ...] = ()
        self._forget_at = 0.0

    def alerts(self, frame: Frame) -> tuple[Alert, ...]:
        """Of this frame, worst first; the same object while nothing changes. Does not read `frame.alerts`."""
        wall = frame.at.timestamp()
        now = wall if frame.monotonic is None else frame.monotonic
        look = Look(now, wall, frame.interval_s, frame.series, self._held, self._own_pid)
        has_changed = False
        for finding, service in self._found(frame, look):
            has_changed = self._stand(finding, service, frame.at, now) or has_changed
        if self._drop(frame, now) or has_changed:
            self._held = {key: one.alert.severity for key, one in self._standing.items()}
            present = [one.alert for one in self._standing.values()]
            self._alerts = tuple(sorted(present, key=rank))
        return self._alerts

    def _found(self, frame: Frame, look: Look) -> Iterator[tuple[Finding, Service | None]]:
        self._judge_services(frame.services, look)
        for judged in self._judged.values():
            if judged.found:
                for finding in judged.found:
                    yield finding, judged.service
        for budget in frame.budgets:
            exceeded = pools.of_budget(budget)
            if exceeded is not None:
                yield exceeded, next((s for s in frame.services if s.key == budget.service), None)
        if frame.host is not None:
            for finding in self._disks.judge(frame.host, look):
                yield finding, None
            for finding in machine.pressed(frame.host, look):
                yield finding, None
        for finding in swarm.nodes_down(frame.nodes):
            yield finding, None
        for finding in machine.broken(frame.sources):
            yield finding, None

    def _judge_services(self, services: tuple[Service, ...], look: Look) -> None:
        before, now = self._judged, look.now
        judged = {}
        for service in services:
            known = before.get(id(service))
            if known is None or now >= known.until:
                known = _Judged(service, *self._services.judge(service, look))
            judged[id(service)] = known
        self._judged = judged
        if now >= self._forget_at:
            self._forget_at = now + _FORGET_S
            self._services.forget(services)

    def _stand(self, finding: Finding, service: Service | None, at: datetime, now: float) -> bool:
        """Whether this is news."""
        key = finding.rule.id, finding.subject
        standing = self._standing.get(key)
        if standing is None:
            self._standing[key] = _Standing(service, _alert(finding, service, at, finding.severity), now)
            return True
        standing.seen_at = now
        severity = standing.alert.severity
        if finding.severity is severity or finding.severity is Severity.CRITICAL:
            severity, standing.bad_at = finding.severity, now
        elif now - standing.bad_at > finding.rule.keep_s:
            severity = finding.severity
        is_same = severity is standing.alert.severity and _says_the_same(finding, standing.alert)
        standing.service = service
        if not is_same:
            before = standing.alert
            standing.alert = _alert(finding, service, before.since, severity, before.peer)
        return not is_same

    def _drop(self, frame: Frame, now: float) -> bool:
        """Let go of what has not held for some seconds, and of what has no service any more. Whether there was any."""
        absent = [(key, one) for key, one in self._standing.items() if one.seen_at != now]
        if not absent:
            return False
        present = {service.key for service in frame.services}
        over = [
            key
            for key, one in absent
            if abs(now - one.seen_at) > rules.BY_ID[one.alert.rule].keep_s
            or (one.service is not None and one.service.key not in present)
        ]
        for key in over:
            del self._standing[key]
        return bool(over)


def _says_the_same(finding: Finding, alert: Alert) -> bool:
    return (finding.says, finding.value, finding.left_s) == (alert.says, alert.value, alert.left_s)


def _alert(
    finding: Finding, service: Service | None, since: datetime, severity: Severity, peer: str | None = None
) -> Alert:
    """`peer`: whom it waited for until now. Who that is may be concluded from some looks only."""
    rule = finding.rule
    is_server = service is not None and service.kind is Kind.SERVER
    return Alert(
        rule=rule.id,
        service=finding.server if service is None else service.name,
        severity=severity,
        since=since,
        says=finding.says,
        value=finding.value,
        threshold=finding.threshold,
        unit=rule.unit,
        # Who is only asked cannot be looked into; its clients can.
        playbook=None if is_server else rule.playbook,
        project=None if service is None else service.project,
        kind=None if service is None else service.kind,
        instance=finding.instance,
        cause=finding.cause or rule.cause,
        peer=finding.peer or peer,
        left_s=finding.left_s,
        subject=finding.subject,
    )
