"""Snapshots, one after the other, to what was seen of each service. Memory grows with services, not with time."""

from __future__ import annotations

from collections.abc import Iterable

from mcptop.advice.observed import Observed
from mcptop.advice.service_track import ServiceKey, ServiceTrack
from mcptop.advice.track import Track
from mcptop.model.snapshot import Snapshot, Target
from mcptop.model.value import Kind

MOST_REPLICAS = 2000
"""Containers that come and go by the thousand are looked at up to here."""


class Gatherer:
    """Takes snapshots in the order of time. For one thread."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._tracks: dict[str, Track] = {}
        self._services: dict[ServiceKey, ServiceTrack] = {}
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
        seen: set[ServiceKey] = set()
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
        for service in snapshot.swarm.services if snapshot.swarm is not None else ():
            if service.mode != "replicated" and (key := (service.stack, service.service, Kind.CONTAINER)) in seen:
                self._service(key).fix()
        before = self._present
        self._present = frozenset(target.id for target in snapshot.targets if target.state in ("running", "paused"))
        for identity in before - self._present:
            if (gone := self._tracks.get(identity)) is not None:
                self._service(gone.key).ended(identity)

    def observed(self) -> tuple[Observed, ...]:
        """Of every service, by project and name."""
        members: dict[ServiceKey, list[str]] = {}
        for identity, track in self._tracks.items():
            members.setdefault(track.key, []).append(identity)
        found = [self._observed(key, identities) for key, identities in members.items()]
        return tuple(sorted(found, key=lambda one: (one.project or "", one.name, one.kind)))

    def _observed(self, key: ServiceKey, identities: Iterable[str]) -> Observed:
        replicas = [self._tracks[identity].replica(identity in self._present) for identity in identities]
        return self._service(key).observed(
            key, tuple(sorted(replicas, key=lambda one: (one.name, one.id))), self._interval_s
        )

    def _track(self, target: Target) -> Track | None:
        if len(self._tracks) >= MOST_REPLICAS:
            self.left_out += 1
            return None
        return self._tracks.setdefault(target.id, Track(target))

    def _service(self, key: ServiceKey) -> ServiceTrack:
        return self._services.setdefault(key, ServiceTrack())


def _counts(target: Target) -> bool:
    """Containers, and host processes of a project: what has no limit and no owner needs none."""
    return target.kind is Kind.CONTAINER or (target.kind is Kind.PROCESS and bool(target.project))
