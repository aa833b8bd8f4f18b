"""Carries out actions: containers through their engine, host processes by descriptor."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

from mcptop.actions import commands, processes, scaling
from mcptop.actions.engine_look import facts_of
from mcptop.actions.errors import ActionError
from mcptop.actions.offers import runs
from mcptop.model.action import Action, ActionTarget, ContainerFacts, Limits, Look, Verb
from mcptop.model.value import Kind
from mcptop.sources import docker_hosts
from mcptop.sources.docker_control import DockerControl
from mcptop.sources.docker_engine import DEFAULT_SOCKET, EngineError
from mcptop.sources.docker_hosts import Address
from mcptop.sources.procfs import Roots
from mcptop.sources.swarm_control import manager_of
from mcptop.units import plain

_LOOK_S = 0.5
"""Between two looks at a container that is starting."""
_UP_S = 120.0
_LOCAL = f"unix://{DEFAULT_SOCKET}"

Connect = Callable[[], DockerControl]


class Performer:
    """One connection for each order: they are rare. Not for several threads at once."""

    def __init__(
        self,
        hosts: Sequence[Address],
        connect: Connect | None = None,
        up_s: float = _UP_S,
        roots: Roots = Roots(),  # noqa: B008 - frozen
    ) -> None:
        """`hosts`: the engines' addresses. `connect`: to all of them the same way.

        `up_s`: how long a container may take to run and be healthy before the next one's turn.

        `roots`: where the pids on the screen are from.
        """
        self._roots = roots
        self._hosts = hosts
        self._connect = (lambda address: connect()) if connect is not None else DockerControl
        self._looks = int(up_s / _LOOK_S)

    def look(self, targets: Sequence[ActionTarget], machine: str) -> Look:
        """What is known of these now; `machine` is the host's name. Raises `ActionError`."""
        if targets and targets[0].kind is not Kind.CONTAINER:
            return Look(machine, None, (None,) * len(targets))
        address = self._only_address(targets)
        with self._engine(address) as engine:
            facts = tuple(_facts(engine, one) for one in targets)
            manager = address if len(self._hosts) == 1 else manager_of(self._hosts)
            return Look(_host(engine, machine), self._given(address), facts, self._given(manager))

    def perform(self, action: Action, target: ActionTarget) -> str:
        """Do it to one of the action's targets; what there is to say beside that it is done. Raises `ActionError`."""
        if target.kind is not Kind.CONTAINER:
            processes.send(self._roots, commands.process_of(target), action.signal)
            return ""
        if action.verb is Verb.SCALE:
            return scaling.carry_out(manager_of(self._hosts), target.id, action.replicas or 0)
        with self._engine(self._address(target)) as engine:
            return _order(engine, action, target)

    def wait_until_up(self, target: ActionTarget, cancelled: threading.Event) -> None:
        """Return when it has run for two looks as one run, and is healthy if it has a check. Raises `ActionError`."""
        before = ""
        with self._engine(self._address(target)) as engine:
            for _ in range(self._looks):
                facts = _facts(engine, target)
                if not runs(facts) or facts.health == "unhealthy":
                    raise ActionError(f"{plain(target.name)} is {_condition(facts)} after its start")
                if facts.state == "running" and facts.health in (None, "healthy") and facts.started_at == before:
                    return
                before = facts.started_at
                if cancelled.wait(_LOOK_S):
                    raise ActionError(f"mcptop ended while {plain(target.name)} was {_condition(facts)}")
        raise ActionError(f"{plain(target.name)} is still {_condition(facts)} after {self._looks * _LOOK_S:.0f} s")

    def _address(self, target: ActionTarget) -> Address:
        return docker_hosts.find(self._hosts, target.id)

    def _only_address(self, targets: Sequence[ActionTarget]) -> Address:
        """Of the engine that has all of them. Raises `ActionError` where they are on several: one at a time then."""
        found = {self._address(one) for one in targets} or {self._hosts[0]}
        if len(found) > 1:
            raise ActionError("its instances are on several Docker hosts: select one of them")
        return found.pop()

    def _given(self, address: Address) -> Address:
        """For `docker -H`; the docker program finds its own default as mcptop does."""
        return address or os.environ.get("DOCKER_HOST") or None

    @contextmanager
    def _engine(self, address: Address) -> Iterator[DockerControl]:
        try:
            with closing(self._connect(address)) as engine:
                yield engine
        except EngineError as error:
            raise ActionError(plain(str(error), 300)) from None


def _host(engine: DockerControl, machine: str) -> str:
    """A remote engine's containers are not of this machine, and another socket of it may be another engine's."""
    if not engine.is_unix_socket:
        return plain(engine.endpoint)
    return machine if engine.endpoint == _LOCAL else plain(f"{machine}, engine {engine.endpoint}")


def _facts(engine: DockerControl, target: ActionTarget) -> ContainerFacts:
    inspected = engine.inspect(target.id)
    if inspected is None:
        raise ActionError(f"{plain(target.name)} is gone")
    return facts_of(inspected)


def _order(engine: DockerControl, action: Action, target: ActionTarget) -> str:
    facts = _facts(engine, target)
    match action.verb:
        case Verb.START:
            engine.start(target.id)
        case Verb.STOP:
            engine.stop(target.id, facts.stop_grace_s)
        case Verb.RESTART:
            engine.restart(target.id, facts.stop_grace_s)
        case Verb.PAUSE:
            engine.pause(target.id)
        case Verb.UNPAUSE:
            engine.unpause(target.id)
        case Verb.SIGNAL:
            engine.signal(target.id, action.signal)
        case Verb.UPDATE:
            return "; ".join(engine.update(target.id, _values(action.limits[action.targets.index(target)])))
        case Verb.SHELL:
            raise ActionError("a shell needs the terminal")
        case Verb.SCALE:
            raise ActionError("a container is not scaled, its service is")
    return ""


def _values(limits: Limits) -> dict[str, int]:
    """Limits by their names in the engine's API."""
    values: dict[str, int] = {}
    if limits.memory_bytes is not None:
        values["Memory"] = limits.memory_bytes
    if limits.memory_swap_bytes is not None:
        values["MemorySwap"] = limits.memory_swap_bytes
    if limits.cpus is not None and limits.cpu_period_us:
        values |= {"CpuPeriod": limits.cpu_period_us, "CpuQuota": commands.quota_us(limits)}
    elif limits.cpus is not None:
        values["NanoCpus"] = round(limits.cpus * 1e9)
    return values


def _condition(facts: ContainerFacts) -> str:
    return facts.state if facts.health is None else f"{facts.state} ({facts.health})"
