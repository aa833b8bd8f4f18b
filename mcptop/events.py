"""What happened between two looks: starts, ends, restarts, OOM kills, deploys, other limits, broken sources.

Found by comparing what the looks saw, so that a recording tells the same as the live machine did.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from mcptop import units
from mcptop.model.event import Event, EventKind
from mcptop.model.frame import Service, SourceReport, Status
from mcptop.model.instance import Instance
from mcptop.model.value import Kind

KEPT = 500
_REMEMBERED = timedelta(minutes=15)
"""So long a name that is gone may come back as the same service's."""
_KILLED = 137
_ALIVE = ("running", "paused")


class _Facts(NamedTuple):
    """What is compared of an instance."""

    name: str
    state: str
    health: str | None
    image: str | None
    started_at: datetime | None
    restarts: int | None
    oom_kills: int | None
    exit_code: int | None
    cores: float | None
    memory: int | None
    pids: int | None


class _Gone(NamedTuple):
    facts: _Facts
    at: datetime


class EventFinder:
    """Fed with every look; unchanged services cost nothing."""

    def __init__(self) -> None:
        self._services: dict[str, Service] = {}
        self._facts: dict[str, dict[str, _Facts]] = {}
        """Service -> instance -> what it was."""
        self._gone: dict[tuple[str, str], _Gone] = {}
        """Service and name -> what it was before it went."""
        self._sources: dict[str, bool] = {}
        self._kept: deque[Event] = deque(maxlen=KEPT)
        self._events: tuple[Event, ...] = ()
        self._began: datetime | None = None

    def look(self, services: tuple[Service, ...], sources: tuple[SourceReport, ...], at: datetime) -> tuple[Event, ...]:
        """All that is known to have happened, the oldest first."""
        self._began = self._began or at
        found = [*self._of_services(services, at), *self._of_sources(sources, at)]
        if found:
            self._kept.extend(found)
            self._events = tuple(self._kept)
        return self._events

    def _of_services(self, services: tuple[Service, ...], at: datetime) -> Iterator[Event]:
        before, self._services = self._services, {service.key: service for service in services}
        for key, service in self._services.items():
            if before.get(key) is not service and (service.project or service.kind is not Kind.PROCESS):
                yield from self._of_service(service, at)
        for key in [key for key in self._facts if key not in self._services]:
            for identity, facts in self._facts.pop(key).items():
                yield from self._left(key, identity, facts, at)
        if self._gone:
            self._gone = {name: gone for name, gone in self._gone.items() if at - gone.at < _REMEMBERED}

    def _of_service(self, service: Service, at: datetime) -> Iterator[Event]:
        known, now = self._facts.get(service.key, {}), {each.id: _facts_of(each) for each in service.instances}
        self._facts[service.key] = now
        left = {identity: facts for identity, facts in known.items() if identity not in now}
        came = {identity: facts for identity, facts in now.items() if identity not in known}
        for identity, facts in came.items():
            yield from self._came(service, identity, facts, left, at)
        for identity, facts in left.items():
            yield from self._left(service.key, identity, facts, at)
        for identity, facts in now.items():
            old = known.get(identity)
            if old is not None and old != facts:
                for kind, says, bad in _changes(old, facts):
                    yield Event(at, kind, says, bad, service.key, identity, facts.name)

    def _came(
        self, service: Service, identity: str, facts: _Facts, left: dict[str, _Facts], at: datetime
    ) -> Iterator[Event]:
        """Something new: in place of another one, which is then no loss, or as one more."""
        old = _take(left, facts.name, service.kind)
        if old is None and (gone := self._gone.pop((service.key, facts.name), None)) is not None:
            old = gone.facts
        if old is None:
            if self._is_new(facts, at):
                yield Event(at, EventKind.STARTED, "started", False, service.key, identity, facts.name)
        elif old.image != facts.image:
            says = f"image {old.image or 'unknown'} → {facts.image or 'unknown'}"
            yield Event(at, EventKind.DEPLOYED, says, False, service.key, identity, facts.name)
        else:
            says = "restarted" if service.kind is Kind.PROCESS else "made anew"
            yield Event(at, EventKind.RESTARTED, says, False, service.key, identity, facts.name)

    def _is_new(self, facts: _Facts, at: datetime) -> bool:
        """The first look finds everything new, and the engine may answer after it: neither is an event."""
        if self._began is None or facts.state not in _ALIVE:
            return False
        return at > self._began if facts.started_at is None else facts.started_at > self._began

    def _left(self, service: str, identity: str, facts: _Facts, at: datetime) -> Iterator[Event]:
        self._gone[service, facts.name] = _Gone(facts, at)
        if facts.state in _ALIVE:
            yield Event(at, EventKind.STOPPED, "gone", False, service, identity, facts.name)

    def _of_sources(self, sources: tuple[SourceReport, ...], at: datetime) -> Iterator[Event]:
        for source in sources:
            broken, before = source.status is Status.ERROR, self._sources.get(source.name)
            self._sources[source.name] = broken
            if broken is bool(before) or (before is None and at == self._began):
                continue
            says = f"failed: {source.message}" if broken else "works again"
            yield Event(at, EventKind.SOURCE, says, broken, name=source.name)


