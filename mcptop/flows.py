"""Readings of pools and queues to what a frame shows: rates over their counters, missing facts joined, series kept.

Holds the readings before; the assembler is its only caller.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from mcptop import rates
from mcptop.analysis.ceiling import Ceiling
from mcptop.history import History
from mcptop.model.flow import Model, Pool, Queue
from mcptop.model.flow_reading import FlowReading, PoolReading, QueueReading
from mcptop.model.frame import POOL_METRICS, QUEUE_METRICS, Service, pool_key, queue_key
from mcptop.model.snapshot import Snapshot, Target

_GROWTH_S = 30.0
_LATE_S = 20.0
"""The slowest look comes every 15 s; figures older than this say so."""
_SHARED_KINDS = ("db", "redis")
_TOTALS = ("waits_total", "wait_seconds_total", "timeouts_total")


class Flows(NamedTuple):
    """Of a service, or of one of its replicas."""

    pools: tuple[Pool, ...] = ()
    queues: tuple[Queue, ...] = ()
    models: tuple[Model, ...] = ()


NOTHING = Flows()


class _Known(NamedTuple):
    """What one source last said of one target, and what came of it."""

    reading: FlowReading
    pools: tuple[Pool, ...]
    queues: tuple[Queue, ...]


class FlowAssembler:
    """Turns one snapshot after the other into the pools, queues and models of services."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._known: dict[tuple[str, str], _Known] = {}
        self._depths: dict[tuple[str, str, str], deque[tuple[float, int]]] = {}
        self._ceilings: dict[tuple[str, str], Ceiling] = {}
        self._joined: dict[str, tuple[tuple[FlowReading, ...], Flows]] = {}

    def of(self, members: Sequence[Target], snapshot: Snapshot) -> Flows:
        """Everything of a service; the same object as long as no source looked again."""
        if not snapshot.flows:
            return NOTHING
        parts = [self._of_target(target, snapshot) for target in members if target.id in snapshot.flows]
        if len(parts) < 2:
            return parts[0] if parts else NOTHING
        return Flows(
            tuple(pool for part in parts for pool in part.pools),
            tuple(queue for part in parts for queue in part.queues),
            tuple(model for part in parts for model in part.models),
        )

    def forget(self, snapshot: Snapshot) -> None:
        """Let go of what no source speaks of any more."""
        present = snapshot.flows.keys()
        if self._joined.keys() - present:
            self._known = {key: value for key, value in self._known.items() if key[0] in present}
            self._depths = {key: value for key, value in self._depths.items() if key[0] in present}
            self._ceilings = {key: value for key, value in self._ceilings.items() if key[0] in present}
            self._joined = {key: value for key, value in self._joined.items() if key in present}

    def remember(self, service: Service) -> None:
        """Write the present values of a service into the history."""
        for pool in service.pools:
            self._history.add(pool_key(service, pool), POOL_METRICS, (pool.in_use, pool.waiting))
        for queue in service.queues:
            self._history.add(queue_key(service, queue), QUEUE_METRICS, (queue.depth, queue.in_flight))

    def _of_target(self, target: Target, snapshot: Snapshot) -> Flows:
        readings = snapshot.flows[target.id]
        is_late = any(snapshot.monotonic - reading.read_at > _LATE_S for reading in readings)
        joined = self._joined.get(target.id)
        if joined is not None and not is_late and _same(joined[0], readings):
            return joined[1]
        known = [self._of_source(target, reading) for reading in readings]
        pools = _completed([pool for part in known for pool in part.pools])
        models = tuple(
            msgspec.structs.replace(model, instance=target.name, source=reading.source)
            for reading in readings
            for model in reading.models
        )
        flows = Flows(pools, tuple(queue for part in known for queue in part.queues), models)
        if is_late:
            flows = _aged(flows, readings, snapshot.monotonic)
        self._joined[target.id] = readings, flows
        return flows

    def _of_source(self, target: Target, reading: FlowReading) -> _Known:
        key = target.id, reading.source
        before = self._known.get(key)
        if before is not None and before.reading is reading:
            return before
        old = before.reading if before is not None else None
        seconds = 0.0 if old is None else reading.read_at - old.read_at
        old_pools = {(pool.name, pool.peer): pool for pool in old.pools} if old else {}
        old_queues = {queue.name: queue for queue in old.queues} if old else {}
        pools = tuple(
            self._pool(target, reading, pool, old_pools.get((pool.name, pool.peer)), seconds) for pool in reading.pools
        )
        queues = tuple(
            self._queue(target, reading, queue, old_queues.get(queue.name), seconds) for queue in reading.queues
        )
        known = self._known[key] = _Known(reading, pools, queues)
        return known

    def _pool(
        self, target: Target, reading: FlowReading, new: PoolReading, old: PoolReading | None, seconds: float
    ) -> Pool:
        waits, waited, timeouts = (_rate(old, new, name, seconds) for name in _TOTALS)
        most, most_source = new.max, new.max_source
        if most is None and new.open is not None:
            ceiling = self._ceilings.setdefault((target.id, new.name), Ceiling())
            if (found := ceiling.update(reading.read_at, new.open, new.in_use)) is not None:
                most, most_source = found
        return Pool(
            name=new.name,
            kind=new.kind,
            peer=new.peer,
            instance=target.name,
            open=new.open,
            in_use=new.in_use,
            idle=new.idle,
            max=most,
            waiting=new.waiting,
            wait_s=waited / waits if waits and waited is not None else new.oldest_wait_s,
            waits_per_s=waits,
            timeouts=None if new.timeouts_total is None else int(new.timeouts_total),
            timeouts_per_s=timeouts,
            longest_s=new.longest_s,
            idle_in_transaction=new.idle_in_transaction,
            connecting=new.connecting,
            close_wait=new.close_wait,
            time_wait=new.time_wait,
            max_source=most_source,
            source=reading.source,
            confidence=new.confidence,
        )

    def _queue(
        self, target: Target, reading: FlowReading, new: QueueReading, old: QueueReading | None, seconds: float
    ) -> Queue:
        entered, left = (_rate(old, new, name, seconds) for name in ("entered_total", "left_total"))
        growth = self._growth((target.id, reading.source, new.name), reading.read_at, new.depth)
        return Queue(
            name=new.name,
            kind=new.kind,
            instance=target.name,
            depth=new.depth,
            in_flight=new.in_flight,
            capacity=new.capacity,
            oldest_age_s=new.oldest_age_s,
            in_per_s=entered,
            out_per_s=left,
            growth_per_s=growth if entered is None or left is None else entered - left,
            rejected=None if new.rejected_total is None else int(new.rejected_total),
            rejected_per_s=_rate(old, new, "rejected_total", seconds),
            source=reading.source,
            confidence=new.confidence,
        )

    def _growth(self, key: tuple[str, str, str], at: float, depth: int | None) -> float | None:
        """Change of the depth over the last half minute; None until there are two looks."""
        if depth is None:
            return None
        looks = self._depths.setdefault(key, deque())
        looks.append((at, depth))
        while len(looks) > 2 and at - looks[1][0] >= _GROWTH_S:
            looks.popleft()
        since, before = looks[0]
        return (depth - before) / (at - since) if at > since else None


