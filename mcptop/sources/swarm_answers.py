"""What a manager's answers say: services with their replicas, tasks that run, tasks that failed, nodes. Pure.

Names and errors are whatever somebody wrote: they are made harmless here, once for all readers.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from mcptop.model.swarm import COUNTED, Swarm, SwarmNode, SwarmService, TaskTrouble
from mcptop.sources.docker_target import Answer, timestamp
from mcptop.units import plain

TOLD_FOR = timedelta(minutes=10)
"""A task that failed is told of so long; what keeps one from starting, as long as it does."""
_MOST_TROUBLES = 5
_MODES = {"Replicated": "replicated", "Global": "global", "ReplicatedJob": "replicated-job", "GlobalJob": "global-job"}
_FAILED = ("failed", "rejected", "orphaned")
_ENDED = (*_FAILED, "complete", "shutdown", "remove")
_EXIT = re.compile(r"task: non-zero exit \((\d+)\)(?:: (.+))?", re.DOTALL)
_TASK_NAME = "com.docker.swarm.task.name"


class Task(NamedTuple):
    """A task that shall run and has a node."""

    id: str
    service: str
    """Id of the service."""
    name: str
    """As its container is called: service, slot (or node), id."""
    node: str
    """Name of the node."""
    node_id: str
    state: str
    container: str
    """Id of its container; empty before there is one."""
    image: str | None
    since: datetime | None


class Look(NamedTuple):
    """All of it, before anybody knows which containers mcptop samples."""

    swarm: Swarm
    tasks: tuple[Task, ...]


def look_of(services: Iterable[Answer], tasks: Sequence[Answer], nodes: Iterable[Answer], now: datetime) -> Look:
    """The answers to `/services?status=true`, `/tasks` and `/nodes`, asked at `now`."""
    known = tuple(sorted((_node(answer) for answer in nodes), key=lambda node: (node.name, node.id)))
    names = {node.id: node.name for node in known}
    down = {node.id for node in known if node.state == "down"}
    by_service: dict[str, list[Answer]] = {}
    for task in tasks:
        by_service.setdefault(str(task.get("ServiceID")), []).append(task)
    found: list[SwarmService] = []
    running: list[Task] = []
    for answer in services:
        own = by_service.get(str(answer["ID"]), [])
        service = _service(answer, own, names, down, now)
        found.append(service)
        running += _placed(service, own, names)
    found.sort(key=lambda service: (service.name, service.id))
    return Look(Swarm(tuple(found), known), tuple(running))


def superseded(listed: Iterable[Answer]) -> set[str]:
    """Ids of containers whose task Swarm has replaced: they are history, and no replicas of their service.

    The newest of each slot is kept, running or not: where it failed, its log says why.
    """
    slots: dict[str, list[Answer]] = {}
    for answer in listed:
        if name := (answer.get("Labels") or {}).get(_TASK_NAME):
            slots.setdefault(str(name).rpartition(".")[0], []).append(answer)
    found: set[str] = set()
    for answers in slots.values():
        newest = max(answers, key=lambda answer: answer.get("Created") or 0)
        found.update(
            str(answer["Id"])
            for answer in answers
            if answer is not newest and answer.get("State") in ("exited", "dead", "created")
        )
    return found


def _node(answer: Answer) -> SwarmNode:
    settings, status = answer.get("Spec") or {}, answer.get("Status") or {}
    manager = answer.get("ManagerStatus") or {}
    identity = str(answer["ID"])
    return SwarmNode(
        id=plain(identity, 40),
        name=plain(str((answer.get("Description") or {}).get("Hostname") or identity[:12]), 64),
        role=plain(str(settings.get("Role") or "unknown"), 20),
        availability=plain(str(settings.get("Availability") or "unknown"), 20),
        state=plain(str(status.get("State") or "unknown"), 20),
        message=_line(status.get("Message")),
        reachable=plain(str(manager["Reachability"]), 20) if manager.get("Reachability") else None,
        leader=bool(manager.get("Leader")),
    )


def _service(
    answer: Answer, tasks: Sequence[Answer], nodes: Mapping[str, str], down: Collection[str], now: datetime
) -> SwarmService:
    settings = answer.get("Spec") or {}
    mode = settings.get("Mode") or {}
    word = next((known for key, known in _MODES.items() if key in mode), "replicated")
    status, update = answer.get("ServiceStatus") or {}, answer.get("UpdateStatus") or {}
    name = plain(str(settings.get("Name") or answer["ID"]), 128)
    stack = (settings.get("Labels") or {}).get("com.docker.stack.namespace")
    troubles = _troubles(name, tasks, nodes, now)
    running = sum(_runs(task, down) for task in tasks)
    return SwarmService(
        id=plain(str(answer["ID"]), 40),
        name=name,
        mode=word,
        desired=int(status.get("DesiredTasks", (mode.get("Replicated") or {}).get("Replicas", 0)) or 0),
        # Swarm's own count has tasks of nodes that are down in it, as they were when last heard of.
        running=running if word in COUNTED else int(status.get("RunningTasks", running) or 0),
        stack=plain(str(stack), 128) if stack else None,
        update_state=plain(str(update["State"]), 30) if update.get("State") else None,
        update_message=_line(update.get("Message")),
        troubles=tuple(troubles[:_MOST_TROUBLES]),
        troubles_left_out=max(0, len(troubles) - _MOST_TROUBLES),
        failed_tasks=sum((task.get("Status") or {}).get("State") in _FAILED for task in tasks),
    )


def _runs(task: Answer, down: Collection[str]) -> bool:
    """Whether it runs and shall: what is to end, or was on a node that nobody hears of, is no replica."""
    is_running = (task.get("Status") or {}).get("State") == "running"
    return is_running and task.get("DesiredState") == "running" and task.get("NodeID") not in down


def _troubles(
    service: str, tasks: Sequence[Answer], nodes: Mapping[str, str], now: datetime
) -> list[TaskTrouble]:  # fmt: skip
    found: list[TaskTrouble] = []
    for task in tasks:
        status = task.get("Status") or {}
        state, at = str(status.get("State") or ""), timestamp(status.get("Timestamp"))
        waits = task.get("DesiredState") == "running" and state not in (*_ENDED, "running") and status.get("Err")
        if waits or (state in _FAILED and (at is None or now - at < TOLD_FOR)):
            found.append(_trouble(service, task, nodes, state, at))
    # What has no time stands last.
    return sorted(found, key=lambda one: (-(one.at.timestamp() if one.at else 0.0), one.task))


def _trouble(
    service: str, task: Answer, nodes: Mapping[str, str], state: str, at: datetime | None
) -> TaskTrouble:  # fmt: skip
    status = task.get("Status") or {}
    ended = _EXIT.fullmatch(str(status.get("Err") or ""))
    container = status.get("ContainerStatus") or {}
    code = int(ended[1]) if ended else container.get("ExitCode") if container.get("ContainerID") else None
    says = f"exit code {ended[1]}" + (f": {ended[2]}" if ended[2] else "") if ended else status.get("Err") or state
    return TaskTrouble(
        task=_named(service, task, nodes),
        state=plain(state, 20),
        says=_line(says) or "no reason given",
        at=at,
        node=_node_of(task, nodes),
        exit_code=int(code) if code else None,
    )


def _placed(service: SwarmService, tasks: Iterable[Answer], nodes: Mapping[str, str]) -> list[Task]:
    """Those that shall run and are on a node, whatever they do there now."""
    found: list[Task] = []
    for task in tasks:
        status = task.get("Status") or {}
        state = str(status.get("State") or "unknown")
        node = _node_of(task, nodes)
        if task.get("DesiredState") != "running" or node is None or state in _ENDED:
            continue
        image = ((task.get("Spec") or {}).get("ContainerSpec") or {}).get("Image")
        identity = plain(str(task["ID"]), 40)
        found.append(
            Task(
                id=identity,
                service=service.id,
                name=f"{_named(service.name, task, nodes)}.{identity}",
                node=node,
                node_id=str(task["NodeID"]),
                state=plain(state, 20),
                container=str((status.get("ContainerStatus") or {}).get("ContainerID") or ""),
                image=plain(str(image).partition("@")[0]) if image else None,
                since=timestamp(status.get("Timestamp")) if state == "running" else None,
            )
        )
    return sorted(found, key=lambda task: (task.name, task.id))


def _named(service: str, task: Answer, nodes: Mapping[str, str]) -> str:
    """Of a replicated service by its slot; of a global one by its node."""
    return f"{service}.{task['Slot']}" if task.get("Slot") else f"{service}.{_node_of(task, nodes) or 'no node'}"


def _node_of(task: Answer, nodes: Mapping[str, str]) -> str | None:
    identity = str(task.get("NodeID") or "")
    return (nodes.get(identity) or plain(identity[:12])) if identity else None


def _line(text: object) -> str | None:
    """As one harmless line; None for nothing."""
    return plain(" ".join(plain(str(text), 2000).split())) or None if text else None
