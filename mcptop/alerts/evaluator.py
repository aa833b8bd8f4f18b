"""Frames to alerts, one after the other: what is wrong, since when, worst first.

The monitor is its only caller. A service that is the same object as in the frame before is not looked at again.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from mcptop.alerts import machine, own, pools, rules, swarm
from mcptop.alerts.finding import Finding, Key, Look
from mcptop.alerts.machine import Disks, Machines
from mcptop.alerts.ranking import rank
from mcptop.alerts.services import Services
from mcptop.alerts.standing import Standing
from mcptop.model.alert import Alert, State
from mcptop.model.frame import Frame, Service
from mcptop.model.host import host_key
from mcptop.model.playbook import Severity
from mcptop.model.rule import RuleSet

_FORGET_S = 60.0


class _Judged:
    """A service and what was found."""

    __slots__ = ("found", "service", "until")

    def __init__(self, service: Service, found: list[Finding], until: float) -> None:
        self.service = service
        self.found = found
        self.until = until


class Evaluator:
    """Turns one frame after the other into alerts."""

    def __init__(self, own_pid: int | None = None, rules_in_force: RuleSet = rules.SHIPPED) -> None:
        """`own_pid` is mcptop's, where it looks at itself."""
        self._own_pid = own_pid
        self.rules = rules_in_force
        """By which it judges."""
        self._own = own.Conditions(rules_in_force.own)
        self._services = Services(self._own)
        self._disks = Disks()
        self._machines = Machines()
        self._judged: dict[int, _Judged] = {}
        self._standing: dict[Key, Standing] = {}
        self._held: dict[Key, Severity] = {}
        self._alerts: tuple[Alert, ...] = ()
        self.pending: tuple[Alert, ...] = ()
        """What held at the last frame, but not yet for as long as its rule wants; worst first."""
        self._forget_at = 0.0

    def alerts(self, frame: Frame) -> tuple[Alert, ...]:
        """Those that fire, worst first; the same object while nothing changes. Does not read `frame.alerts`."""
        wall = frame.at.timestamp()
        now = wall if frame.monotonic is None else frame.monotonic
        look = Look(now, wall, frame.interval_s, frame.series, self._held, self._own_pid, self.rules)
        has_changed = False
        for finding, service in self._found(frame, look):
            if not finding.rule.enabled:
                continue
            key = finding.rule.id, finding.subject
            standing = self._standing.get(key)
            if standing is None:
                self._standing[key] = Standing(finding, service, frame.at, now)
                has_changed = True
            elif standing.see(finding, service, now):
                has_changed = True
        if self._drop(frame, now) or has_changed:
            self._sort()
        return self._alerts

    def _sort(self) -> None:
        firing = {key: one.alert for key, one in self._standing.items() if one.alert.state is State.FIRING}
        # What is not firing yet has to reach its threshold, not only to stay near it.
        self._held = {key: alert.severity for key, alert in firing.items()}
        self._alerts = tuple(sorted(firing.values(), key=rank))
        waiting = [one.alert for one in self._standing.values() if one.alert.state is State.PENDING]
        self.pending = tuple(sorted(waiting, key=rank))

    def _found(self, frame: Frame, look: Look) -> Iterator[tuple[Finding, Service | None]]:
        self._judge_services(frame.services, look)
        for judged in self._judged.values():
            if judged.found:
                for finding in judged.found:
                    yield finding, judged.service
        for budget in frame.budgets:
            exceeded = pools.of_budget(budget, look.rule(rules.CONNECTION_BUDGET))
            if exceeded is not None:
                yield exceeded, next((s for s in frame.services if s.key == budget.service), None)
        if frame.host is not None:
            for finding in self._disks.judge(frame.host, look):
                yield finding, None
            for finding in machine.pressed(frame.host, look):
                yield finding, None
            for finding in self._own.of_host(frame.host, look):
                yield finding, None
        for one in frame.hosts:
            for finding in self._own.of_host(one, look, host_key(one.name)):
                yield replace(finding, server=one.name), None
        for finding in swarm.nodes_down(frame.nodes, look):
            yield finding, None
        for finding in (*self._machines.judge(frame.hosts, look), *machine.broken(frame.sources, look)):
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

    def _drop(self, frame: Frame, now: float) -> bool:
        """Let go of what has not held for some seconds, and of what has no service any more. Whether there was any."""
        absent = [(key, one) for key, one in self._standing.items() if one.seen_at != now]
        if not absent:
            return False
        present = {service.key for service in frame.services}
        over = [
            key
            for key, one in absent
            if abs(now - one.seen_at) > one.rule.keep_s or (one.service is not None and one.service.key not in present)
        ]
        for key in over:
            del self._standing[key]
        return bool(over)
