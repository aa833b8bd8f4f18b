"""What a tick changed against the one before, and the snapshot again from that.

"Unchanged" is by identity first, as everywhere: what was the same object in two snapshots is the same one again when
they are read back, and nothing downstream computes more for a replay than it did when it happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import chain
from typing import Any, TypeVar

import msgspec

from mcptop.model.flow_reading import FlowReading
from mcptop.model.frame import SourceReport
from mcptop.model.instance import FileDescriptors, Sockets
from mcptop.model.snapshot import Counters, HostReading, Reading, Snapshot, Target
from mcptop.model.value import Value
from mcptop.recording.errors import Damage
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
            order=[] if _ids(old) == _ids(new) else [[place(target.id) for target in new.targets]],
            targets={place(target.id): target for target in targets},
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
            sources=_unless_same(old.sources, new.sources),
            stale=[] if old.stale == new.stale else [{place(key): since for key, since in new.stale.items()}],
            endpoints=[]
            if old.endpoints == new.endpoints
            else [{place(key): shown(url) for key, url in new.endpoints.items()}],
            engine=_unless_same(old.engine, new.engine),
            banner=_unless_same(old.banner, new.banner),
            host_sockets=_unless_same(old.host_sockets, new.host_sockets),
            names=list(self._places)[known:],
        )

    def _place(self, name: str) -> int:
        return self._places.setdefault(name, len(self._places))


class Patcher:
    """Changes back to snapshots."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._targets: dict[str, Target] = {}
        self._now = NOTHING

    def snapshot(self, change: Change) -> Snapshot:
        """The tick after the one before. Raises `Damage` for what cannot follow it."""
        try:
            return self._snapshot(change)
        except (LookupError, TypeError) as error:
            raise Damage(f"it does not follow the record before it ({type(error).__name__})") from None

    def continue_from(self, snapshot: Snapshot) -> None:
        """The last snapshot again, some of its parts as other objects."""
        self._now = snapshot
        self._targets = {target.id: target for target in snapshot.targets}

    def _snapshot(self, change: Change) -> Snapshot:
        self._names += change.names
        if len(self._names) > MOST_TARGETS or any(place < 0 for place in _places(change)):
            raise Damage("too many targets, or none")
        old, name = self._now, self._names.__getitem__
        for place, target in change.targets.items():
            workers = change.workers.get(place, 1)
            settings = (("WEB_CONCURRENCY", workers),) if workers != 1 else ()
            self._targets[name(place)] = msgspec.structs.replace(target, id=name(place), environment=settings)
        readings = {name(place): reading for place, reading in change.readings.items()}
        for key, reading in readings.items():
            _keep_counters(old.readings.get(key), reading)
        if change.host:
            _keep_counters(old.host, change.host[0])
        self._now = Snapshot(
            at=change.at,
            monotonic=change.monotonic,
            host=_latest(change.host, old.host),
            targets=self._ordered(change),
            readings=_patched(old.readings, readings),
            sockets=_patched(old.sockets, {name(place): each for place, each in change.sockets.items()}),
            files=_patched(old.files, {name(place): each for place, each in change.files.items()}),
            sources=_latest(change.sources, old.sources),
            stale=_named(change.stale, old.stale, name),
            engine=_latest(change.engine, old.engine),
            banner=_latest(change.banner, old.banner),
            host_sockets=_latest(change.host_sockets, old.host_sockets),
            flows=_patched(old.flows, {name(p): _flows(old.flows, name(p), f) for p, f in change.flows.items()}),
            endpoints=_named(change.endpoints, old.endpoints, name),
        )
        return self._now

    def _ordered(self, change: Change) -> tuple[Target, ...]:
        if change.order:
            keys: Iterable[str] = [self._names[place] for place in change.order[0]]
            if len(change.order[0]) > MOST_TARGETS:
                raise Damage("too many targets")
            return tuple(self._targets[key] for key in keys)
        if not change.targets:
            return self._now.targets
        return tuple(self._targets[target.id] for target in self._now.targets)


def _ids(snapshot: Snapshot) -> list[str]:
    return [target.id for target in snapshot.targets]


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
    for key, readings in new.items():
        before = old.get(key)
        places = {id(reading): place for place, reading in enumerate(before or ())}
        told = tuple(places.get(id(reading), reading) for reading in readings)
        if before is None or told != tuple(range(len(before))):
            found[key] = told
    for gone in old.keys() - new.keys():
        found[gone] = None
    return found


def _unless_same(old: Part, new: Part) -> list[Part]:
    return [] if old is new else [new]


def _latest(told: list[Part], before: Part) -> Part:
    return told[0] if told else before


def _patched(old: dict[str, Part], changed: Mapping[str, Part | None]) -> dict[str, Part]:
    if not changed:
        return old
    found = {**old}
    for key, value in changed.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = value
    return found


def _named(told: list[dict[int, Part]], before: dict[str, Part], name: Any) -> dict[str, Part]:
    return {name(place): value for place, value in told[0].items()} if told else before


def _flows(
    old: Mapping[str, _FlowReadings], key: str, told: tuple[FlowReading | int, ...] | None
) -> _FlowReadings | None:
    if told is None:
        return None
    before = old.get(key, ())
    return tuple(before[each] if isinstance(each, int) else each for each in told)


def _keep_counters(old: Reading | HostReading | None, new: Reading | HostReading | None) -> None:
    """Counters that were not read again are the same object: between them there is no rate."""
    if old is None or new is None:
        return
    for name in ("network", "disk"):
        before: Counters | None = getattr(old, name, None)
        after: Counters | None = getattr(new, name, None)
        if before is not None and after is not None and before.read_at == after.read_at:
            msgspec.structs.force_setattr(new, name, before)


def _places(change: Change) -> Iterable[int]:
    parts: tuple[Iterable[int], ...] = (
        change.targets, change.readings, change.sockets, change.files, change.flows,
        *change.order, *change.stale, *change.endpoints,
    )  # fmt: skip
    return chain.from_iterable(parts)


_ENCODER = msgspec.msgpack.Encoder()


def joined(old: Snapshot, new: Snapshot) -> Snapshot:
    """`new`, which was read by itself, with what it has in common with `old`, the tick before, as the same object."""
    readings = _common(old.readings, new.readings)
    for key, reading in readings.items():
        _keep_counters(old.readings.get(key), reading)
    _keep_counters(old.host, new.host)
    targets = {target.id: target for target in old.targets}
    return msgspec.structs.replace(
        new,
        targets=tuple(_same_or_new(targets.get(target.id), target) for target in new.targets),
        readings=readings,
        sockets=_common(old.sockets, new.sockets),
        files=_common(old.files, new.files),
        flows={key: _common_flows(old.flows.get(key, ()), readings) for key, readings in new.flows.items()},
        host_sockets=_same_or_new(old.host_sockets, new.host_sockets),
    )


def _same_or_new(old: Part | None, new: Part) -> Part:
    return old if old is not None and _ENCODER.encode(old) == _ENCODER.encode(new) else new


def _common(old: Mapping[str, Part], new: Mapping[str, Part]) -> dict[str, Part]:
    return {key: _same_or_new(old.get(key), value) for key, value in new.items()}


def _common_flows(old: _FlowReadings, new: _FlowReadings) -> _FlowReadings:
    before = {reading.source: reading for reading in old}
    return tuple(_same_or_new(before.get(reading.source), reading) for reading in new)
