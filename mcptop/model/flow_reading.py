"""Pools, queues and models as a source gave them at one moment: gauges of now, counters since some start.

Rates are made from two of these by `mcptop.flows`.
"""

from __future__ import annotations

from mcptop.model.flow import Confidence, Model
from mcptop.model.value import Value


class PoolReading(Value, frozen=True):
    """One look at a pool; the fields are those of `Pool`, and totals only grow until the service restarts."""

    name: str
    kind: str | None = None
    peer: str | None = None
    open: int | None = None
    in_use: int | None = None
    idle: int | None = None
    max: int | None = None
    waiting: int | None = None
    oldest_wait_s: float | None = None
    """Age of the oldest caller that waits now."""
    waits_total: float | None = None
    wait_seconds_total: float | None = None
    timeouts_total: float | None = None
    longest_s: float | None = None
    idle_in_transaction: int | None = None
    idle_in_transaction_s: float | None = None
    connecting: int | None = None
    close_wait: int | None = None
    time_wait: int | None = None
    max_source: str | None = None
    confidence: Confidence = Confidence.MEASURED


class QueueReading(Value, frozen=True):
    """One look at a queue; the fields are those of `Queue`, and totals only grow until the service restarts."""

    name: str
    kind: str | None = None
    depth: int | None = None
    in_flight: int | None = None
    capacity: int | None = None
    oldest_age_s: float | None = None
    entered_total: float | None = None
    left_total: float | None = None
    rejected_total: float | None = None
    in_per_s: float | None = None
    out_per_s: float | None = None
    """Rates, where the source gives these itself and no totals."""
    confidence: Confidence = Confidence.MEASURED


class FlowReading(Value, frozen=True):
    """What one source said about one target at one moment.

    The same object in two snapshots means: not looked again since.
    """

    read_at: float
    """Monotonic seconds."""
    source: str
    """For people: `metrics`, `kernel`, `pg_stat_activity`, `redis`; the adapter's name is added by who read it."""
    pools: tuple[PoolReading, ...] = ()
    queues: tuple[QueueReading, ...] = ()
    models: tuple[Model, ...] = ()
    every_s: float | None = None
    """Seconds between two samples of a source that tells when it likes."""
