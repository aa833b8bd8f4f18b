"""What an instance uses up: its CPU quota, its descriptors, connections it does not close."""

from __future__ import annotations

from mcptop import units
from mcptop.alerts import rules
from mcptop.alerts.finding import Finding, Look
from mcptop.alerts.rule import Rule
from mcptop.alerts.watched import Watched
from mcptop.model.instance import Instance


def judge(instance: Instance, watched: Watched, look: Look, found: list[Finding], named: bool) -> None:
    """Of a running instance. `named`: one of its pools says already to whom connections in CLOSE_WAIT are."""
    throttled = instance.cpu.throttled_ratio
    if throttled is not None:
        mean = watched.throttled(look.now, throttled)
        says = f"CPU quota held it back in {units.percent(mean)} of periods"
        _add(rules.CPU_THROTTLED, instance, mean, says, look, found)
    ratio = instance.fds.limit_ratio
    if ratio is not None and ratio > 0.5:
        says = f"open files at {units.percent(ratio)} of the limit"
        _add(rules.FDS_NEAR_LIMIT, instance, ratio, says, look, found)
    if instance.sockets is not None and instance.sockets.close_wait and not named:
        closed = instance.sockets.close_wait
        says = f"{closed} sockets in CLOSE_WAIT: peer closed, service did not"
        _add(rules.CLOSE_WAIT, instance, closed, says, look, found)


def _add(rule: Rule, instance: Instance, value: float | None, says: str, look: Look, found: list[Finding]) -> None:
    severity = rule.judge(value, look.held(rule, instance.id))
    if severity is not None:
        found.append(Finding(rule, instance.id, severity, says, value, rule.threshold(severity), instance.name))
