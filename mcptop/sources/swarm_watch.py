"""Swarm's services, tasks and nodes, kept current by a thread that asks the engine of a `DockerWatch`.

Services and nodes have events, tasks have none: so the manager is asked again at every event, and every five seconds
besides; sooner while replicas are missing, and never for more than a twentieth of the time.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from mcptop.model.swarm import Swarm
from mcptop.sources import swarm_answers
from mcptop.sources.docker_engine import DockerEngine, EngineError
from mcptop.sources.docker_target import Answer
from mcptop.sources.swarm_answers import Look, Task
from mcptop.units import plain

EVERY_S = 5.0
_MISSING_S = 1.5
"""Between two looks while a service has not what it shall have."""
_NO_MANAGER_S = 15.0
"""Between two questions whether this node has become a manager."""
_COALESCE_S = 0.25
_DUTY = 20
_CONNECT_S = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, EVERY_S)
_ENCODER = msgspec.msgpack.Encoder()

LOCKED = "locked since its restart, so services and tasks are unknown: `docker swarm unlock`"
WORKER = "this node is a worker, and only managers know the services: give mcptop a manager with --host"
_SAYING = {"locked": 3, "error": 2, "active": 1}
"""Of nodes that are no managers, which one's state is told."""
_NO_ROLE: Answer = {}
_LOST = "as it was before the engine was lost"


class SwarmState(NamedTuple):
    """What is known at one moment. `swarm` stays the same object while nothing changes."""

    swarm: Swarm | None = None
    tasks: tuple[Task, ...] = ()
    why: str = "waiting for the engine"
    """Why there is no swarm to be seen, in one line; or what is wrong with what is seen."""
    is_broken: bool = False
    """Whether somebody has to do something about that."""
    own_node: str = ""
    """Id of the node that was asked: its containers are known from elsewhere."""


class SwarmWatch:
    """Keeps `state` current from `start` to `stop`. `state` is replaced, never changed."""

    def __init__(self, engines: Callable[[], Sequence[DockerEngine | None]], every_s: float = EVERY_S) -> None:
        """`engines`: the connections that somebody else makes and closes, of which the first manager is asked."""
        self._engines = engines
        self._every_s = every_s
        self._stop = threading.Event()
        self._kick = threading.Event()
        self._settled = threading.Event()
        self._manager: DockerEngine | None = None
        self._listener: _Listener | None = None
        self._thread = threading.Thread(target=self._run, name="mcptop-swarm", daemon=True)
        self.state = SwarmState()

    def start(self) -> None:
        """Start to ask."""
        self._thread.start()

    @property
    def settled(self) -> bool:
        """Whether the first question is answered, one way or the other."""
        return self._settled.is_set()

    def stop(self) -> None:
        """End the thread. One that is stuck in a call ends with the process."""
        self._stop.set()
        self._kick.set()
        self._unlisten()
        if self._thread.is_alive():
            self._thread.join(timeout=0.5)

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            engines = [engine for engine in self._engines() if engine is not None]
            if not engines:
                self._unlisten()
                if self.state.swarm is not None:
                    self.state = self.state._replace(why=_LOST)
                self._wait(_CONNECT_S[min(failures, len(_CONNECT_S) - 1)])
                failures += 1
                continue
            failures = 0
            began = time.monotonic()
            pause_s = self._ask(engines)
            self._settled.set()
            self._wait(max(pause_s, _DUTY * (time.monotonic() - began)))
        self._unlisten()

    def _ask(self, engines: Sequence[DockerEngine]) -> float:
        """One look; how long to wait for the next."""
        try:
            engine, role = self._manager, _NO_ROLE
            if engine is None or engine not in engines or self.state.swarm is None or self.state.why:
                engine, role = _manager_of(engines)
            if engine is None:
                self._unlisten()
                self.state = SwarmState(None, (), *no_manager(role))
                return _NO_MANAGER_S if not self.state.is_broken else self._every_s
            self._manager = engine
            self._listen(engine)
            node = str(role.get("NodeID") or self.state.own_node)
            look = swarm_answers.look_of(engine.services(), engine.tasks(), engine.nodes(), datetime.now(UTC))
        except EngineError as error:
            self._fail(str(error))
            return self._every_s
        self._publish(look, node)
        return _MISSING_S if any(service.missing for service in look.swarm.services) else self._every_s

    def _publish(self, look: Look, node: str) -> None:
        before = self.state
        is_same = before.swarm is not None and _ENCODER.encode(before.swarm) == _ENCODER.encode(look.swarm)
        tasks = before.tasks if before.tasks == look.tasks else look.tasks
        self.state = SwarmState(before.swarm if is_same else look.swarm, tasks, "", False, node)

    def _fail(self, error: str) -> None:
        """A manager that was one and does not answer: what was known stays, and why it is old is said."""
        says = error
        if "leader" in error or "quorum" in error:
            says = f"no leader, so nothing can be changed or seen: bring the other managers back ({error})"
        elif "encrypted" in error or "unlock" in error:
            self.state = SwarmState(None, (), LOCKED, True)
            return
        self.state = self.state._replace(why=plain(says, 300), is_broken=True)

    def _listen(self, engine: DockerEngine) -> None:
        if self._listener is None or not self._listener.listens_to(engine):
            self._unlisten()
            self._listener = _Listener(engine, self._kick)
            self._listener.start()

    def _unlisten(self) -> None:
        if self._listener is not None:
            self._listener.end()
            self._listener = None

    def _wait(self, seconds: float) -> None:
        """Until it is time, or something has happened; what happens together is answered together."""
        if self._kick.wait(seconds) and not self._stop.is_set():
            self._stop.wait(_COALESCE_S)
        self._kick.clear()


class _Listener(threading.Thread):
    """Says that something happened to a service or a node. Ends with its stream, or when it is told to."""

    def __init__(self, engine: DockerEngine, kick: threading.Event) -> None:
        super().__init__(name="mcptop-swarm-events", daemon=True)
        self._engine = engine
        self._kick = kick
        self._stream: Any = engine.swarm_events(int(time.time()))

    def listens_to(self, engine: DockerEngine) -> bool:
        """Whether it still does, and to this one."""
        return self._engine is engine and (self.is_alive() or self.ident is None)

    def run(self) -> None:
        # Whatever a cut connection raises in the layers below means the same thing here: no more events.
        with contextlib.suppress(Exception):
            for _ in self._stream:
                self._kick.set()

    def end(self) -> None:
        with contextlib.suppress(OSError, AttributeError, ValueError):
            self._stream.close()


def _manager_of(engines: Sequence[DockerEngine]) -> tuple[DockerEngine | None, Answer]:
    """The first that is a manager, and its role; without one, None and the role that says most of why."""
    roles: list[Answer] = []
    failure: EngineError | None = None
    for engine in engines:
        try:
            role = engine.swarm()
        except EngineError as error:
            failure = error
            continue
        if role.get("ControlAvailable"):
            return engine, role
        roles.append(role)
    if failure is not None:
        raise failure
    return None, max(roles, key=lambda role: _SAYING.get(str(role.get("LocalNodeState")), 0))


def no_manager(role: Answer) -> tuple[str, bool]:
    """Why there is nothing to see, and whether somebody has to do something."""
    state = str(role.get("LocalNodeState") or "inactive")
    if state == "locked":
        return LOCKED, True
    if state == "error":
        return plain(f"this node has left its swarm in an error: {role.get('Error') or 'no reason given'}", 300), True
    if state == "active":
        return WORKER, False
    return "this node is joining a swarm" if state == "pending" else "not in a swarm", False
