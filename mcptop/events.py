"""What happened between two looks: starts, ends, restarts, OOM kills, deploys, other limits, broken sources.

Found by comparing what the looks saw, so that a recording tells the same as the live machine did.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from mcptop.changes import ALIVE, Facts, changes, completed, facts_of
from mcptop.model.event import Event, EventKind
from mcptop.model.frame import Service, SourceReport, Status
from mcptop.model.value import Kind

KEPT = 500
_REMEMBERED = timedelta(minutes=15)
"""So long a name that is gone may come back as the same service's."""


class _Gone(NamedTuple):
    facts: Facts
    at: datetime


class _Compared:
    """What one service's instances are beside what they were."""

    __slots__ = ("came", "changed", "key", "left", "service")

    def __init__(
        self,
        key: str,
        service: Service | None,
        left: dict[str, Facts],
        came: dict[str, Facts],
        changed: dict[str, tuple[Facts, Facts]] | None = None,
    ) -> None:
        """`service` is None where it is gone."""
        self.key = key
        self.service = service
        self.left = left
        self.came = came
        self.changed = changed or {}


class EventFinder:
    """Fed with every look; unchanged services cost nothing."""

    def __init__(self) -> None:
        self._services: dict[str, Service] = {}
        self._facts: dict[str, dict[str, Facts]] = {}
        """Service -> instance -> what it was."""
        self._gone: dict[tuple[str, str], _Gone] = {}
        """Service and name -> what it was before it went."""
        self._unsure: set[str] = set()
        """Instances that appeared and may have been there for long: the engine has not said since when."""
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
        found = [
            self._compared(service)
            for key, service in self._services.items()
            if before.get(key) is not service and (service.project or service.kind is not Kind.PROCESS)
        ]
        gone = [_Compared(key, None, self._facts.pop(key), {}) for key in [*self._facts] if key not in self._services]
        _rejoin([*found, *gone])
        for each in (*found, *gone):
            yield from self._of_service(each, at)
        if self._gone:
            self._gone = {name: gone for name, gone in self._gone.items() if at - gone.at < _REMEMBERED}

    def _compared(self, service: Service) -> _Compared:
        known, now = self._facts.get(service.key, {}), {each.id: facts_of(each) for each in service.instances}
        left = {identity: facts for identity, facts in known.items() if identity not in now}
        came = {identity: facts for identity, facts in now.items() if identity not in known}
        changed = {
            identity: (known[identity], facts)
            for identity, facts in now.items()
            if identity in known and known[identity] != facts
        }
        self._facts[service.key] = now
        return _Compared(service.key, service, left, came, changed)

    def _of_service(self, one: _Compared, at: datetime) -> Iterator[Event]:
        if one.service is not None:
            for identity, facts in one.came.items():
                yield from self._came(one.service, identity, facts, one.left, at)
        for identity, facts in one.left.items():
            yield from self._left(one.key, identity, facts, at)
        for identity, (old, facts) in one.changed.items():
            now = self._facts[one.key][identity] = completed(facts, old)
            if now.is_inspected and identity in self._unsure:
                self._unsure.discard(identity)
                if self._is_new(now, at):
                    yield Event(at, EventKind.STARTED, "started", False, one.key, identity, now.name)
                    continue
            for kind, says, bad in changes(old, now):
                yield Event(at, kind, says, bad, one.key, identity, now.name)

    def _came(
        self, service: Service, identity: str, facts: Facts, left: dict[str, Facts], at: datetime
    ) -> Iterator[Event]:
        """Something new: in place of another one, which is then no loss, or as one more."""
        old = _take(left, facts.name, service.kind)
        if old is None and (gone := self._gone.pop((service.key, facts.name), None)) is not None:
            old = gone.facts
        if old is None:
            if service.kind is Kind.CONTAINER and facts.image is not None and not facts.is_inspected:
                self._unsure.add(identity)
            elif self._is_new(facts, at):
                yield Event(at, EventKind.STARTED, "started", False, service.key, identity, facts.name)
        elif old.image != facts.image:
            says = f"image {old.image or 'unknown'} → {facts.image or 'unknown'}"
            yield Event(at, EventKind.DEPLOYED, says, False, service.key, identity, facts.name)
        else:
            says = "restarted" if service.kind is Kind.PROCESS else "recreated"
            yield Event(at, EventKind.RESTARTED, says, False, service.key, identity, facts.name)

    def _is_new(self, facts: Facts, at: datetime) -> bool:
        """The first look finds everything new, and the engine may answer after it: neither is an event."""
        if self._began is None or facts.state not in ALIVE:
            return False
        return at > self._began if facts.started_at is None else facts.started_at > self._began

    def _left(self, service: str, identity: str, facts: Facts, at: datetime) -> Iterator[Event]:
        self._gone[service, facts.name] = _Gone(facts, at)
        self._unsure.discard(identity)
        if facts.state in ALIVE:
            yield Event(at, EventKind.STOPPED, "gone", False, service, identity, facts.name)

    def _of_sources(self, sources: tuple[SourceReport, ...], at: datetime) -> Iterator[Event]:
        for source in sources:
            broken, before = source.status is Status.ERROR, self._sources.get(source.name)
            self._sources[source.name] = broken
            if broken is bool(before) or (before is None and at == self._began):
                continue
            says = f"failed: {source.message}" if broken else "works again"
            yield Event(at, EventKind.SOURCE, says, broken, name=source.name)


def _rejoin(compared: list[_Compared]) -> None:
    """An instance the engine has named since belongs to another service, and is the same."""
    left = {identity: (one, facts) for one in compared for identity, facts in one.left.items()}
    if not left:
        return
    for one in compared:
        for identity in [identity for identity in one.came if identity in left]:
            before, old = left.pop(identity)
            del before.left[identity]
            one.changed[identity] = old, one.came.pop(identity)


def _take(left: dict[str, Facts], name: str, kind: Kind) -> Facts | None:
    """What the new one replaces: of containers the one with its name, of processes any that went."""
    for identity, facts in left.items():
        if facts.name == name or kind is Kind.PROCESS:
            return left.pop(identity)
    return None
