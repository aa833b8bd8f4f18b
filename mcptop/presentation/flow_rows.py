"""Pools and queues as rows of tables of their own: one a pool or queue, and replica."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from mcptop.alerts.queues import time_to_drain
from mcptop.alerts.rules import SHIPPED
from mcptop.model.flow import Confidence, Pool, Queue
from mcptop.model.frame import Service, pool_key, queue_key
from mcptop.model.rule import RuleSet
from mcptop.presentation import replicas
from mcptop.presentation.filter import Subject
from mcptop.presentation.flows import Flow
from mcptop.presentation.judgement import Judgement
from mcptop.presentation.row import Row, View
from mcptop.presentation.row_filter import flow_words, words_of
from mcptop.presentation.runs import safe
from mcptop.presentation.sheet import FlatRow, ordered


class FlowRow(FlatRow, frozen=True, eq=False, kw_only=True):
    """What both kinds of rows are."""

    service: Service
    service_name: str
    label: str
    """Name of the pool or queue."""
    replica: str = ""
    """Name of the replica, where the service has several."""
    source: str
    """Who says so, with a mark where it is inferred."""
    inferred: bool
    judgement: Judgement
    rules: RuleSet = SHIPPED
    """Those of the frame."""

    @property
    def name(self) -> str:
        """Service and pool or queue."""
        return " ".join(part for part in (self.service_name, self.label, self.replica) if part)

    @property
    def opens(self) -> str | None:
        """Its service."""
        return self.service.key


class PoolRow(FlowRow, frozen=True, eq=False, kw_only=True):
    """One pool."""

    pool: Pool
    peer: str

    @property
    def share(self) -> float | None:
        """in_use / max."""
        return self.pool.in_use / self.pool.max if self.pool.in_use is not None and self.pool.max else None


class QueueRow(FlowRow, frozen=True, eq=False, kw_only=True):
    """One queue."""

    queue: Queue

    @property
    def share(self) -> float | None:
        """depth / capacity."""
        queue = self.queue
        return queue.depth / queue.capacity if queue.depth is not None and queue.capacity else None

    @property
    def drain_s(self) -> float | None:
        """Seconds until it is empty at the present rates: infinite while it grows or stands, None when unknown."""
        return time_to_drain(self.queue)


def pools(services: Sequence[Row], view: View) -> list[PoolRow]:
    """One row a pool, filtered and in order."""
    wanted = view.filter
    found = [
        _pool_row(row, row.service, pool, judgement)
        for row in services
        if row.service is not None
        for pool, judgement in row.figures.flow.pools
        if not wanted or _passes(row, view, _names(pool), Flow(pools=((pool, judgement),)), judgement)
    ]
    return ordered(found, lambda row: row.name, view.sort, view.descending)


def queues(services: Sequence[Row], view: View) -> list[QueueRow]:
    """One row a queue, filtered and in order."""
    wanted = view.filter
    found = [
        _queue_row(row, row.service, queue, judgement)
        for row in services
        if row.service is not None
        for queue, judgement in row.figures.flow.queues
        if not wanted or _passes(row, view, _names(queue), Flow(queues=((queue, judgement),)), judgement)
    ]
    return ordered(found, lambda row: row.name, view.sort, view.descending)


def _pool_row(row: Row, service: Service, pool: Pool, judgement: Judgement) -> PoolRow:
    return PoolRow(
        key=pool_key(service, pool), service=service, service_name=row.name, label=safe(pool.name),
        replica=replica_of(service, pool), source=source_of(pool), inferred=_inferred(pool),
        judgement=judgement, rules=row.rules, pool=pool, peer=safe(pool.peer or ""),
    )  # fmt: skip


def _queue_row(row: Row, service: Service, queue: Queue, judgement: Judgement) -> QueueRow:
    return QueueRow(
        key=queue_key(service, queue), service=service, service_name=row.name, label=safe(queue.name),
        replica=replica_of(service, queue), source=source_of(queue), inferred=_inferred(queue),
        judgement=judgement, rules=row.rules, queue=queue,
    )  # fmt: skip


def source_of(flow: Pool | Queue) -> str:
    """`metrics`; `~ kernel` where the figures are inferred."""
    mark = "~ " if _inferred(flow) else ""
    return f"{mark}{safe(flow.source, 40)}"


def _inferred(flow: Pool | Queue) -> bool:
    return flow.confidence is Confidence.INFERRED


def replica_of(service: Service, flow: Pool | Queue) -> str:
    """The replica it belongs to, without the service's name; nothing where the service has one only."""
    if flow.instance is None or len(service.instances) <= 1:
        return ""
    return replicas.within(service, flow.instance)


def _names(flow: Pool | Queue) -> list[str]:
    peer = flow.peer if isinstance(flow, Pool) else None
    return [flow.name, flow.kind or "", flow.instance or "", flow.source, peer or ""]


def _passes(row: Row, view: View, own: list[str], flow: Flow, judgement: Judgement) -> bool:
    words = words_of(row) | flow_words(flow)
    words |= {"kind": own[1].lower(), "level": judgement.level.name.lower(), "instance": own[2].lower()}
    names = "\n".join([words["project"], words["service"], *own]).lower()
    return view.filter.passes(Subject(names, replace(row.figures, flow=flow), words, view.at))


def pool_rank(row: PoolRow) -> tuple[float, ...]:
    """Worst first: level, who waits, how long, how full."""
    pool = row.pool
    measured = 0.0 if row.inferred else 1.0
    return (float(row.judgement.level), float(pool.waiting or 0), pool.wait_s or 0.0, row.share or 0.0, measured)


def queue_rank(row: QueueRow) -> tuple[float, ...]:
    """Worst first: level, growth, age, depth."""
    queue = row.queue
    return (
        float(row.judgement.level),
        max(0.0, queue.growth_per_s or 0.0),
        queue.oldest_age_s or 0.0,
        float(queue.depth or 0),
    )
