"""What flows through a service: connection pools, queues, loaded models, and the budget of a database.

Every figure is optional, and unknown is None, never 0. Each pool and queue says where its figures come from and how
far to trust them. A full pool is a well-sized one; waiting is the problem.
"""

from __future__ import annotations

from enum import StrEnum

from mcptop.model.value import Value


class Confidence(StrEnum):
    """How far to trust a figure."""

    MEASURED = "measured"
    """Whoever owns the thing counted it."""
    DERIVED = "derived"
    """Computed from what was counted, without a guess."""
    INFERRED = "inferred"
    """Concluded from the outside; the rule can err."""


class Pool(Value, frozen=True):
    """Connections, or places, of which a service has only so many."""

    name: str
    kind: str | None = None
    """What the places are: db, redis, http, slots, server (of a server: its clients), tcp (seen in the kernel only)."""
    peer: str | None = None
    """Who is at the other end: a service's name, or `address:port`."""
    instance: str | None = None
    """Name of the replica it belongs to; None: of the service as a whole."""
    open: int | None = None
    """Connections there are, in use or idle, where it is these that were counted."""
    in_use: int | None = None
    idle: int | None = None
    """Open and free."""
    max: int | None = None
    """How many may be in use at once."""
    waiting: int | None = None
    """Callers that wait for a place at this moment."""
    wait_s: float | None = None
    """How long a caller waits: the mean of those whose wait ended since the look before, or the age of the oldest."""
    waits_per_s: float | None = None
    """Callers whose wait was counted, a second: those that had to wait, or, where a histogram times all, each one."""
    timeouts: int | None = None
    """Callers that waited in vain, since the service started."""
    timeouts_per_s: float | None = None
    longest_s: float | None = None
    """Age of the oldest request that is under way."""
    idle_in_transaction: int | None = None
    """Database only: in use, but with nothing to do inside an open transaction."""
    idle_in_transaction_s: float | None = None
    """Age of the oldest such transaction."""
    connecting: int | None = None
    """Connections the other side has not answered yet (SYN_SENT)."""
    close_wait: int | None = None
    """Connections the other side has closed and the service has not."""
    time_wait: int | None = None
    max_source: str | None = None
    """Where `max` comes from, where that is not `source`."""
    source: str = ""
    confidence: Confidence = Confidence.MEASURED
    age_s: float | None = None
    """Age of the figures when they are late; None when they are of the last look."""

    @property
    def is_of_all_processes(self) -> bool:
        """Whether its connections were counted from outside, those of all processes of the replica together.

        Who tells them of its own pool speaks for one process.
        """
        return self.open is not None

    @property
    def opened(self) -> int | None:
        """Connections there are, in use or not."""
        if self.open is not None or self.in_use is None:
            return self.open
        return self.in_use + (self.idle or 0)


class Queue(Value, frozen=True):
    """Work that waits for somebody to take it."""

    name: str
    kind: str | None = None
    """queue (of jobs or requests), broker (on a server, for several services), accept (connections nobody took yet)."""
    instance: str | None = None
    """Name of the replica it belongs to; None: of the service as a whole."""
    depth: int | None = None
    in_flight: int | None = None
    """Taken and not finished."""
    capacity: int | None = None
    oldest_age_s: float | None = None
    """How long the first in line has waited."""
    in_per_s: float | None = None
    out_per_s: float | None = None
    growth_per_s: float | None = None
    """Change of the depth: in - out where both are known, else over the last half minute."""
    rejected: int | None = None
    """Turned away because it was full, since the service started."""
    rejected_per_s: float | None = None
    source: str = ""
    confidence: Confidence = Confidence.MEASURED
    age_s: float | None = None
    """Age of the figures when they are late; None when they are of the last look."""


class Model(Value, frozen=True):
    """A model a runner has loaded."""

    id: str
    memory_bytes: int | None = None
    limit_bytes: int | None = None
    """What it may take: the memory limit of its runner."""
    vram_bytes: int | None = None
    """The part of its memory that is on a GPU."""
    instance: str | None = None
    source: str = ""


class Share(Value, frozen=True):
    """What one service may take of a server's connections."""

    service: str
    pool: str
    max: int
    """Of one pool."""
    count: int
    """How many such pools there are: one in each process of each replica."""
    project: str | None = None
    """Of the service: two projects may have one of the same name."""

    def is_of(self, project: str | None, service: str) -> bool:
        """Whether it is that service's."""
        return (self.project, self.service) == (project, service)


class Budget(Value, frozen=True):
    """Whether all pools of a server's clients fit into what the server allows."""

    server: str
    """The server's service."""
    allowed: int | None
    """Connections it gives to ordinary clients: its maximum without what it reserves."""
    allowed_says: str
    """How that comes about: `max_connections 100 - 3 reserved`."""
    shares: tuple[Share, ...]
    total: int
    """The sum over `shares` of max x count."""
    says: str
    """The sum written out: `mcp-api db 50 x 3 + mcp-worker db 20 = 170 > 97`."""
    exceeded: bool | None
    """None while it is not known what the server allows."""
    project: str | None = None
    """Of the server; where it is no service here, of its clients."""
    service: str | None = None
    """`Service.key` of the server, where it is a service here: two projects may have one of the same name."""
