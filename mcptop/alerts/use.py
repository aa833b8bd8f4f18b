"""What an instance uses up: its CPU quota, its descriptors, connections it does not close."""

from __future__ import annotations

from mcptop import units
from mcptop.alerts import rules
from mcptop.alerts.finding import Finding, Look
from mcptop.alerts.watched import Watched
from mcptop.model.instance import Instance
from mcptop.model.playbook import Severity
from mcptop.model.rule import Rule


def judge(instance: Instance, watched: Watched, look: Look, found: list[Finding], named: bool) -> None:
    """Of a running instance. `named`: one of its pools says already to whom connections in CLOSE_WAIT are."""
    by_id = look.rules.by_id
    throttled = instance.cpu.throttled_ratio
    if throttled is not None:
        mean = watched.throttled(look.now, throttled) or 0.0
        _held_back(instance, mean, by_id[rules.CPU_THROTTLED.id], look, found)
        _at_quota(instance, mean, by_id[rules.CPU_AT_QUOTA.id], look, found)
    ratio = instance.fds.limit_ratio
    if ratio is not None:
        rule = by_id[rules.FDS_NEAR_LIMIT.id]
        severity = rule.judge(ratio, look.held(rule, instance.id))
        if severity is not None:
            says = f"open files at {units.percent(ratio)} of the limit"
            found.append(_found(rule, instance, severity, ratio, says))
    if instance.sockets is not None and instance.sockets.close_wait and not named:
        closed, rule = instance.sockets.close_wait, by_id[rules.CLOSE_WAIT.id]
        severity = rule.judge(closed, look.held(rule, instance.id))
        if severity is not None:
            says = f"{closed} sockets in CLOSE_WAIT: peer closed, service did not"
            found.append(_found(rule, instance, severity, closed, says))


def _held_back(instance: Instance, mean: float, rule: Rule, look: Look, found: list[Finding]) -> None:
    severity = rule.judge(mean, look.held(rule, instance.id))
    if severity is not None:
        says = f"CPU quota held it back in {units.percent(mean)} of periods"
        found.append(_found(rule, instance, severity, mean, says))


def _at_quota(instance: Instance, mean: float, rule: Rule, look: Look, found: list[Finding]) -> None:
    """It uses its quota, and would use more: one that is never held back has what it needs."""
    ratio = instance.cpu.limit_ratio
    if ratio is None or mean < rule.also["throttled"]:
        return
    severity = rule.judge(ratio, look.held(rule, instance.id))
    if severity is not None:
        says = f"CPU at {units.percent(ratio)} of its quota, held back in {units.percent(mean)} of periods"
        found.append(_found(rule, instance, severity, ratio, says))


def _found(rule: Rule, instance: Instance, severity: Severity, value: float, says: str) -> Finding:
    return Finding(rule, instance.id, severity, says, value, rule.threshold(severity), instance.name)
