"""How bad a pool, a queue or a budget is, and why, in a few words with figures and units.

Waiting and how long it takes come first: a pool that is full without anybody waiting is a well-sized one. What one
look can show by chance (a single handshake, a caller that waited some milliseconds) is no problem.
"""

from __future__ import annotations

from mcptop import units
from mcptop.model.flow import Budget, Confidence, Pool, Queue
from mcptop.presentation.judgement import FINE, Found, Judgement, Level, of_found
from mcptop.presentation.runs import safe

WAIT_NOTICED_S, WAIT_CRITICAL_S = 0.05, 1.0
"""Shorter waits than the first are how a busy pool works; from the second on, users wait as well."""
CONNECTING_WARNING = 3
"""Handshakes under way beside answered ones; where none was ever answered, one is enough."""
CLOSE_WAIT_WARNING = 5
IDLE_IN_TRANSACTION_S = 30.0
"""An open transaction that long with nothing to do holds locks, and keeps the server from cleaning up."""
SERVER_WARNING = 0.9
"""Share of a server's connections; it has no line to wait in, at the end of it clients are refused."""
FULL_WARNING = 0.9
GROWTH_NOISE_PER_S = 0.1
OLDEST_WARNING_S = 30.0
STUCK_S = 60.0
"""The first in line waits that long, and nothing is taken."""
BACKLOG = 100
"""A growing queue whose oldest entry has no known age is a problem from this depth on."""
ACCEPT, SERVER = "accept", "server"


def of_pool(pool: Pool) -> Judgement:
    """The judgement of one pool."""
    found: Found = []
    _judge_waiting(pool, found)
    if pool.kind == SERVER:
        _judge_server(pool, found)
    _judge_connections(pool, found)
    idle, age = pool.idle_in_transaction, pool.idle_in_transaction_s
    if idle and age is not None and age >= IDLE_IN_TRANSACTION_S:
        says = f"{_named(pool)}: {idle} idle in transaction, the oldest open for {units.span(age)}"
        found.append((Level.WARNING, says))
    return of_found(found) if found else FINE


def of_queue(queue: Queue) -> Judgement:
    """The judgement of one queue."""
    found: Found = []
    depth, capacity = queue.depth, queue.capacity
    refused = (queue.rejected_per_s or 0.0) > 0.0
    if queue.kind == ACCEPT:
        if refused or (depth is not None and capacity is not None and depth > capacity):
            found.append((Level.CRITICAL, f"connections are refused: accept queue {of(depth, capacity)}"))
    elif refused:
        rate = units.rate(queue.rejected_per_s)
        found.append((Level.CRITICAL, f"{_queue(queue)} {of(depth, capacity)}, {rate} turned away"))
    if not found and depth is not None and capacity and depth >= FULL_WARNING * capacity:
        found.append((Level.WARNING, f"{_queue(queue)} {of(depth, capacity)} is nearly full"))
    if depth and queue.kind != ACCEPT:
        _judge_growth(queue, depth, found)
    return of_found(found) if found else FINE


def of_budget(budget: Budget) -> Judgement:
    """The judgement of a budget; unknown is no reason to worry."""
    if not budget.exceeded:
        return FINE
    return Judgement(Level.WARNING, (f"its clients may take more connections than it gives: {safe(budget.says)}",))


def is_growing(queue: Queue) -> bool:
    """Whether more comes than goes."""
    return queue.growth_per_s is not None and queue.growth_per_s >= GROWTH_NOISE_PER_S


def usage(in_use: int | None, opened: int | None, most: int | None) -> str:
    """In use, of at most so many; where only the open ones were counted: `≤4123`."""
    if in_use is None and opened is not None:
        return f"≤{of(opened, most)}"
    return of(in_use, most)


def of(part: int | None, whole: int | None) -> str:
    """`50/50`; `12` where the whole is unknown."""
    return units.count(part) if whole is None else f"{units.count(part)}/{units.count(whole)}"


def _judge_waiting(pool: Pool, found: Found) -> None:
    wait, waiting, in_vain = pool.wait_s, pool.waiting or 0, pool.timeouts_per_s or 0.0
    is_long = wait is not None and wait >= WAIT_CRITICAL_S
    if in_vain > 0.0:
        level = Level.CRITICAL
    elif waiting and (wait is None or wait >= WAIT_NOTICED_S):
        level = Level.CRITICAL if is_long else Level.WARNING
    elif is_long and pool.waits_per_s:
        level = Level.WARNING
    else:
        return
    says = f"{_named(pool)} {usage(pool.in_use, pool.open, pool.max)} in use"
    if waiting:
        says += f", {waiting} waiting" + (f" for {units.span(wait)}" if wait is not None else "")
    elif is_long:
        says += f", callers waited {units.span(wait)}"
    found.append((level, says + (f", {units.rate(in_vain)} wait in vain" if in_vain else "")))


def opened_of(pool: Pool) -> int | None:
    """Connections there are, in use or not."""
    if pool.open is not None or pool.in_use is None:
        return pool.open
    return pool.in_use + (pool.idle or 0)


def _judge_server(pool: Pool, found: Found) -> None:
    opened = opened_of(pool)
    if pool.confidence is Confidence.INFERRED or not pool.max or opened is None:
        return
    if opened >= pool.max:
        found.append((Level.CRITICAL, f"{opened} of {pool.max} connections given away: the next client is refused"))
    elif opened >= SERVER_WARNING * pool.max:
        found.append((Level.WARNING, f"{opened} of {pool.max} connections given away"))


def _judge_connections(pool: Pool, found: Found) -> None:
    peer = safe(pool.peer or pool.name, 40)
    connecting, answered = pool.connecting or 0, opened_of(pool)
    if connecting >= (CONNECTING_WARNING if answered else 1):
        noun = "connection" if connecting == 1 else "connections"
        found.append((Level.WARNING, f"{connecting} {noun} to {peer} unanswered"))
    if (pool.close_wait or 0) >= CLOSE_WAIT_WARNING:
        says = f"{pool.close_wait} connections to {peer} in CLOSE_WAIT: peer closed, service did not"
        found.append((Level.WARNING, says))


def _judge_growth(queue: Queue, depth: int, found: Found) -> None:
    age = queue.oldest_age_s
    oldest = "" if age is None else f", oldest {units.span(age)}"
    if is_growing(queue) and (depth >= BACKLOG if age is None else age >= OLDEST_WARNING_S):
        rate = units.rate(queue.growth_per_s)
        found.append((Level.WARNING, f"{_queue(queue)}: {depth} wait, {rate} more come than go{oldest}"))
    elif queue.out_per_s == 0.0 and age is not None and age >= STUCK_S:
        found.append((Level.WARNING, f"{_queue(queue)}: {depth} wait, none is taken{oldest}"))


def _named(pool: Pool) -> str:
    name = safe(pool.name, 40)
    return name if name.lower().endswith("pool") else f"{name} pool"


def _queue(queue: Queue) -> str:
    return "accept queue" if queue.kind == ACCEPT else f"{safe(queue.name, 40)} queue"
