"""Pools and budgets: who waits and how long comes first; a pool that is full without anybody waiting is well-sized.

What one look can show by chance (a single handshake, a caller that waited some milliseconds) is no problem.
"""

from __future__ import annotations

from mcptop import units
from mcptop.alerts import rules
from mcptop.alerts.finding import Finding, Look
from mcptop.model.flow import Budget, Confidence, Pool
from mcptop.model.frame import Service, pool_key
from mcptop.model.playbook import Severity
from mcptop.model.rule import Rule
from mcptop.units import plain

_MOST = 0.5
SERVER = "server"
"""Kind of a pool that is what a server gives its clients."""


def of_pool(service: Service, pool: Pool, look: Look) -> list[Finding]:
    """Everything about one pool."""
    found = [_waiting(service, pool, look)] if pool.waiting or pool.wait_s or pool.timeouts_per_s else []
    if pool.kind == SERVER:
        found.append(_given_away(service, pool, look))
    if pool.connecting:
        found.append(_unanswered(service, pool, look))
    if pool.close_wait:
        found.append(_close_wait(service, pool, look))
    if pool.idle_in_transaction and pool.idle_in_transaction_s is not None:
        found.append(_idle_in_transaction(service, pool, look))
    return [one for one in found if one is not None]


def of_budget(budget: Budget, rule: Rule = rules.CONNECTION_BUDGET) -> Finding | None:
    """The pools of its clients may take more than a server gives; unknown is no reason to worry."""
    if not budget.exceeded:
        return None
    says = f"its clients may take more connections than it gives: {plain(budget.says)}"
    subject = f"budget:{budget.service or budget.server}"
    return Finding(rule, subject, rule.severity, says, budget.total, budget.allowed, server=budget.server)


def has_close_wait(service: Service, pool: Pool, look: Look) -> bool:
    """Whether it says to whom connections are that nobody closes."""
    # Most have none; only of the others one needs to know how it was.
    return (
        bool(pool.close_wait) and _judged(look.rule(rules.CLOSE_WAIT), service, pool, pool.close_wait, look) is not None
    )


def _judged(rule: Rule, service: Service, pool: Pool, value: float | None, look: Look) -> Severity | None:
    return rule.judge(value, look.held(rule, pool_key(service, pool)))


def _waiting(service: Service, pool: Pool, look: Look) -> Finding | None:
    wait, waiting, in_vain = pool.wait_s, pool.waiting or 0, pool.timeouts_per_s or 0.0
    rule, held = look.rule(rules.POOL_WAITING), look.held(rules.POOL_WAITING, pool_key(service, pool))
    severity = rule.judge(wait, held)
    is_long = wait is not None and rule.passed(wait, rule.critical, held)
    if in_vain > 0.0:
        severity = Severity.CRITICAL
    elif waiting and wait is None:
        severity = Severity.WARNING
    elif not waiting:
        severity = Severity.WARNING if is_long and pool.waits_per_s else None
    if severity is None:
        return None
    says = f"{_named(pool)} {units.usage(pool.in_use, pool.open, pool.max)} in use"
    if waiting:
        says += f", {waiting} waiting" + (f" for {units.span(wait)}" if wait is not None else "")
    elif is_long:
        says += f", callers waited {units.span(wait)}"
    says += f", {units.rate(in_vain)} wait in vain" if in_vain else ""
    peer = pool.peer or _behind(service, pool)
    cause = f"pool {pool.peer or pool.name}"
    return _found(rule, service, pool, severity, says, wait, peer=peer, cause=cause)


def _behind(service: Service, pool: Pool) -> str | None:
    """Whom the work in a pool without a peer waits for: most of its places go on to one peer of its replica."""
    found = [
        other
        for other in service.pools
        if other.peer is not None and other.instance == pool.instance and other.kind != SERVER and other.in_use
    ]
    busiest = max(found, key=lambda other: other.in_use or 0, default=None)
    if busiest is None or not pool.in_use or (busiest.in_use or 0) < _MOST * pool.in_use:
        return None
    return busiest.peer


def _given_away(service: Service, pool: Pool, look: Look) -> Finding | None:
    opened = pool.opened
    if pool.confidence is Confidence.INFERRED or not pool.max or opened is None:
        return None
    rule = look.rule(rules.SERVER_CONNECTIONS)
    # That the next client is refused is true of a full one only, whatever was until now.
    held = Severity.WARNING if look.held(rule, pool_key(service, pool)) else None
    severity = rule.judge(opened / pool.max, held)
    if severity is None:
        return None
    full = ": the next client is refused" if severity is Severity.CRITICAL else ""
    says = f"{opened} of {pool.max} connections given away{full}"
    return _found(rule, service, pool, severity, says, opened / pool.max)


def _unanswered(service: Service, pool: Pool, look: Look) -> Finding | None:
    connecting, rule = pool.connecting or 0, look.rule(rules.UNANSWERED)
    if pool.opened and _judged(rule, service, pool, connecting, look) is None:
        return None
    noun = "connection" if connecting == 1 else "connections"
    says = f"{connecting} {noun} to {_peer(pool)} unanswered"
    cause = f"pool {pool.peer or pool.name}"
    return _found(rule, service, pool, Severity.WARNING, says, connecting, peer=pool.peer, cause=cause)


def _close_wait(service: Service, pool: Pool, look: Look) -> Finding | None:
    severity = _judged(look.rule(rules.CLOSE_WAIT), service, pool, pool.close_wait, look)
    if severity is None:
        return None
    says = f"{pool.close_wait} connections to {_peer(pool)} in CLOSE_WAIT: peer closed, service did not"
    return _found(look.rule(rules.CLOSE_WAIT), service, pool, severity, says, pool.close_wait)


def _idle_in_transaction(service: Service, pool: Pool, look: Look) -> Finding | None:
    age, rule = pool.idle_in_transaction_s, look.rule(rules.IDLE_IN_TRANSACTION)
    severity = _judged(rule, service, pool, age, look)
    if severity is None:
        return None
    idle = pool.idle_in_transaction
    says = f"{_named(pool)}: {idle} idle in transaction, the oldest open for {units.span(age)}"
    return _found(rule, service, pool, severity, says, age)


def _found(
    rule: Rule, service: Service, pool: Pool, severity: Severity, says: str, value: float | None,
    peer: str | None = None, cause: str | None = None,
) -> Finding:  # fmt: skip
    key, threshold = pool_key(service, pool), rule.threshold(severity)
    return Finding(rule, key, severity, says, value, threshold, pool.instance, peer=peer, cause=cause)


def _peer(pool: Pool) -> str:
    return plain(pool.peer or pool.name, 40)


def _named(pool: Pool) -> str:
    name = plain(pool.name, 40)
    return name if name.lower().endswith("pool") else f"{name} pool"
