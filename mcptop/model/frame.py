"""What one tick means: services with rates, shares and trends, ready to be shown or printed.

A `Frame` is made by the monitor and never changes. The field names of everything in it are the
field names of `mcptop snapshot --json`; adding a field here adds it there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from mcptop.model.alert import Alert
from mcptop.model.event import Event
from mcptop.model.flow import Budget, Model, Pool, Queue
from mcptop.model.host import Host
from mcptop.model.instance import Instance
from mcptop.model.rule import RuleSet
from mcptop.model.swarm import SwarmNode, SwarmService
from mcptop.model.value import Kind, Value

_GROUPS = {Kind.CONTAINER: "containers", Kind.SERVER: "servers", Kind.PROCESS: "host processes"}


class Service(Value, frozen=True):
    """A name under a project; its instances are its replicas."""

    project: str | None
    name: str
    kind: Kind
    replicas: int
    """Instances that run now."""
    instances: tuple[Instance, ...]
    pools: tuple[Pool, ...] = ()
    queues: tuple[Queue, ...] = ()
    models: tuple[Model, ...] = ()
    swarm: SwarmService | None = None
    """What the managers say of it; None where it is no Swarm service, or no manager was asked."""

    @property
    def key(self) -> str:
        """Identity across frames, and the key of the service's series in the history."""
        return f"{self.kind}:{self.project or ''}/{self.name}"

    @property
    def group(self) -> str:
        """The heading a service stands under: its project, or what it is."""
        return self.project or _GROUPS[self.kind]

    @property
    def group_key(self) -> str:
        """The key of that group's series in the history."""
        return f"group:{self.group}"


def pool_key(service: Service, pool: Pool) -> str:
    """Key of a pool's series in the history; its metrics are `POOL_METRICS`."""
    return f"{service.key}#pool/{pool.instance or ''}/{pool.name}/{pool.source}"


def queue_key(service: Service, queue: Queue) -> str:
    """Key of a queue's series in the history; its metrics are `QUEUE_METRICS`."""
    return f"{service.key}#queue/{queue.instance or ''}/{queue.name}/{queue.source}"


POOL_METRICS = ("pool.in_use", "pool.waiting")
QUEUE_METRICS = ("queue.depth", "queue.in_flight")


class Status(StrEnum):
    """How a source did in this tick."""

    OK = "ok"
    NO_DATA = "no_data"
    ERROR = "error"


class SourceReport(Value, frozen=True):
    """One source in one tick: a broken one is shown, never hidden."""

    name: str
    status: Status
    message: str
    duration_s: float


class Own(Value, frozen=True):
    """What mcptop itself costs."""

    cpu_ratio: float | None = None
    rss_bytes: int | None = None
    tick_s: float | None = None


class Series(Protocol):
    """The history up to a frame, as a reader sees it."""

    def tail(self, key: str, metric: str, count: int) -> Sequence[float | None]:
        """The last `count` values of a series, oldest first; None where a tick has no value."""

    def times(self, count: int) -> Sequence[float]:
        """Wall-clock seconds of the last `count` ticks, oldest first."""


class NoSeries:
    """A history without a tick."""

    def tail(self, key: str, metric: str, count: int) -> Sequence[float | None]:
        """Nothing, whatever is asked for."""
        return ()

    def times(self, count: int) -> Sequence[float]:
        """Nothing."""
        return ()


class Frame(Struct, frozen=True, eq=False):
    """One tick, complete. Frames compare by identity: a new one is always news."""

    number: int
    """Counts up from 1; 0 is the empty frame."""
    at: datetime
    host: Host | None
    sources: tuple[SourceReport, ...]
    services: tuple[Service, ...]
    alerts: tuple[Alert, ...]
    own: Own
    interval_s: float
    engine: str | None = None
    """The engine and its version, such as `docker 28.2`; None while there is none."""
    budgets: tuple[Budget, ...] = ()
    banner: str | None = None
    """What this machine does not let mcptop see, in one line."""
    series: Series = NoSeries()
    events: tuple[Event, ...] = ()
    """What happened lately, the oldest first; at most 500."""
    nodes: tuple[SwarmNode, ...] = ()
    """The machines of the swarm; none where there is no swarm, or no manager was asked."""
    pending: tuple[Alert, ...] = ()
    """What holds, but not yet for as long as its rule wants; `alerts` are those that fire."""
    rules: RuleSet | None = None
    """By which the alerts were found; None: the shipped ones."""
    monotonic: float | None = None
    """Seconds of a clock that nobody sets, for how long something lasts; None where only `at` is known."""
    hosts: tuple[Host, ...] = ()
    """All machines, where there are several; then `host` is None."""
    known_from: datetime | None = None
    """Of a recording that is looked at from its midst on: what began by then may have begun before."""


EMPTY = Frame(0, datetime.fromtimestamp(0, UTC), None, (), (), (), Own(), 1.0)
"""The frame before the first tick, so that nothing downstream needs a None."""
