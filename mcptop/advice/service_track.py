"""What is of a service as a whole, look after look: how often it was seen, its queues, pools and models."""

from __future__ import annotations

from collections.abc import Iterable

from mcptop.advice.observed import Line, Observed, PoolUse, Replica
from mcptop.advice.signals import SERVER, is_shared
from mcptop.analysis.sketch import Sketch
from mcptop.model.flow import Model
from mcptop.model.flow_reading import FlowReading, PoolReading
from mcptop.model.snapshot import Target
from mcptop.model.value import Kind

_LONGEST_GAP_S = 60.0

ServiceKey = tuple[str | None, str, Kind]
"""Project, name and kind."""


class _Pool:
    """One pool of one replica."""

    def __init__(self) -> None:
        self.peak = 0.0
        self.max = 0
        self.at_ceiling_s = 0.0
        self.waiting: float | None = None
        self._before: float | None = None

    def look(self, reading: PoolReading, at: float) -> None:
        if reading.in_use is None or not reading.max:
            return
        self.peak, self.max = max(self.peak, reading.in_use), reading.max
        if reading.waiting is not None:
            self.waiting = max(self.waiting or 0.0, reading.waiting)
        if self._before is not None and reading.in_use >= reading.max and 0 < at - self._before <= _LONGEST_GAP_S:
            self.at_ceiling_s += at - self._before
        self._before = at


class ServiceTrack:
    """Takes looks in the order of time."""

    def __init__(self) -> None:
        self._first_at: float | None = None
        self._last_at = 0.0
        self._samples = 0
        self._readings: dict[str, tuple[FlowReading, ...]] = {}
        self._depths: dict[str, dict[str, float]] = {}
        self._in_flight: dict[str, dict[str, float]] = {}
        self._sketches: dict[str, Sketch] = {}
        self._pools: dict[tuple[str, str], _Pool] = {}
        self._models: dict[str, tuple[Model, ...]] = {}
        self._models_bytes: float | None = None
        self._is_fixed = False

    def count(self, at: float) -> None:
        """A look at which something was known."""
        self._first_at = at if self._first_at is None else self._first_at
        self._last_at = at
        self._samples += 1

    def flows(self, target: Target, readings: tuple[FlowReading, ...]) -> None:
        """What the sources say of a replica's pools, queues and models."""
        before = self._readings.get(target.id, ())
        self._readings[target.id] = readings
        changed: set[str] = set()
        for reading in readings:
            if any(reading is old for old in before):
                continue
            for queue in reading.queues:
                if is_shared(queue.kind) and queue.depth is not None:
                    self._depths.setdefault(queue.name, {})[target.id] = queue.depth
                    changed.add(queue.name)
                    if queue.in_flight is not None:
                        self._in_flight.setdefault(queue.name, {})[target.id] = queue.in_flight
            for pool in reading.pools:
                self._is_fixed |= pool.kind == SERVER
                self._pools.setdefault((target.id, pool.name), _Pool()).look(pool, reading.read_at)
            if reading.models:
                self._loaded(target, reading.models)
        for name in changed:
            self._sketches.setdefault(name, Sketch()).add(sum(self._depths[name].values()))

    def ended(self, identity: str) -> None:
        """A replica does not run any more: nothing waits in it."""
        self._readings.pop(identity, None)
        for figures in (self._depths, self._in_flight):
            for of_replicas in figures.values():
                of_replicas.pop(identity, None)

    def _loaded(self, target: Target, models: tuple[Model, ...]) -> None:
        self._models[target.id] = models
        sizes = [max(0, m.memory_bytes - (m.vram_bytes or 0)) for m in models if m.memory_bytes is not None]
        if len(sizes) == len(models):
            self._models_bytes = max(self._models_bytes or 0.0, float(sum(sizes)))

    def observed(self, key: ServiceKey, replicas: tuple[Replica, ...], interval_s: float) -> Observed:
        """All of it."""
        project, name, kind = key
        seconds = self._last_at - (self._first_at or 0.0) if self._first_at is not None else 0.0
        expected = seconds / interval_s + 1
        return Observed(
            project, name, kind, replicas, self._first_at or 0.0, self._last_at, self._samples,
            min(1.0, self._samples / expected), interval_s,
            tuple(model for models in self._models.values() for model in models), self._models_bytes,
            tuple(self._line(queue) for queue in sorted(self._sketches)), tuple(self._pool_uses()), self._is_fixed,
        )  # fmt: skip

    def fix(self) -> None:
        """Another replica would not be more of it."""
        self._is_fixed = True

    def depth(self, name: str, depth: float) -> None:
        """Of a queue, its replicas' together, at one look."""
        self._depths[name] = {"": depth}
        self._sketches.setdefault(name, Sketch()).add(depth)

    def loaded(self, models: tuple[Model, ...], total: float) -> None:
        """What models take of the host's memory together, at one look."""
        self._models[""] = models
        self._models_bytes = max(self._models_bytes or 0.0, total)

    def _line(self, name: str) -> Line:
        in_flight = self._in_flight.get(name)
        return Line(name, sum(self._depths[name].values()), self._sketches[name].percentile(0.95),
                    sum(in_flight.values()) if in_flight else None)  # fmt: skip

    def _pool_uses(self) -> Iterable[PoolUse]:
        """Of each pool the replica that was at its ceiling longest."""
        worst: dict[str, _Pool] = {}
        for (_, name), pool in self._pools.items():
            if pool.max and (name not in worst or pool.at_ceiling_s > worst[name].at_ceiling_s):
                worst[name] = pool
        for name, pool in sorted(worst.items()):
            yield PoolUse(name, pool.peak, pool.max, pool.at_ceiling_s, pool.waiting)
