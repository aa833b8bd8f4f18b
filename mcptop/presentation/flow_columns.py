"""The columns of the tables of pools and of queues."""

from __future__ import annotations

from collections.abc import Callable
from math import isinf
from typing import TypeVar

from mcptop import units
from mcptop.alerts import pools, queues, rules
from mcptop.model.flow import Pool
from mcptop.presentation import cells, flow_rows, judgement, runs
from mcptop.presentation.flow_cells import INFERRED, bar_style
from mcptop.presentation.flow_rows import FlowRow, PoolRow, QueueRow
from mcptop.presentation.judgement import Level
from mcptop.presentation.runs import Runs
from mcptop.presentation.sheet import MAIN, Column, Moment, Sheet, figure

_FIGURE = 9
"""Room of `~120/1000`; what is more is a bar."""
_ALMOST_EMPTY = 2
"""Entries: a queue in which there are so few is as good as empty, whichever way they go."""


def _service(row: FlowRow, width: int, moment: Moment) -> Runs:
    return ((runs.fit(row.service_name, width), "strong"),)


def _label(row: FlowRow, width: int, moment: Moment) -> Runs:
    """The pool or queue, and its replica where there is room for it."""
    name = runs.fit(row.label, min(width, runs.cells(row.label)))
    rest = width - runs.cells(name)
    if row.replica and rest < 4:
        # Replicas differ by their ends.
        name = runs.fit(row.label, max(1, width // 2))
        rest = width - runs.cells(name)
    return ((name, "text"), (runs.fit(f" ·{row.replica}" if row.replica else "", rest), "dim"))


def _symbol(row: FlowRow, width: int, moment: Moment) -> Runs:
    return ((runs.fit(row.judgement.symbol, width), row.judgement.style),)


def _source(row: FlowRow) -> str:
    return row.source or units.UNKNOWN


def _used(row: FlowRow, share: float | None, text: str, width: int, level: Level) -> Runs:
    """A bar where there is room and a maximum, and the figures."""
    tone = judgement.STYLES[level] if level >= Level.WARNING else ("muted" if row.inferred else "text")
    # What was counted, the most there can be in use, is not inferred.
    shown = INFERRED + text if row.inferred and text[:1] not in (units.UNKNOWN, "≤") else text
    room = width - _FIGURE - 1
    if room < 4:
        return ((runs.fit(shown, width, "right"), "dim" if text == units.UNKNOWN else tone),)
    drawn: Runs = (*cells.bar(share, room, bar_style(level, row.inferred)), (" ", "text"))
    return (*(drawn if share is not None else ((" " * (room + 1), "text"),)),
            (runs.fit(shown, _FIGURE, "right"), "dim" if text == units.UNKNOWN else tone))  # fmt: skip


def _in_use(row: PoolRow, width: int, moment: Moment) -> Runs:
    pool = row.pool
    # Connections nobody closed are no reason to colour those that are in use.
    is_bad = pool.waiting or pool.timeouts_per_s or pool.kind == pools.SERVER
    level = row.judgement.level if is_bad else Level.OK
    return _used(row, row.share, _taken(pool), width, level)


def _depth(row: QueueRow, width: int, moment: Moment) -> Runs:
    queue = row.queue
    return _used(row, row.share, _whole(queue.depth, queue.capacity), width, row.judgement.level)


def _taken(pool: Pool) -> str:
    known = (pool.in_use, pool.open, pool.max)
    return units.UNKNOWN if known == (None, None, None) else units.usage(*known)


def _whole(part: int | None, whole: int | None) -> str:
    return units.UNKNOWN if part is None and whole is None else units.of(part, whole)


def _muted(row: FlowRow) -> str:
    return "muted"


F = TypeVar("F", bound=FlowRow)


def _if(bad: Callable[[F], bool]) -> Callable[[F], str]:
    """The colour of the row's level where this figure is what is bad."""

    def style(row: F) -> str:
        level = row.judgement.level
        return judgement.STYLES[level] if level >= Level.WARNING and bad(row) else "text"

    return style


def _counted(value: Callable[[PoolRow], float | None], rule: str | None = None) -> Callable[[PoolRow], str]:
    """None is faint, and from the warning of the rule on (without one: any) it has the colour of the row's level."""

    def reaches(row: PoolRow) -> bool:
        return (value(row) or 0.0) >= (row.rules.shown(rule).warning if rule else 0.0)

    bad: Callable[[PoolRow], str] = _if(reaches)
    return lambda row: bad(row) if value(row) else "dim"


def _is_waited_for(row: PoolRow) -> bool:
    return bool(row.pool.waiting) or (row.pool.wait_s or 0.0) >= row.rules.shown(rules.POOL_WAITING.id).critical


def _has_waited(row: QueueRow) -> bool:
    return (row.queue.oldest_age_s or 0.0) >= row.rules.shown(rules.QUEUE_NOT_DRAINING.id).warning


def _growth(row: QueueRow) -> str:
    growth = row.queue.growth_per_s
    if growth is None:
        return units.UNKNOWN
    if abs(growth) < queues.GROWTH_NOISE_PER_S:
        return "0"
    return f"{'▲' if growth > 0 else '▼'}{units.rate(abs(growth))}"


def _growth_style(row: QueueRow) -> str:
    if row.judgement.level >= Level.WARNING and queues.is_growing(row.queue):
        return judgement.STYLES[row.judgement.level]
    growth = row.queue.growth_per_s or 0.0
    return "ok" if growth <= -queues.GROWTH_NOISE_PER_S else "muted"


def drain(row: QueueRow) -> str:
    """Time until the queue is empty; `never` while a queue grows that is more than what just came in."""
    seconds = row.drain_s
    if seconds is None:
        return units.UNKNOWN
    if isinf(seconds):
        grows = (queues.shrinks_per_s(row.queue) or 0.0) <= -queues.GROWTH_NOISE_PER_S
        return "never" if grows and (row.queue.depth or 0) > _ALMOST_EMPTY else units.UNKNOWN
    return units.duration(seconds).replace("0.0s", "0")


def _drain_style(row: QueueRow) -> str:
    if row.drain_s == 0.0:
        return "dim"
    return judgement.STYLES[row.judgement.level] if row.judgement.level >= Level.WARNING else "muted"


def _seconds(value: float | None) -> str:
    """A time short enough for a column: 30ms, 1.2s, 2m 10s."""
    if value is not None and 0 < value < 0.95:
        return f"{value * 1000:.0f}ms"
    return units.duration(value)


_SYMBOL = "!"
POOLS: Sheet[PoolRow] = Sheet(
    (
        Column("level", _SYMBOL, "how bad it is; sorts the worst first", 1, _symbol, 0, flow_rows.pool_rank,
               jumps=True),
        Column("service", "SERVICE", "whose pool it is", 10, _service, 0, lambda r: r.service_name, 30, "left",
               names=True),
        Column("pool", "POOL", "its name, and the replica where there are several", 8, _label, 24, lambda r: r.label,
               36, "left", names=True),
        Column("peer", "PEER", "who is at the other end", 10,
               figure(lambda r: r.peer or units.UNKNOWN, _muted, "left"), MAIN - 20, lambda r: r.peer or None, 30,
               "left", names=True),
        Column("used", "IN USE", "in use, of how many there may be; ~: inferred", 9, _in_use, 0,
               lambda r: r.share, 28, jumps=True),
        Column("idle", "IDLE", "open and free", 4, figure(lambda r: units.count(r.pool.idle), _muted), 66,
               lambda r: r.pool.idle, jumps=True),
        Column("waiting", "WAITING", "callers that wait for a place", 7,
               figure(lambda r: units.count(r.pool.waiting), _counted(lambda r: r.pool.waiting)),
               34, lambda r: r.pool.waiting, jumps=True),
        Column("wait", "WAIT", "how long a caller waits", 6,
               figure(lambda r: _seconds(r.pool.wait_s), _if(_is_waited_for)),
               44, lambda r: r.pool.wait_s, jumps=True),
        Column("timeouts", "TIMEOUT", "callers that gave up waiting, a second", 7,
               figure(lambda r: units.rate(r.pool.timeouts_per_s),
                      _counted(lambda r: r.pool.timeouts_per_s)), 56,
               lambda r: r.pool.timeouts_per_s, jumps=True),
        Column("longest", "LONGEST", "age of the oldest request under way", 7,
               figure(lambda r: _seconds(r.pool.longest_s), _muted), MAIN - 20, lambda r: r.pool.longest_s, jumps=True),
        Column("transaction", "IDLE TX", "in use, with nothing to do inside an open transaction", 7,
               figure(lambda r: units.count(r.pool.idle_in_transaction),
                      _counted(lambda r: r.pool.idle_in_transaction)), MAIN + 10,
               lambda r: r.pool.idle_in_transaction, jumps=True),
        Column("connecting", "SYN", "connections the other side has not answered", 4,
               figure(lambda r: units.count(r.pool.connecting),
                      _counted(lambda r: r.pool.connecting)), MAIN - 20,
               lambda r: r.pool.connecting, jumps=True),
        Column("closed", "CLOSEW", "in CLOSE_WAIT: the other side closed, the service did not", 6,
               figure(lambda r: units.count(r.pool.close_wait),
                      _counted(lambda r: r.pool.close_wait, rules.CLOSE_WAIT.id)), MAIN - 20,
               lambda r: r.pool.close_wait),
        Column("source", "SOURCE", "who says so; ~: inferred from outside", 8, figure(_source, _muted, "left"), 78,
               _source, 26, "left", names=True),
    ),
    (("service", 12), ("pool", 12), ("source", 9), ("peer", 13), ("used", 15), ("pool", 16), ("service", 16),
     ("peer", 18), ("used", 20), ("source", 16)),
)  # fmt: skip
"""One row a pool, the worst first."""
QUEUES: Sheet[QueueRow] = Sheet(
    (
        Column("level", _SYMBOL, "how bad it is; sorts the worst first", 1, _symbol, 0, flow_rows.queue_rank,
               jumps=True),
        Column("service", "SERVICE", "whose queue it is", 10, _service, 0, lambda r: r.service_name, 30, "left",
               names=True),
        Column("queue", "QUEUE", "its name, and the replica where there are several", 8, _label, 24,
               lambda r: r.label, 36, "left", names=True),
        Column("kind", "KIND", "queue; broker: of several services; accept: connections nobody took", 6,
               figure(lambda r: runs.safe(r.queue.kind or units.UNKNOWN, 20), _muted, "left"), MAIN - 20,
               lambda r: r.queue.kind, 10, "left", names=True),
        Column("depth", "DEPTH", "entries that wait, of how many there is room for; ~: inferred", 9, _depth, 0,
               lambda r: r.queue.depth, 28, jumps=True),
        Column("taken", "ACTIVE", "taken by a worker and not finished", 6,
               figure(lambda r: units.count(r.queue.in_flight), _muted), MAIN - 20, lambda r: r.queue.in_flight,
               jumps=True),
        Column("oldest", "OLDEST", "how long the first in line has waited", 7,
               figure(lambda r: _seconds(r.queue.oldest_age_s),
                      _if(_has_waited)), 40,
               lambda r: r.queue.oldest_age_s, jumps=True),
        Column("in", "IN", "entries that come, a second", 6,
               figure(lambda r: units.rate(r.queue.in_per_s), _muted), 60, lambda r: r.queue.in_per_s, jumps=True),
        Column("out", "OUT", "entries that are taken, a second", 6,
               figure(lambda r: units.rate(r.queue.out_per_s), _muted), 60, lambda r: r.queue.out_per_s, jumps=True),
        Column("growth", "GROWTH", "change of the depth, a second", 7, figure(_growth, _growth_style), 30,
               lambda r: r.queue.growth_per_s, jumps=True),
        Column("drain", "DRAINED", "time until it is empty at these rates; never: it grows", 7,
               figure(drain, _drain_style), 70, lambda r: r.drain_s),
        Column("rejected", "REFUSED", "turned away because it was full, a second", 7,
               figure(lambda r: units.rate(r.queue.rejected_per_s),
                      lambda r: "critical" if r.queue.rejected_per_s else "dim"), MAIN - 20,
               lambda r: r.queue.rejected_per_s, jumps=True),
        Column("source", "SOURCE", "who says so; ~: inferred from outside", 8, figure(_source, _muted, "left"),
               MAIN - 20, _source, 26, "left", names=True),
    ),
    (("service", 12), ("queue", 11), ("source", 10), ("depth", 16), ("queue", 16), ("service", 16), ("depth", 20),
     ("source", 14)),
)  # fmt: skip
"""One row a queue, the worst first."""
