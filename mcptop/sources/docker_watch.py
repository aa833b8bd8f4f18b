"""The inventory of containers, kept current by a thread: list once, then follow the event stream.

Events that come together are answered together (250 ms), and only the containers they name are inspected
again. When the engine hangs, stops or restarts, the last inventory stays, marked with what is wrong, until
the engine answers again.
"""

from __future__ import annotations

import queue
import signal
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from mcptop.model.snapshot import Target
from mcptop.sources.docker_engine import DockerEngine, EngineError, Event, EventStream
from mcptop.sources.docker_target import Answer, target_of
from mcptop.sources.swarm_answers import superseded

_COALESCE_S = 0.25
_PING_S = 5.0
_BACKOFF_S = (0.5, 1, 2, 4, 8, 15)
# With so many to inspect after the first list, names are shown before the rest is known.
_BATCH = 20


_ENDS = (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL, signal.SIGTERM)
"""Signals by which somebody stops a container: `docker stop` sends one of them, and KILL to who does not listen."""


class Inventory(NamedTuple):
    """What is known of the containers at one moment."""

    targets: tuple[Target, ...] = ()
    engine: DockerEngine | None = None
    """The connection while there is one."""
    error: str | None = None
    """Why there is none now."""
    connected_once: bool = False
    complete: bool = False
    """Whether every container has been inspected."""


class _Seen:
    """What the event stream said about one container; the engine's own answers forget it."""

    __slots__ = ("exit_code", "oom_events", "was_asked_to_stop")

    def __init__(self) -> None:
        self.oom_events = 0
        self.exit_code: int | None = None
        self.was_asked_to_stop = False


class DockerWatch:
    """Keeps `inventory` current from `start` to `stop`. `inventory` is replaced, never changed."""

    def __init__(
        self,
        connect: Callable[[], DockerEngine],
        glance: Callable[[], list[Answer] | None] = lambda: None,
        hold_s: float = 0.0,
    ) -> None:
        """`glance` may know the containers before there is a connection, which is made after `hold_s` seconds."""
        self._connect = connect
        self._glance = glance
        self._hold_s = hold_s
        self._stop = threading.Event()
        self._settled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mcptop-docker", daemon=True)
        self._stream: EventStream | None = None
        self._listed: dict[str, Answer] = {}
        self._inspected: dict[str, Answer] = {}
        self._seen: dict[str, _Seen] = {}
        self.inventory = Inventory()

    def start(self) -> None:
        """Start to connect and follow."""
        self._thread.start()

    def wait(self, timeout_s: float) -> None:
        """Return once the first inventory is complete or has failed, or after `timeout_s`."""
        self._settled.wait(timeout_s)

    def stop(self) -> None:
        """End the thread. It may be stuck in a call to a hung engine; being a daemon, it ends with the process then."""
        self._stop.set()
        if self._stream is not None:
            self._stream.close()
        if self._thread.is_alive():
            self._thread.join(timeout=0.5)

    def _run(self) -> None:
        if listed := self._glance():
            past = superseded(listed)
            self.inventory = Inventory(tuple(target_of(each, None) for each in listed if str(each["Id"]) not in past))
        self._stop.wait(self._hold_s)
        failures = 0
        while not self._stop.is_set():
            try:
                engine = self._connect()
                try:
                    failures = 0
                    self._follow(engine)
                finally:
                    engine.close()
            except EngineError as error:
                self.inventory = self.inventory._replace(engine=None, error=str(error))
            self._settled.set()
            self._stop.wait(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])
            failures += 1

    def _follow(self, engine: DockerEngine) -> None:
        since = int(time.time())
        events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._stream = engine.events(since)
        reader = threading.Thread(target=_pump, args=(self._stream, events), name="mcptop-events", daemon=True)
        reader.start()
        try:
            self._load(engine)
            while not self._stop.is_set():
                self._answer(engine, self._next_events(engine, events))
        finally:
            self._stream.close()
            reader.join(timeout=0.5)

    def _load(self, engine: DockerEngine) -> None:
        self._inspected.clear()
        self._list(engine)
        self._publish(engine, complete=not self._listed)
        for position, identity in enumerate(list(self._listed), 1):
            self._inspect(engine, identity)
            if position % _BATCH == 0 or self._stop.is_set():
                self._publish(engine, complete=False)
        self._publish(engine, complete=True)
        self._settled.set()

    def _next_events(self, engine: DockerEngine, events: queue.SimpleQueue[Event | None]) -> list[Event]:
        """Wait for an event, then for its neighbours. An engine that is silent is asked whether it lives."""
        try:
            found = [events.get(timeout=_PING_S)]
        except queue.Empty:
            engine.ping()
            return []
        deadline = time.monotonic() + _COALESCE_S
        while (left := deadline - time.monotonic()) > 0:
            try:
                found.append(events.get(timeout=left))
            except queue.Empty:
                break
        if None in found:
            if self._stop.is_set():
                return []
            raise EngineError(f"lost the docker engine at {engine.endpoint}; trying again")
        return [event for event in found if event is not None]

    def _answer(self, engine: DockerEngine, events: list[Event]) -> None:
        if not events:
            return
        for event in events:
            seen = self._seen.setdefault(event.container, _Seen())
            if event.action == "oom":
                seen.oom_events += 1
            elif event.action == "die":
                seen.exit_code = event.exit_code
            elif event.action == "kill":
                seen.was_asked_to_stop |= event.signal in _ENDS
            elif event.action == "start":
                seen.was_asked_to_stop = False
        self._list(engine)
        for identity in {event.container for event in events}:
            self._inspect(engine, identity)
        self._publish(engine, complete=True)

    def _list(self, engine: DockerEngine) -> None:
        self._listed = {str(answer["Id"]): answer for answer in engine.containers()}
        self._inspected = {key: value for key, value in self._inspected.items() if key in self._listed}
        self._seen = {key: value for key, value in self._seen.items() if key in self._listed}

    def _inspect(self, engine: DockerEngine, identity: str) -> None:
        answer = engine.inspect(identity) if identity in self._listed else None
        if answer is not None:
            self._inspected[identity] = answer

    def _publish(self, engine: DockerEngine, complete: bool) -> None:
        past = superseded(self._listed.values())
        targets = tuple(self._target(identity) for identity in self._listed if identity not in past)
        self.inventory = Inventory(targets, engine, None, True, complete)

    def _target(self, identity: str) -> Target:
        target = target_of(self._listed[identity], self._inspected.get(identity))
        seen = self._seen.get(identity)
        if seen is None:
            return target
        code = seen.exit_code if target.exit_code is None else target.exit_code
        asked = seen.was_asked_to_stop
        return msgspec.structs.replace(target, oom_events=seen.oom_events, exit_code=code, asked_to_stop=asked)


def _pump(stream: EventStream, events: queue.SimpleQueue[Event | None]) -> None:
    try:
        for event in stream:
            events.put(event)
    except EngineError:
        pass
    events.put(None)
