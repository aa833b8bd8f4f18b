"""Swarm: replicas that do not run though they shall, updates that stopped halfway, nodes that are gone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import inf

from mcptop.alerts import rules
from mcptop.alerts.finding import Finding, Look
from mcptop.model.frame import Service
from mcptop.model.playbook import Severity
from mcptop.model.swarm import SwarmNode, SwarmService, TaskTrouble
from mcptop.units import plain

_PAUSED = {"paused": "update", "rollback_paused": "rollback"}
_CHANGING = ("updating", "rollback_started")
_SAYS = 160


class Missing:
    """Since when each service has not what it shall have."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._well_since: dict[str, float] = {}
        """Of these: since when all replicas run again."""

    def judge(self, service: Service, swarm: SwarmService, look: Look, found: list[Finding]) -> float:
        """Replicas that are missing for long; until when that holds while the service stays as it is."""
        key = service.key
        if not swarm.missing:
            return self._well(key, look.now)
        self._well_since.pop(key, None)
        due = self._since.setdefault(key, look.now) + _patience_s(swarm)
        if look.held(rules.REPLICAS_MISSING, key) is None and look.now < due:
            return due
        found.append(_missing(service, swarm))
        return inf

    def _well(self, key: str, now: float) -> float:
        if key not in self._since:
            return inf
        until = self._well_since.setdefault(key, now) + rules.STEADY_S
        if now < until:
            return until
        del self._since[key], self._well_since[key]
        return inf

    def forget(self, keys: Iterable[str]) -> None:
        """Let go of services that are not there any more."""
        kept = set(keys)
        self._since = {key: since for key, since in self._since.items() if key in kept}
        self._well_since = {key: since for key, since in self._well_since.items() if key in kept}


def paused(service: Service, swarm: SwarmService, found: list[Finding]) -> None:
    """An update, or the way back from one, that Swarm stopped."""
    what = _PAUSED.get(swarm.update_state or "")
    if what is None:
        return
    why = f": {plain(swarm.update_message, _SAYS)}" if swarm.update_message else ""
    says = f"{what} paused{why}{_newest(swarm)}"
    found.append(Finding(rules.UPDATE_PAUSED, service.key, Severity.WARNING, says))


def nodes_down(nodes: Iterable[SwarmNode]) -> Iterator[Finding]:
    """Machines the managers do not hear from."""
    for node in nodes:
        if node.state not in ("down", "disconnected") and node.reachable != "unreachable":
            continue
        state = node.state if node.state != "ready" else "unreachable as a manager"
        why = f": {plain(node.message, _SAYS)}" if node.message else ""
        subject = f"node:{node.id}"
        says = f"swarm node {plain(node.name, 64)} ({node.role}) is {state}{why}"
        yield Finding(rules.NODE_DOWN, subject, Severity.WARNING, says, cause=subject)


def _missing(service: Service, swarm: SwarmService) -> Finding:
    severity = Severity.CRITICAL if swarm.running == 0 else Severity.WARNING
    says = f"{swarm.running} of {swarm.desired} replicas run{_newest(swarm)}"
    return Finding(rules.REPLICAS_MISSING, service.key, severity, says, swarm.missing, 1)


def _patience_s(swarm: SwarmService) -> float:
    if swarm.update_state in _CHANGING:
        return rules.CHANGING_S
    return rules.FAILING_S if swarm.troubles else rules.MISSING_S


def _newest(swarm: SwarmService) -> str:
    """The newest error, and how many tasks have it."""
    if not swarm.troubles:
        return ""
    return f"; {told(swarm.troubles[0])}"


def told(trouble: TaskTrouble) -> str:
    """One task and what is the matter with it, in one line."""
    where = f" on {plain(trouble.node, 64)}" if trouble.node else ""
    return f"{plain(trouble.task, 80)} {trouble.state}{where}: {plain(trouble.says, _SAYS)}"
