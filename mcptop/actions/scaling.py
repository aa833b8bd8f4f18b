"""Another number of replicas for a Swarm service: what is refused, the command, and waiting until it is so."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from typing import NamedTuple, Protocol

from mcptop.actions.commands import docker_service
from mcptop.actions.errors import ActionError
from mcptop.analysis import budget
from mcptop.model.flow import Budget
from mcptop.model.frame import Service
from mcptop.model.swarm import SwarmService, TaskTrouble
from mcptop.sources.docker_engine import EngineError
from mcptop.sources.docker_hosts import Address
from mcptop.sources.swarm_answers import Look, Task
from mcptop.sources.swarm_control import SwarmControl
from mcptop.units import plain

MOST = 1000
"""More replicas than that nobody means; `docker service scale` takes them."""
_LOOK_S = 0.5
WAIT_S = 60.0
"""So long the dashboard waits for replicas to run."""
STEADY_S = 2.0
"""Tasks that all run so long without one of them being replaced are taken to stay."""


class Manager(Protocol):
    """Who is asked, and changes it."""

    def look(self) -> Look:
        """All services, tasks and nodes now."""


class Settled(NamedTuple):
    """How it came out."""

    running: int
    desired: int
    is_settled: bool
    """All run, and stay."""
    troubles: tuple[TaskTrouble, ...] = ()
    """What came up since the change, else before; the newest first."""


def mistake(service: SwarmService, wanted: int) -> str:
    """Why it cannot have so many, in one line; empty where it can."""
    name = plain(service.name, 80)
    if service.mode == "global":
        return f"{name} is global: it has one replica on every node that fits its constraints"
    if service.mode != "replicated":
        return f"{name} is a {service.mode}: its tasks end, and are not scaled"
    return unmeant(name, wanted)


def unmeant(name: str, wanted: int) -> str:
    """Why nobody can mean that number, whatever the service is."""
    if wanted < 0:
        return f"{name} cannot have {wanted} replicas: give 0 or more"
    if wanted > MOST:
        return f"{wanted} replicas of {name} are more than {MOST}: if that is meant, use docker service scale"
    return ""


def argv(service: SwarmService, wanted: int, engine: str | None = None) -> Sequence[str]:
    """The command that does the same."""
    return docker_service(service.name, service.id, wanted, engine)


def over_budget(budgets: Iterable[Budget], service: Service | None, wanted: int) -> list[Budget]:
    """The databases that do not give what so many replicas may take, with the sum as it would be."""
    if service is None or (read := budget.read_replicas(service)) is None:
        return []
    scaled = (budget.scaled(each, service.project, service.name, read, wanted) for each in budgets)
    return [each for each in scaled if each is not None and each.exceeded]


def carry_out(address: Address, service: str, wanted: int) -> str:
    """Let a service have so many, and wait for them; what came of it. Raises `ActionError`."""
    try:
        with closing(SwarmControl(address)) as manager:
            before, _ = _look(manager, service)
            if wrong := mistake(before, wanted):
                raise ActionError(wrong)
            manager.scale(service, wanted)
            settled = settle(manager, before, WAIT_S)
    except EngineError as error:
        raise ActionError(plain(str(error), 300)) from None
    runs = f"{settled.running} of {settled.desired} run"
    if not settled.is_settled:
        raise ActionError(f"scaled, but {runs} after {WAIT_S:.0f} s: {hindrance(settled)}")
    return runs


def settle(
    manager: Manager, before: SwarmService, timeout_s: float, cancelled: threading.Event | None = None
) -> Settled:  # fmt: skip
    """Wait until its replicas run and stay, `timeout_s` at most. Raises `EngineError`, also where it is removed.

    `before`: the service before the change; of what was wrong with it then nothing is told where there is news.
    """
    known = {_key(trouble) for trouble in before.troubles}
    stop = cancelled or threading.Event()
    since = time.monotonic()
    deadline, tasks = since + timeout_s, frozenset[str]()
    while True:
        found, running = _look(manager, before.id)
        now = time.monotonic()
        if running != tasks or found.running != found.desired:
            tasks, since = running, now
        is_settled = found.running == found.desired and now - since >= STEADY_S
        if is_settled or now >= deadline or stop.wait(_LOOK_S):
            fresh = tuple(trouble for trouble in found.troubles if _key(trouble) not in known)
            return Settled(found.running, found.desired, is_settled, fresh or found.troubles)


def hindrance(settled: Settled) -> str:
    """What stands in the way, in one line."""
    if not settled.troubles:
        return "no task says why"
    newest = settled.troubles[0]
    where = f" on {plain(newest.node, 64)}" if newest.node else ""
    return f"{plain(newest.task, 80)} {newest.state}{where}: {plain(newest.says, 200)}"


def _look(manager: Manager, service: str) -> tuple[SwarmService, frozenset[str]]:
    look = manager.look()
    found = next((each for each in look.swarm.services if each.id == service), None)
    if found is None:
        raise EngineError("the service was removed meanwhile")
    return found, frozenset(task.id for task in look.tasks if _runs(task, service))


def _runs(task: Task, service: str) -> bool:
    return task.service == service and task.state == "running"


def _key(trouble: TaskTrouble) -> tuple[str, str, object]:
    return trouble.task, trouble.says, trouble.at
