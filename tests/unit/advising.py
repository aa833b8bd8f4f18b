"""A day of a stack, a look a minute: what `mcptop recommend` reads. Figures are chosen, so that answers are known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mcptop.advice.gather import Gatherer
from mcptop.advice.observed import Observed
from mcptop.model.flow import Model
from mcptop.model.flow_reading import FlowReading, PoolReading, QueueReading
from mcptop.model.snapshot import Reading, Snapshot, Target
from mcptop.model.value import Kind
from mcptop.recording.writer import Writer

MIB, INTERVAL_S = 1 << 20, 60.0
BEGIN = datetime(2026, 1, 30, 12, 0, tzinfo=UTC)
Shape = Callable[[float], float]
"""Of hours since the begin."""


def level(value: float) -> Shape:
    """The same all the time."""
    return lambda hour: value


def busy(quiet: float, work: float, begins: float = 6.0, ends: float = 8.0) -> Shape:
    """Quiet but for some hours."""
    return lambda hour: work if begins <= hour < ends else quiet


class Part:
    """One container."""

    def __init__(self, service: str, number: int = 1, *, cores: Shape, used: Shape, limit: int | None = None,
                 quota: float | None = None, throttled: float = 0.0, kills: Sequence[float] = (), born: float = 0.0,
                 project: str | None = "mcp", anon: float = 0.9, models: tuple[Model, ...] = (),
                 queues: tuple[QueueReading, ...] = (), pools: tuple[PoolReading, ...] = ()) -> None:  # fmt: skip
        """`used`: MiB by hour; `limit` in MiB; `kills`, `born`: hours."""
        self.name = f"{project or 'alone'}-{service}-{number}"
        self.id = f"id-{self.name}"
        self.target = Target(self.id, self.name, Kind.CONTAINER, project, service, 100 + number, restarts=0)
        self.cores, self.used, self.born, self.kills = cores, used, born, kills
        self.limit, self.quota, self.throttled, self.anon = limit, quota, throttled, anon
        self.models, self.queues, self.pools = models, queues, pools
        self._cpu_s = 0.0

    def reading(self, tick: int) -> Reading | None:
        """At one look."""
        hour = tick * INTERVAL_S / 3600
        if hour < self.born:
            return None
        self._cpu_s += self.cores(hour) * INTERVAL_S
        used, periods = int(self.used(hour) * MIB), tick * 600
        return Reading(
            tick * INTERVAL_S, (tick - 1) * INTERVAL_S, self._cpu_s, self.quota,
            periods if self.quota else None, int(periods * self.throttled) if self.quota else None,
            memory_usage_bytes=used + 10 * MIB, memory_inactive_file_bytes=10 * MIB,
            memory_anon_bytes=int(used * self.anon), memory_file_bytes=10 * MIB, memory_shmem_bytes=0,
            memory_limit_bytes=self.limit * MIB if self.limit else None,
            oom_kills=sum(hour >= kill for kill in self.kills),
        )  # fmt: skip

    def flows(self, tick: int) -> tuple[FlowReading, ...]:
        """At one look."""
        if not (self.models or self.queues or self.pools):
            return ()
        return (FlowReading(tick * INTERVAL_S, "metrics", self.pools, self.queues, self.models),)


def snapshots(
    parts: Sequence[Part], hours: float, skip: Callable[[float], bool] = lambda hour: False
) -> Iterator[Snapshot]:
    """Looks for so many hours; those that `skip` names are missing."""
    for tick in range(int(hours * 3600 / INTERVAL_S) + 1):
        readings = {part.id: reading for part in parts if (reading := part.reading(tick)) is not None}
        if skip(tick * INTERVAL_S / 3600):
            continue
        targets = tuple(part.target for part in parts if part.id in readings)
        flows = {part.id: found for part in parts if part.id in readings and (found := part.flows(tick))}
        yield Snapshot(BEGIN + timedelta(seconds=tick * INTERVAL_S), tick * INTERVAL_S, None, targets, readings, {}, {},
                       (), {}, flows=flows)  # fmt: skip


def observed(*parts: Part, hours: float = 26.0, skip: Callable[[float], bool] = lambda hour: False) -> Observed:
    """Of one service."""
    gatherer = Gatherer(INTERVAL_S)
    for snapshot in snapshots(parts, hours, skip):
        gatherer.add(snapshot)
    (found,) = gatherer.observed()
    return found


def recording(path: Path, *parts: Part, hours: float = 26.0) -> Path:
    """The same in a file."""
    writer = Writer(path, INTERVAL_S, max_age_s=30 * 86400.0)
    for snapshot in snapshots(parts, hours):
        writer.add(snapshot)
    writer.close()
    return path
