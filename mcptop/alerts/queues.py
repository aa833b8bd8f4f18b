"""Queues: what turns work away, what is nearly full, and what is not drained."""

from __future__ import annotations

from math import inf

from mcptop import units
from mcptop.alerts import rules
from mcptop.alerts.finding import Finding, Look
from mcptop.model.flow import Queue
from mcptop.model.frame import Service, queue_key
from mcptop.model.playbook import Severity
from mcptop.model.rule import Rule
from mcptop.units import plain

ACCEPT = "accept"
"""Kind of a queue of connections nobody took yet."""
GROWTH_NOISE_PER_S = 0.1
"""Less is no growth, but how entries come and go."""


def of_queue(service: Service, queue: Queue, look: Look) -> list[Finding]:
    """Everything about one queue."""
    found = [_refuses(service, queue, look), _not_draining(service, queue, look)]
    return [one for one in found if one is not None]


def is_growing(queue: Queue) -> bool:
    """Whether more comes than goes."""
    return queue.growth_per_s is not None and queue.growth_per_s >= GROWTH_NOISE_PER_S


def shrinks_per_s(queue: Queue) -> float | None:
    """How much more goes than comes; None while that is not known."""
    if queue.in_per_s is not None and queue.out_per_s is not None:
        return queue.out_per_s - queue.in_per_s
    return None if queue.growth_per_s is None else -queue.growth_per_s


def time_to_drain(queue: Queue) -> float | None:
    """Seconds until it is empty at the present rate; infinite while it does not shrink; None where nobody knows."""
    if queue.depth is None:
        return None
    if queue.depth == 0:
        return 0.0
    shrinks = shrinks_per_s(queue)
    if shrinks is None:
        return None
    return queue.depth / shrinks if shrinks > GROWTH_NOISE_PER_S / 10 else inf


def _refuses(service: Service, queue: Queue, look: Look) -> Finding | None:
    depth, capacity = queue.depth, queue.capacity
    is_accept, refused = queue.kind == ACCEPT, (queue.rejected_per_s or 0.0) > 0.0
    rule = look.rule(rules.CONNECTIONS_REFUSED if is_accept else rules.QUEUE_FULL)
    ratio = depth / capacity if depth is not None and capacity else None
    over = is_accept and depth is not None and capacity is not None and depth > capacity
    name, of = _named(queue), units.of(depth, capacity)
    if refused or over:
        says = f"connections are refused: {name} {of}"
        if not is_accept:
            says = f"{name} {of}, {units.rate(queue.rejected_per_s)} turned away"
        return _found(rule, service, queue, Severity.CRITICAL, says, ratio)
    severity = None if ratio is None else rule.judge(ratio, look.held(rule, queue_key(service, queue)))
    if severity is None:
        return None
    return _found(rule, service, queue, severity, f"{name} {of} is nearly full", ratio)


def _not_draining(service: Service, queue: Queue, look: Look) -> Finding | None:
    if not queue.depth or queue.kind == ACCEPT:
        return None
    rule = look.rule(rules.QUEUE_NOT_DRAINING)
    how = _how(queue, queue.depth, rule, look.held(rule, queue_key(service, queue)))
    if how is None:
        return None
    age = queue.oldest_age_s
    oldest = "" if age is None else f", oldest {units.span(age)}"
    says = f"{_named(queue)}: {queue.depth} wait, {how}{oldest}"
    return _found(rule, service, queue, Severity.WARNING, says, age)


def _how(queue: Queue, depth: int, rule: Rule, held: Severity | None) -> str | None:
    """What is wrong with how it drains; None when it drains, or has not for long."""
    age, also = queue.oldest_age_s, rule.also
    is_old = rule.passed(depth, also["backlog"], held) if age is None else rule.judge(age, held) is not None
    if is_growing(queue) and is_old:
        return f"{units.rate(queue.growth_per_s)} more come than go"
    if queue.out_per_s == 0.0 and age is not None and rule.passed(age, also["stuck"], held):
        return "none is taken"
    drained = time_to_drain(queue)
    if age is None or drained is None:
        return None
    if not (rule.passed(age, also["late"], held) and rule.passed(drained, also["drain"], held)):
        return None
    return "as many come as go" if drained == inf else f"drained in {units.about(drained)}"


def _found(rule: Rule, service: Service, queue: Queue, severity: Severity, says: str, value: float | None) -> Finding:
    threshold, cause = rule.threshold(severity), f"queue {queue.name}"
    return Finding(rule, queue_key(service, queue), severity, says, value, threshold, queue.instance, cause=cause)


def _named(queue: Queue) -> str:
    return "accept queue" if queue.kind == ACCEPT else f"{plain(queue.name, 40)} queue"
