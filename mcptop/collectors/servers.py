"""Servers that are asked for their clients and queues: each by a thread of its own, so that no tick waits for one.

One collector for each server, so that one that fails is one line among the sources and the others' figures go on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from mcptop.collectors.base import Findings, NoData, SourceError, Tick
from mcptop.collectors.server_asker import Asked, Asker, Outcome
from mcptop.collectors.server_flows import Place, postgres_flows, redis_flows
from mcptop.model.flow_reading import FlowReading
from mcptop.model.snapshot import Target
from mcptop.model.value import Kind
from mcptop.server_settings import Address, PostgresServer, RedisServer
from mcptop.sources.docker_engine import DockerEngine
from mcptop.sources.docker_exec import DockerExec
from mcptop.sources.postgres import PostgresByAddress, PostgresInContainer, PostgresView
from mcptop.sources.redis_server import RedisByAddress, RedisInContainer
from mcptop.sources.redis_view import RedisView

EVERY_S = 5.0
LOCKED = "wait for a lock"
REJECTED = "connections rejected at maxclients since its start"


class Naming(Protocol):
    """Whose an address is."""

    def owner(self, address: str, port: int) -> str | None:
        """The target that has opened the connection from this address and port, as the server sees it."""

    def server(self, host: str, port: int) -> str | None:
        """The target that listens there; `host` is a name or an address, as in the settings."""


class ServerCollector:
    """One server."""

    deadline_s = 2.0

    def __init__(self, server: PostgresServer | RedisServer, asked: Asked, naming: Naming, every_s: float) -> None:
        self._server = server
        self._naming = naming
        self._address: Address | None = server.address
        self._kind = "postgres" if isinstance(server, PostgresServer) else "redis"
        self.name = f"{self._kind} {self._address or server.container}"
        self._title = f"{self._kind} at {self._address}" if self._address else f"{self._kind} in {server.container}"
        self._patience_s = 3 * server.timeout + 5
        self._asker = Asker(self.name, asked, every_s)
        self._shown: Outcome | None = None
        self._findings = Findings()

    def collect(self, tick: Tick) -> Findings:
        """The newest answer. Raises `SourceError` while there is none that is of now."""
        target = self._target(tick.targets)
        self._asker.ask_in(target.id if target is not None and self._server.container else None)
        if not self._asker.ident:
            self._asker.start()
        since, outcome = self._asker.since, self._asker.outcome
        if since is not None and tick.monotonic - since > self._patience_s:
            raise SourceError(f"{self._title}: no answer for {tick.monotonic - since:.0f} s")
        if outcome is None:
            raise NoData(f"{self._title}: asking")
        if outcome.error is not None:
            raise SourceError(f"{self._title}: {outcome.error}")
        if outcome is not self._shown:
            self._shown, self._findings = outcome, self._map(outcome, target, tick.targets)
        return self._findings

    def _map(self, outcome: Outcome, target: Target | None, targets: Sequence[Target]) -> Findings:
        name = self._server.service or (target.service if target else self._kind)
        place = Place(target.id if target else self._title, name, self._owner(targets))
        flows, notes = _flows_of(outcome, place)
        return Findings(targets=() if target else (self._alone(name),), flows=flows, message="; ".join(notes))

    def _alone(self, name: str) -> Target:
        """The server as a service of its own: it is none of those that are shown."""
        return Target(id=self._title, name=self._title, kind=Kind.SERVER, project=None, service=name)

    def _target(self, targets: Sequence[Target]) -> Target | None:
        if container := self._server.container:
            return _named(container, (target for target in targets if target.kind is Kind.CONTAINER))
        if self._server.service:
            return _named(self._server.service, targets)
        if self._address is None:
            return None
        host = self._address.host
        found = self._naming.server("localhost" if host is None or host.startswith("/") else host, self._address.port)
        return next((target for target in targets if target.id == found), None)

    def _owner(self, targets: Sequence[Target]) -> Callable[[str | None, int | None, str], str | None]:
        """By its connection; where that is not known, by the name it gave itself, if that is a service's."""
        by_name: dict[str, str | None] = {}

        def owner(address: str | None, port: int | None, name: str) -> str | None:
            if address and port and (found := self._naming.owner(address, port)):
                return found
            if name not in by_name:
                target = _named(name, targets) if name else None
                by_name[name] = target.id if target else None
            return by_name[name]

        return owner

    def close(self) -> None:
        """End the thread; one that is stuck in a call ends with the process."""
        self._asker.end()


def _named(name: str, targets: Iterable[Target]) -> Target | None:
    """The running target of this name, or id, or else the first of the service of this name."""
    running = sorted((target for target in targets if target.state == "running"), key=lambda target: target.name)
    exact = (t for t in running if name in (t.name, t.id) or (len(name) >= 12 and t.id.startswith(name)))
    return next(exact, None) or next((target for target in running if target.service == name), None)


def _flows_of(outcome: Outcome, place: Place) -> tuple[dict[str, FlowReading], list[str]]:
    """The flows, and what there is to say besides."""
    view = outcome.view
    if isinstance(view, PostgresView):
        return postgres_flows(view, outcome.read_at, place), _postgres_notes(view)
    assert isinstance(view, RedisView)
    return redis_flows(view, outcome.read_at, place), _redis_notes(view)


def _postgres_notes(view: PostgresView) -> list[str]:
    notes = [f"{view.version}, {len(view.clients)} clients"]
    if locked := sum(client.waits_for_lock for client in view.clients):
        notes.append(f"{locked} {LOCKED}")
    if hidden := sum(not client.is_known for client in view.clients):
        notes.append(f"{hidden} do not show their state: GRANT pg_read_all_stats to mcptop's role")
    return notes


def _redis_notes(view: RedisView) -> list[str]:
    notes = [view.version if view.connected is None else f"{view.version}, {view.connected} clients"]
    if view.rejected_connections:
        notes.append(f"{view.rejected_connections} {REJECTED}")
    return [*notes, *view.refused]


def noted(message: str, what: str) -> int:
    """The number a server's message has before `LOCKED` or `REJECTED`: 0 where it has none."""
    number = next((note.split()[0] for note in message.split("; ") if note.endswith(f" {what}")), "0")
    return int(number) if number.isdigit() else 0


def server_collectors(
    postgres: Iterable[PostgresServer],
    redis: Iterable[RedisServer],
    naming: Naming,
    connect: Callable[[], DockerEngine],
    every_s: float = EVERY_S,
) -> list[ServerCollector]:
    """One collector for each table of the settings. `connect` opens an engine, for those asked inside a container."""
    collectors = []
    for server in postgres:
        if server.dsn is not None and server.address is not None:
            asked: Asked = PostgresByAddress(server.dsn.reveal(), server.address, server.timeout)
        else:
            asked = PostgresInContainer(DockerExec(connect), server.timeout)
        collectors.append(ServerCollector(server, asked, naming, every_s))
    for cache in redis:
        if cache.url is not None and cache.address is not None:
            asked = RedisByAddress(cache.url.reveal(), cache.address, cache.queues, cache.timeout)
        else:
            asked = RedisInContainer(DockerExec(connect), cache.queues, cache.timeout)
        collectors.append(ServerCollector(cache, asked, naming, every_s))
    return collectors
