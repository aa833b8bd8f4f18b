"""Swarm: replicas that do not run though they shall, updates that stopped halfway, nodes that are gone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mcptop.alerts import rules
from mcptop.alerts.finding import Finding, Look
from mcptop.model.frame import Service
from mcptop.model.playbook import Severity
from mcptop.model.swarm import SwarmNode, SwarmService, TaskTrouble
from mcptop.units import plain

_PAUSED = {"paused": "update", "rollback_paused": "rollback"}
_CHANGING = ("updating", "rollback_started")
_SAYS = 160


def missing(service: Service, swarm: SwarmService, look: Look, found: list[Finding]) -> None:
    """Replicas that shall run and do not: sooner told where a task says why, later while an update goes on."""
    rule, for_s = look.rule(rules.REPLICAS_MISSING), None
    if not swarm.missing or swarm.missing < rule.warning:
        return
    if swarm.update_state in _CHANGING:
        for_s = rule.also["changing"]
    elif swarm.troubles:
        for_s = rule.also["failing"]
    severity = Severity.CRITICAL if swarm.running == 0 else Severity.WARNING
    says = f"{swarm.running} of {swarm.desired} replicas run{_newest(swarm)}"
    found.append(Finding(rule, service.key, severity, says, swarm.missing, rule.warning, for_s=for_s))


def paused(service: Service, swarm: SwarmService, look: Look, found: list[Finding]) -> None:
    """An update, or the way back from one, that Swarm stopped."""
    what = _PAUSED.get(swarm.update_state or "")
    if what is None:
        return
    why = f": {plain(swarm.update_message, _SAYS)}" if swarm.update_message else ""
    says = f"{what} paused{why}{_newest(swarm)}"
    rule = look.rule(rules.UPDATE_PAUSED)
    found.append(Finding(rule, service.key, rule.severity, says))


def nodes_down(nodes: Iterable[SwarmNode], look: Look) -> Iterator[Finding]:
    """Machines the managers do not hear from."""
    rule = look.rule(rules.NODE_DOWN)
    for node in nodes:
        if node.state not in ("down", "disconnected") and node.reachable != "unreachable":
            continue
        state = node.state if node.state != "ready" else "unreachable as a manager"
        why = f": {plain(node.message, _SAYS)}" if node.message else ""
        subject = f"node:{node.id}"
        says = f"swarm node {plain(node.name, 64)} ({node.role}) is {state}{why}"
        yield Finding(rule, subject, rule.severity, says, cause=subject)


def _newest(swarm: SwarmService) -> str:
    """The newest error, and how many tasks have it."""
    if not swarm.troubles:
        return ""
    return f"; {told(swarm.troubles[0])}"


def told(trouble: TaskTrouble) -> str:
    """One task and what is the matter with it, in one line."""
    where = f" on {plain(trouble.node, 64)}" if trouble.node else ""
    return f"{plain(trouble.task, 80)} {trouble.state}{where}: {plain(trouble.says, _SAYS)}"