def _facts_of(one: Instance) -> _Facts:
    return _Facts(one.name, one.state, one.health, one.image, one.started_at, one.restarts, one.oom_kills,
                  one.exit_code, one.cpu.limit_cores, one.memory.limit_bytes, one.pids_limit)  # fmt: skip


def _take(left: dict[str, _Facts], name: str, kind: Kind) -> _Facts | None:
    """What the new one replaces: of containers the one with its name, of processes any that went."""
    for identity, facts in left.items():
        if facts.name == name or kind is Kind.PROCESS:
            return left.pop(identity)
    return None


_Change = tuple[EventKind, str, bool]


def _changes(old: _Facts, now: _Facts) -> Iterator[_Change]:
    kills = (now.oom_kills or 0) - (old.oom_kills or 0)
    if kills > 0:
        yield EventKind.OOM_KILL, "killed for lack of memory" + (f", {kills} times" if kills > 1 else ""), True
    yield from _runs(old, now)
    if now.health != old.health and now.health is not None and old.health is not None:
        yield EventKind.HEALTH, f"{old.health} → {now.health}", now.health == "unhealthy"
    if now.image != old.image and None not in (now.image, old.image):
        yield EventKind.DEPLOYED, f"image {old.image} → {now.image}", False
    for word, before, after, text in (
        ("CPU quota", old.cores, now.cores, _cores),
        ("memory limit", old.memory, now.memory, units.long_size),
        ("pids limit", old.pids, now.pids, units.count),
    ):
        if before != after and now.state in _ALIVE and old.state in _ALIVE:
            yield EventKind.LIMIT, f"{word} {_limit(text(before), before)} → {_limit(text(after), after)}", False


def _runs(old: _Facts, now: _Facts) -> Iterator[_Change]:
    """Restarts, starts and ends."""
    times = (now.restarts or 0) - (old.restarts or 0)
    restarted = times > 0 or (None not in (old.started_at, now.started_at) and now.started_at != old.started_at)
    alive, was_alive = now.state in _ALIVE, old.state in _ALIVE
    if restarted and (was_alive or old.state == "restarting"):
        often = f" {times} times" if times > 1 else ""
        yield EventKind.RESTARTED, f"restarted{often}{_ended(now.exit_code)}", now.exit_code not in (None, 0)
    elif alive and not was_alive:
        yield EventKind.STARTED, "started", False
    elif was_alive and not alive:
        yield EventKind.STOPPED, f"{now.state}{_ended(now.exit_code)}", now.exit_code not in (None, 0, 143)
    elif alive and now.state != old.state:
        yield EventKind.STOPPED if now.state == "paused" else EventKind.STARTED, now.state, False


def _ended(code: int | None) -> str:
    if code is None:
        return ""
    return f", exit code {code}" + (" (killed)" if code == _KILLED else "")


def _cores(cores: float | None) -> str:
    return "" if cores is None else f"{cores:g} cores"


def _limit(text: str, value: float | None) -> str:
    return "none" if value is None else text
