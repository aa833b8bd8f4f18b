"""What was seen of a service, as far as advice rests on it. Times are wall-clock seconds; unknown is None."""

from __future__ import annotations

from collections.abc import Sequence

from mcptop.analysis import krr, vpa
from mcptop.analysis.sketch import Sketch, percentile
from mcptop.model.flow import Model
from mcptop.model.value import Kind, Value


class Usage(Value, frozen=True):
    """One series, in cores or bytes."""

    samples: int
    p50: float
    p90: float
    p95: float
    p99: float
    peak: float


class Kill(Value, frozen=True):
    """One kill for lack of memory, or several within one look."""

    at: float | None
    """None: before the first look, and then the limit may have been another one."""
    limit: float | None
    """The memory limit it had then, in bytes; before the first look the one it has at that."""
    count: int = 1


class Change(Value, frozen=True):
    """Another limit than before."""

    at: float
    what: str
    """memory or cpu."""
    before: float | None
    after: float | None


class Replica(Value, frozen=True):
    """One container or process, as long as it was seen."""

    id: str
    name: str
    is_running: bool = True
    """At the end."""
    memory: Usage | None = None
    """Working set: usage without pages of files that can be dropped at once."""
    cpu: Usage | None = None
    anon_peak: float | None = None
    file_peak: float | None = None
    shmem_peak: float | None = None
    pressure_peak: float | None = None
    """Largest share of 10 s in which some task waited for memory."""
    throttled_ratio: float | None = None
    """Share of the scheduler periods in which the quota held it back, since it has this quota."""
    kills: tuple[Kill, ...] = ()
    memory_limit: float | None = None
    cpu_limit: float | None = None
    changes: tuple[Change, ...] = ()
    vpa_memory: vpa.Estimate | None = None
    vpa_cpu: vpa.Estimate | None = None
    was_busy: bool = False
    """A busy period was seen: see `is_busy`."""


class Line(Value, frozen=True):
    """A queue, its replicas' together."""

    name: str
    depth: float | None
    """Now, at the end."""
    typical: float | None
    """The 95th percentile."""
    in_flight: float | None = None


class PoolUse(Value, frozen=True):
    """A pool that has a maximum."""

    name: str
    peak: float
    max: int
    at_ceiling_s: float
    waiting_peak: float | None
    """None: nobody counts who waits."""


class Observed(Value, frozen=True):
    """One service."""

    project: str | None
    name: str
    kind: Kind
    replicas: tuple[Replica, ...]
    """Every one that was seen, those that are gone included."""
    first_at: float = 0.0
    last_at: float = 0.0
    samples: int = 0
    """Looks at which something was known of it."""
    coverage: float = 1.0
    """Share of the looks there should have been."""
    interval_s: float = 1.0
    models: tuple[Model, ...] = ()
    """Loaded at the end."""
    models_bytes: float | None = None
    """The most that models loaded at once took of the host's memory."""
    queues: tuple[Line, ...] = ()
    pools: tuple[PoolUse, ...] = ()
    is_fixed: bool = False
    """Another replica would not be more of it: a server of connections (a database), a global service, a job."""

    @property
    def key(self) -> str:
        """That of the service."""
        return f"{self.kind}:{self.project or ''}/{self.name}"

    @property
    def seconds(self) -> float:
        """From the first look to the last."""
        return max(0.0, self.last_at - self.first_at)

    @property
    def days(self) -> float:
        """What the samples are worth, never more than the days between them."""
        return vpa.confidence_days(self.first_at, self.last_at, round(self.samples * self.interval_s / 60))

    @property
    def running(self) -> tuple[Replica, ...]:
        """Those that run at the end."""
        return tuple(replica for replica in self.replicas if replica.is_running)

    @property
    def is_enough(self) -> bool:
        """For more than what cannot wait."""
        return krr.is_enough(self.samples, self.seconds)


_SHARES = (0.5, 0.9, 0.95, 0.99)


def usage_of(values: Sequence[float | None]) -> Usage | None:
    """Of few values, exactly; None without any."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    p50, p90, p95, p99 = (percentile(known, share) or 0.0 for share in _SHARES)
    return Usage(len(known), p50, p90, p95, p99, max(known))


def usage_in(sketch: Sketch) -> Usage | None:
    """Of many values, within 1 %; None without any."""
    if sketch.peak is None:
        return None
    p50, p90, p95, p99 = (sketch.percentile(share) or 0.0 for share in _SHARES)
    return Usage(sketch.count, p50, p90, p95, p99, sketch.peak)


_BUSY_CORES, _STEADY, _RISE = 0.05, 0.5, 1.5


def is_busy(cpu: Usage | None, hours: Sequence[float]) -> bool:
    """Whether a busy period is among what was seen. `hours`: the mean of cores in each hour.

    Real work, and either an hour with half as much again as an ordinary one, or so steady that there is no quiet one.
    """
    if cpu is None or cpu.p99 < _BUSY_CORES:
        return False
    if cpu.p50 >= _STEADY * cpu.p99:
        return True
    ordinary = percentile(list(hours), 0.5)
    return ordinary is not None and len(hours) > 1 and max(hours) >= _RISE * ordinary
