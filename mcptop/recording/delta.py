"""What a tick changed against the one before.

"Unchanged" is by identity first, as everywhere: what was the same object in two snapshots is the same one again when
they are read back, and nothing downstream computes more for a replay than it did when it happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeVar

import msgspec

from mcptop.model.flow_reading import FlowReading
from mcptop.model.frame import SourceReport
from mcptop.model.instance import FileDescriptors, Sockets
from mcptop.model.snapshot import HostReading, Reading, Snapshot, Target
from mcptop.model.swarm import Swarm, SwarmService
from mcptop.model.value import Value
from mcptop.secret_forms import masked
from mcptop.sources import pool_settings
from mcptop.sources.http_page import shown

MOST_TARGETS = 50_000
"""In one snapshot, and named between two key records."""
NOTHING = Snapshot(datetime.fromtimestamp(0, UTC), 0.0, None, (), {}, {}, {}, (), {})
"""What the first snapshot is compared with."""

Part = TypeVar("Part")


class Change(Value, frozen=True):
    """One tick. Targets are known by their place in the list of names; an empty list means: as before."""

    at: datetime
    monotonic: float
    names: list[str]
    """Ids of targets that had no place yet."""
    order: list[list[int]]
    """All targets, in their order."""
    targets: dict[int, Target]
    workers: dict[int, int]
    """Of these targets: worker processes where there are several, which is all that is kept of an environment."""
    host: list[HostReading | None]
    readings: dict[int, Reading | None]
    """None, here and below: it has none any more."""
    sockets: dict[int, Sockets | None]
    files: dict[int, FileDescriptors | None]
    flows: dict[int, tuple[FlowReading | int, ...] | None]
    """A number: the reading at that place in the tick before."""
    sources: list[tuple[SourceReport, ...]]
    stale: list[dict[int, float]]
    endpoints: list[dict[int, str]]
    engine: list[str | None]
    banner: list[str | None]
    host_sockets: list[Sockets | None]
    swarm: list[Swarm | None] = msgspec.field(default_factory=list)
    hosts: list[tuple[HostReading, ...]] = msgspec.field(default_factory=list)


NO_CHANGE = Change(NOTHING.at, 0.0, [], [], {}, {}, [], {}, {}, {}, {}, [], [], [], [], [], [])


class Differ:
    """Snapshots to changes."""

    def __init__(self) -> None:
        self._before = NOTHING
        self._places: dict[str, int] = {}

    def change(self, new: Snapshot) -> Change:
        """Against the snapshot that was given before this one; the first has everything in it."""
        old, self._before, known = self._before, new, len(self._places)
        targets = _changed_targets(old, new)
        place = self._place
        return Change(
            at=new.at,
            monotonic=new.monotonic,
            order=[] if _has_same_order(old, new) else [[place(target.id) for target in new.targets]],
            targets={place(target.id): _without_secrets(target) for target in targets},
            workers={
                place(target.id): workers
                for target in targets
                if (workers := pool_settings.processes(target.environment)) != 1
            },
            host=_unless_same(old.host, new.host),
            readings={place(key): value for key, value in _changed(old.readings, new.readings).items()},
            sockets={place(key): value for key, value in _changed(old.sockets, new.sockets).items()},
            files={place(key): value for key, value in _changed(old.files, new.files).items()},
            flows={place(key): value for key, value in _changed_flows(old.flows, new.flows).items()},
            sources=[] if old.sources is new.sources else [tuple(map(_masked, new.sources))],
            stale=[] if old.stale == new.stale else [{place(key): since for key, since in new.stale.items()}],
            endpoints=[]
            if old.endpoints == new.endpoints
            else [{place(key): masked(shown(url)) for key, url in new.endpoints.items()}],
            engine=_unless_same(old.engine, new.engine),
            banner=_unless_same(old.banner, new.banner),
            host_sockets=_unless_same(old.host_sockets, new.host_sockets),
            swarm=[] if old.swarm is new.swarm else [_told(new.swarm)],
            hosts=_unless_same(old.hosts, new.hosts),
            names=list(self._places)[known:],
        )

    def _place(self, name: str) -> int:
        return self._places.setdefault(name, len(self._places))


def _without_secrets(target: Target) -> Target:
    """A health check prints what it likes."""
    if target.health_output is None:
        return target
    return msgspec.structs.replace(target, health_output=masked(target.health_output))


def _told(swarm: Swarm | None) -> Swarm | None:
    """What a program said when it failed may have a secret in it."""
    if swarm is None:
        return None
    return Swarm(tuple(map(_without_said_secrets, swarm.services)), swarm.nodes)


def _without_said_secrets(service: SwarmService) -> SwarmService:
    troubles = tuple(msgspec.structs.replace(each, says=masked(each.says)) for each in service.troubles)
    said = service.update_message
    return msgspec.structs.replace(service, troubles=troubles, update_message=masked(said) if said else said)


def _masked(report: SourceReport) -> SourceReport:
    says = _masked_message(report.message) if report.message else ""
    return report if says == report.message else msgspec.structs.replace(report, message=says)


@lru_cache(maxsize=256)
def _masked_message(message: str) -> str:
    """A report is new in every tick, what it says hardly ever."""
    return masked(message)


def _has_same_order(old: Snapshot, new: Snapshot) -> bool:
    return old.targets is new.targets or [each.id for each in old.targets] == [each.id for each in new.targets]


def _changed_targets(old: Snapshot, new: Snapshot) -> list[Target]:
    if old.targets is new.targets:
        return []
    before = {target.id: target for target in old.targets}
    return [target for target in new.targets if before.get(target.id) is not target]


def _changed(old: Mapping[str, Part], new: Mapping[str, Part]) -> dict[str, Part | None]:
    if old is new:
        return {}
    found: dict[str, Part | None] = {key: value for key, value in new.items() if old.get(key) is not value}
    for gone in old.keys() - new.keys():
        found[gone] = None
    return found


_FlowReadings = tuple[FlowReading, ...]


def _changed_flows(
    old: Mapping[str, _FlowReadings], new: Mapping[str, _FlowReadings]
) -> dict[str, tuple[FlowReading | int, ...] | None]:
    found: dict[str, tuple[FlowReading | int, ...] | None] = {}
    if old is new:
        return found
    for key, readings in new.items():
        before = old.get(key)
        if before is readings:
            continue
        places = {id(reading): place for place, reading in enumerate(before or ())}
        told = tuple(places.get(id(reading), reading) for reading in readings)
        if before is None or told != tuple(range(len(before))):
            found[key] = told
    for gone in old.keys() - new.keys():
        found[gone] = None
    return found


def _unless_same(old: Part, new: Part) -> list[Part]:
    return [] if old is new else [new]
