"""Snapshots, one after the other, to what was seen of each service. Memory grows with services, not with time."""

from __future__ import annotations

from collections.abc import Iterable

from mcptop.advice.observed import Line, Observed, PoolUse, Replica
from mcptop.advice.replicas import is_shared
from mcptop.advice.track import Track
from mcptop.analysis.sketch import Sketch
from mcptop.model.flow import Model
from mcptop.model.flow_reading import FlowReading, PoolReading
from mcptop.model.snapshot import Snapshot, Target
from mcptop.model.value import Kind

MOST_REPLICAS = 2000
"""Containers that come and go by the thousand are looked at up to here."""
_LONGEST_GAP_S = 60.0

_Key = tuple[str | None, str, Kind]


class Gatherer:
    """Takes snapshots in the order of time. For one thread."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._tracks: dict[str, Track] = {}
        self._services: dict[_Key, _ServiceTrack] = {}
        self._present: frozenset[str] = frozenset()
        self.left_out = 0
        """Containers beyond `MOST_REPLICAS`."""
        self.looks = 0
        self.span: tuple[float, float] | None = None
        """Wall-clock seconds of the first look and the last."""

    def add(self, snapshot: Snapshot, is_event: bool = False) -> None:
        """One look."""
        at = snapshot.at.timestamp()
        self.looks += 1
        self.span = (self.span[0] if self.span else at, at)
        seen: set[_Key] = set()
        for target in snapshot.targets:
            if not _counts(target):
                continue
            track = self._tracks.get(target.id) or self._track(target)
            if track is None or target.id in snapshot.stale:
                continue
            key = target.project, target.service, target.kind
            if track.look(target, snapshot.readings.get(target.id), at):
                seen.add(key)
            if target.id in snapshot.flows:
                self._service(key).flows(target, snapshot.flows[target.id])
        for key in seen:
            self._service(key).count(at)
        self._present = frozenset(target.id for target in snapshot.targets if target.state in ("running", "paused"))

    def observed(self) -> tuple[Observed, ...]:
        """Of every service, by project and name."""
        members: dict[_Key, list[str]] = {}
        for identity, track in self._tracks.items():
            members.setdefault(track.key, []).append(identity)
        found = [self._observed(key, identities) for key, identities in members.items()]
        return tuple(sorted(found, key=lambda one: (one.project or "", one.name, one.kind)))

    def _observed(self, key: _Key, identities: Iterable[str]) -> Observed:
        replicas = [self._tracks[identity].replica(identity in self._present) for identity in identities]
        return self._service(key).observed(
            key, tuple(sorted(replicas, key=lambda one: (one.name, one.id))), self._interval_s
        )

    def _track(self, target: Target) -> Track | None:
        if len(self._tracks) >= MOST_REPLICAS:
            self.left_out += 1
            return None
        return self._tracks.setdefault(target.id, Track(target))

    def _service(self, key: _Key) -> _ServiceTrack:
        return self._services.setdefault(key, _ServiceTrack())


def _counts(target: Target) -> bool:
    """Containers, and host processes of a project: what has no limit and no owner needs none."""
    return target.kind is Kind.CONTAINER or (target.kind is Kind.PROCESS and bool(target.project))


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


class _ServiceTrack:
    """What is not of one replica alone."""

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
                self._pools.setdefault((target.id, pool.name), _Pool()).look(pool, reading.read_at)
            if reading.models:
                self._loaded(target, reading.models)
        for name in changed:
            self._sketches.setdefault(name, Sketch()).add(sum(self._depths[name].values()))

    def _loaded(self, target: Target, models: tuple[Model, ...]) -> None:
        self._models[target.id] = models
        sizes = [max(0, m.memory_bytes - (m.vram_bytes or 0)) for m in models if m.memory_bytes is not None]
        if len(sizes) == len(models):
            self._models_bytes = max(self._models_bytes or 0.0, float(sum(sizes)))

    def observed(self, key: _Key, replicas: tuple[Replica, ...], interval_s: float) -> Observed:
        """All of it."""
        project, name, kind = key
        seconds = self._last_at - (self._first_at or 0.0) if self._first_at is not None else 0.0
        expected = seconds / interval_s + 1
        return Observed(
            project, name, kind, replicas, self._first_at or 0.0, self._last_at, self._samples,
            min(1.0, self._samples / expected), interval_s,
            tuple(model for models in self._models.values() for model in models), self._models_bytes,
            tuple(self._line(queue) for queue in sorted(self._sketches)), tuple(self._pool_uses()),
        )  # fmt: skip

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