def _rate(
    old: PoolReading | QueueReading | None, new: PoolReading | QueueReading, name: str, seconds: float
) -> float | None:
    return rates.per_second(getattr(old, name), getattr(new, name), seconds) if old is not None else None


def _same(one: tuple[FlowReading, ...], other: tuple[FlowReading, ...]) -> bool:
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))


def _completed(pools: list[Pool]) -> tuple[Pool, ...]:
    """What one source does not know of a pool and another does: who is at the other end, and how many there may be."""
    peers = {kind: {pool.peer for pool in pools if pool.kind == kind and pool.peer} for kind in _SHARED_KINDS}
    named = [
        # A pool of a kind of which the service has connections to one server only is that server's.
        msgspec.structs.replace(pool, peer=next(iter(found)))
        if pool.peer is None and len(found := peers.get(pool.kind or "", set())) == 1
        else pool
        for pool in pools
    ]
    return tuple(_with_max(pool, named) for pool in named)


def _with_max(pool: Pool, others: Iterable[Pool]) -> Pool:
    if pool.max is not None or pool.kind not in _SHARED_KINDS:
        return pool
    alike = [other for other in others if other.max and other.kind == pool.kind and other.peer == pool.peer]
    if len(alike) != 1:
        return pool
    return msgspec.structs.replace(pool, max=alike[0].max, max_source=alike[0].max_source or alike[0].source)


def _aged(flows: Flows, readings: Iterable[FlowReading], now: float) -> Flows:
    ages = {reading.source: round(now - reading.read_at, 1) for reading in readings if now - reading.read_at > _LATE_S}
    pools = tuple(
        msgspec.structs.replace(pool, age_s=ages[pool.source]) if pool.source in ages else pool for pool in flows.pools
    )
    queues = tuple(
        msgspec.structs.replace(queue, age_s=ages[queue.source]) if queue.source in ages else queue
        for queue in flows.queues
    )
    return Flows(pools, queues, flows.models)
