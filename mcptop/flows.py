"""Readings of pools and queues to what a frame shows: what one source does not know joined from another, series kept.

The assembler is its only caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from mcptop.flow_source import SourceFlows
from mcptop.history import History
from mcptop.model.flow import Model, Pool, Queue
from mcptop.model.flow_reading import FlowReading
from mcptop.model.frame import POOL_METRICS, QUEUE_METRICS, Service, pool_key, queue_key
from mcptop.model.snapshot import Snapshot, Target
from mcptop.sources import pool_settings

_LATE_S = 20.0
"""The slowest look comes every 15 s; figures older than this say so."""
_SHARED_KINDS = ("db", "redis")


class Flows(NamedTuple):
    """Of a service, or of one of its replicas."""

    pools: tuple[Pool, ...] = ()
    queues: tuple[Queue, ...] = ()
    models: tuple[Model, ...] = ()


NOTHING = Flows()


class FlowAssembler:
    """Turns one snapshot after the other into the pools, queues and models of services."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._sources: dict[tuple[str, str], SourceFlows] = {}
        self._joined: dict[str, tuple[str, tuple[FlowReading, ...], Flows]] = {}

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
            self._sources = {key: value for key, value in self._sources.items() if key[0] in present}
            self._joined = {key: value for key, value in self._joined.items() if key in present}

    def remember(self, service: Service) -> None:
        """Write the present values of a service into the history."""
        for pool in service.pools:
            self._history.add(pool_key(service, pool), POOL_METRICS, (pool.in_use, pool.waiting))
        for queue in service.queues:
            self._history.add(queue_key(service, queue), QUEUE_METRICS, (queue.depth, queue.in_flight))

    def _of_target(self, target: Target, snapshot: Snapshot) -> Flows:
        readings = snapshot.flows[target.id]
        is_late = any(_is_late(reading, snapshot.monotonic) for reading in readings)
        joined = self._joined.get(target.id)
        if joined is not None and not is_late and joined[0] == target.name and _same(joined[1], readings):
            return joined[2]
        sources = [self._source(target, reading) for reading in readings]
        processes = pool_settings.processes(target.environment)
        pools = _completed([pool for source in sources for pool in source.pools], processes)
        models = tuple(
            msgspec.structs.replace(model, instance=target.name, source=reading.source)
            for reading in readings
            for model in reading.models
        )
        flows = Flows(pools, tuple(queue for source in sources for queue in source.queues), models)
        if is_late:
            flows = _aged(flows, readings, snapshot.monotonic)
        self._joined[target.id] = target.name, readings, flows
        return flows

    def _source(self, target: Target, reading: FlowReading) -> SourceFlows:
        """The source's flows, brought up to this reading."""
        key = target.id, reading.source
        source = self._sources.get(key)
        if source is None or source.instance != target.name:
            source = self._sources[key] = SourceFlows(target.name)
        source.update(reading)
        return source


def _is_late(reading: FlowReading, now: float) -> bool:
    """Two samples of a source that tells when it likes may be missing before its figures are late."""
    return now - reading.read_at > max(_LATE_S, 3 * (reading.every_s or 0.0))


def _same(one: tuple[FlowReading, ...], other: tuple[FlowReading, ...]) -> bool:
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))


def _completed(pools: list[Pool], processes: int) -> tuple[Pool, ...]:
    """What one source does not know of a pool and another does: who is at the other end, and how many there may be."""
    peers = {kind: {pool.peer for pool in pools if pool.kind == kind and pool.peer} for kind in _SHARED_KINDS}
    named = [
        # A pool of a kind of which the service has connections to one server only is that server's.
        msgspec.structs.replace(pool, peer=next(iter(found)))
        if pool.peer is None and len(found := peers.get(pool.kind or "", set())) == 1
        else pool
        for pool in pools
    ]
    return tuple(_with_max(pool, named, processes) for pool in named)


def _with_max(pool: Pool, others: Iterable[Pool], processes: int) -> Pool:
    """What the pool's owner says goes before what a setting, a default or a plateau let conclude, of whichever pool."""
    if pool.kind not in _SHARED_KINDS or (pool.max is not None and pool.max_source is None):
        return pool
    alike = [other for other in others if other.max and other.kind == pool.kind and other.peer == pool.peer]
    owners = [other for other in alike if other.max_source is None]
    told = owners or (alike if pool.max is None else [])
    if len({_whole_max(other, processes) for other in told}) != 1:
        return pool
    whole, source = _whole_max(told[0], processes), told[0].max_source or told[0].source
    return msgspec.structs.replace(
        pool, max=whole if pool.is_of_all_processes else -(-whole // processes), max_source=source
    )


def _whole_max(pool: Pool, processes: int) -> int:
    """Of all processes of a replica together."""
    assert pool.max is not None
    return pool.max if pool.is_of_all_processes else pool.max * processes


def _aged(flows: Flows, readings: Iterable[FlowReading], now: float) -> Flows:
    ages = {reading.source: round(now - reading.read_at, 1) for reading in readings if _is_late(reading, now)}
    pools = tuple(
        msgspec.structs.replace(pool, age_s=ages[pool.source]) if pool.source in ages else pool for pool in flows.pools
    )
    queues = tuple(
        msgspec.structs.replace(queue, age_s=ages[queue.source]) if queue.source in ages else queue
        for queue in flows.queues
    )
    return Flows(pools, queues, flows.models)
