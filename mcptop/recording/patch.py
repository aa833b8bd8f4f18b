"""Changes back to snapshots; what was the same object in two of them is the same one again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import TypeVar

import msgspec

from mcptop.model.flow_reading import FlowReading
from mcptop.model.snapshot import Counters, HostReading, Reading, Snapshot, Target
from mcptop.recording.delta import MOST_TARGETS, NOTHING, Change
from mcptop.recording.errors import Damage

Part = TypeVar("Part")
_FlowReadings = tuple[FlowReading, ...]


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
            hosts=_latest(change.hosts, old.hosts),
            flows=_patched(old.flows, {name(p): _flows(old.flows, name(p), f) for p, f in change.flows.items()}),
            endpoints=_named(change.endpoints, old.endpoints, name),
            swarm=_latest(change.swarm, old.swarm),
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


def _named(told: list[dict[int, Part]], before: dict[str, Part], name: Callable[[int], str]) -> dict[str, Part]:
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
        swarm=_same_or_new(old.swarm, new.swarm),
    )


def _same_or_new(old: Part | None, new: Part) -> Part:
    return old if old is not None and _ENCODER.encode(old) == _ENCODER.encode(new) else new


def _common(old: Mapping[str, Part], new: Mapping[str, Part]) -> dict[str, Part]:
    return {key: _same_or_new(old.get(key), value) for key, value in new.items()}


def _common_flows(old: _FlowReadings, new: _FlowReadings) -> _FlowReadings:
    before = {reading.source: reading for reading in old}
    return tuple(_same_or_new(before.get(reading.source), reading) for reading in new)
