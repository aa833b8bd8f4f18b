"""Alerts to problems: what has one cause is one problem, the worst of it first. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from mcptop.alerts import rules
from mcptop.model.alert import Alert

_HOLDS_UP = frozenset(
    rule.id
    for rule in (
        rules.EXITED, rules.DEAD, rules.RESTART_LOOP, rules.RESTARTING, rules.OOM_KILL, rules.UNHEALTHY, rules.PAUSED,
        rules.REPLICAS_MISSING,
        rules.SERVER_CONNECTIONS, rules.CONNECTIONS_REFUSED, rules.QUEUE_FULL, rules.POOL_WAITING, rules.UNANSWERED,
        rules.CPU_THROTTLED, rules.CPU_AT_QUOTA, rules.QUEUE_NOT_DRAINING,
    )
)  # fmt: skip
"""What makes those wait who call the service."""


class Problem(Struct, frozen=True, eq=False):
    """All alerts of one cause."""

    key: str
    """Stable across frames."""
    alerts: tuple[Alert, ...]
    """Worst first; at least one."""

    @property
    def lead(self) -> Alert:
        """The worst."""
        return self.alerts[0]

    @property
    def says(self) -> str:
        """Of the replicas of which the worst rule holds, what the one says that is farthest beyond."""
        alike = [alert for alert in self.alerts if _what(alert) == _what(self.lead)]
        bad = [alert for alert in alike if alert.severity is self.lead.severity]
        return max(bad, key=lambda alert: alert.value or 0.0).says

    @property
    def since(self) -> datetime:
        """When the first of them began."""
        return min(alert.since for alert in self.alerts)

    @property
    def alike(self) -> list[str]:
        """The replicas of which the worst rule holds, by name."""
        names = [alert.instance for alert in self.alerts if _what(alert) == _what(self.lead)]
        return sorted({name for name in names if name is not None})

    @property
    def others(self) -> list[Alert]:
        """What else belongs to it: of each service, rule and cause the worst."""
        found = {_what(alert): alert for alert in reversed(self.alerts)}
        return [alert for alert in self.alerts if alert is not self.lead and alert is found[_what(alert)]]


def problems(alerts: Sequence[Alert]) -> list[Problem]:
    """One for each cause, worst first; who makes others wait stands above them. `alerts` worst first."""
    groups: dict[str, list[Alert]] = {}
    for alert in alerts:
        groups.setdefault(_cause(alert), []).append(alert)
    found = [Problem(key, tuple(members)) for key, members in groups.items()]
    ordered: dict[str, Problem] = {}
    for problem in found:
        _place(problem, found, ordered, set())
    return list(ordered.values())


def _place(problem: Problem, found: list[Problem], ordered: dict[str, Problem], begun: set[str]) -> None:
    if problem.key in ordered or problem.key in begun:
        return
    begun.add(problem.key)
    for peer in {(alert.project, _name(alert.peer)) for alert in problem.alerts if alert.peer is not None}:
        for other in found:
            if other.lead.rule in _HOLDS_UP and (other.lead.project, other.lead.service) == peer:
                _place(other, found, ordered, begun)
    ordered[problem.key] = problem


def _cause(alert: Alert) -> str:
    if alert.peer is not None:
        return f"wait:{alert.project or ''}/{_name(alert.peer)}"
    return f"{alert.service_key or alert.service or ''}|{alert.cause}"


def _what(alert: Alert) -> tuple[str | None, str, str]:
    return alert.service_key, alert.rule, alert.cause


def _name(peer: str) -> str:
    """The service's name, without its port."""
    name, _, port = peer.rpartition(":")
    return name if name and port.isdigit() else peer
