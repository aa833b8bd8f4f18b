"""What a system says about itself when asked: plain numbers, read at scrape time. None is unknown, never 0.

Gauges are of this moment; counts and `wait_s` only grow, so that a rate can be taken of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


def total(field: str, *figures: Mapping[str, float]) -> int | None:
    """The sum of one figure of what `mcptop.instrument` read; None where one of them does not have it."""
    known = [each[field] for each in figures if field in each]
    return int(sum(known)) if len(known) == len(figures) else None


@dataclass(frozen=True, slots=True)
class PoolStats:
    """A pool of connections, or of places."""

    name: str
    in_use: int | None
    idle: int | None
    size: int | None
    """How many the pool keeps; some pools may open more for a while, up to `max`."""
    max: int | None
    """How many may be in use at once: the number that "full" is measured against."""
    waiting: int | None
    """Callers that wait for one at this moment."""
    waits: int
    """Callers that had to wait since the start, those that gave up included."""
    wait_s: float
    """Seconds that all of them waited, together."""
    timeouts: int
    """Callers that waited in vain."""


@dataclass(frozen=True, slots=True)
class QueueStats:
    """A queue of jobs; entered - left is what waits, where one process does both."""

    name: str
    depth: int
    in_flight: int
    """Jobs that were taken and not answered yet."""
    capacity: int
    oldest_age_s: float | None
    """Seconds that the job at the head has waited; None when nothing waits."""
    entered: int
    left: int
    """Jobs that wait no more: taken, or withdrawn because their caller gave up."""
    rejected: int
    """Jobs turned away because the queue was full."""


@dataclass(frozen=True, slots=True)
class CacheStats:
    """A cache bounded by bytes."""

    name: str
    entries: int | None
    bytes: int | None
    max_bytes: int | None
    hits: int
    misses: int
    evictions: int | None
    """Entries removed to make room."""
    expirations: int | None
    """Entries removed because their time was over."""


@dataclass(frozen=True, slots=True)
class BatchStats:
    """A batcher."""

    name: str
    pending: int
    """Items that wait to be put into a batch."""
    oldest_age_s: float | None
    """Seconds that the first of them has waited; None when nothing waits."""
    batches: int
    items: int
    failed: int
    """Batches whose callers all got an error."""
    sizes: Mapping[int, int]
    """Batch size -> how many batches had it."""
    wait_s: float
    """Seconds from submission to the start of the batch, over all items."""
