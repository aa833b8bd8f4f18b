"""How much of a symptom an instance shows, by the monitor's frames alone: to choose whom to diagnose, and with what."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mcptop.model.diagnosis import Subject
from mcptop.model.flow import Pool, Queue
from mcptop.model.frame import Frame, Service
from mcptop.model.instance import Instance

SAYS = {
    "cpu": "it computes most",
    "memory": "its memory grows most",
    "fds": "it opens most files",
    "waiting": "most callers wait in it",
    "queue": "its backlog grows most",
    "disk": "it moves most bytes",
    "trouble": "it is in the worst state",
}
"""Focus of a playbook -> why one instance was chosen by it."""

Series = Callable[[Instance], float | None]
History = list[tuple[float, Instance]]
"""Seconds, and what the instance was then."""


def score(frames: Sequence[Frame], service: Service, instance: Instance, focus: str) -> float:
    """More means worse; 0 means no sign of it."""
    match focus:
        case "cpu":
            return _mean(frames, instance, lambda i: i.cpu.cores)
        case "memory":
            return max(0.0, _change(frames, instance, _memory))
        case "fds":
            return max(0.0, _change(frames, instance, lambda i: i.fds.open)) + close_wait(instance)
        case "waiting":
            return waiting(service, instance)
        case "queue":
            return backlog(service, instance)
        case "disk":
            return _mean(frames, instance, lambda i: (i.disk.read_bytes_per_s or 0) + (i.disk.write_bytes_per_s or 0))
        case _:
            return trouble(instance)


def _memory(instance: Instance) -> float | None:
    anon = instance.memory.anon_bytes
    return instance.memory.working_set_bytes if anon is None else anon


def close_wait(instance: Instance) -> float:
    """Connections its peers have closed and it has not."""
    return instance.sockets.close_wait if instance.sockets else 0


def waiting(service: Service, instance: Instance) -> float:
    """Callers that wait, and requests that are under way longer than usual."""
    return sum(pool.waiting or 0 for pool in pools_of(service, instance.name)) + max(
        (pool.longest_s or 0.0 for pool in pools_of(service, instance.name)), default=0.0
    )


def backlog(service: Service, instance: Instance) -> float:
    """Work that waits, and how fast it becomes more."""
    return sum((q.depth or 0) + 10 * max(0.0, q.growth_per_s or 0.0) for q in queues_of(service, instance.name))


def trouble(instance: Instance) -> float:
    """Restarts, kills, failed checks."""
    state = {"running": 0.0, "restarting": 3.0, "dead": 3.0, "exited": 1.0 if instance.exit_code else 0.0}
    return (
        state.get(instance.state, 0.0)
        + (2.0 if instance.health == "unhealthy" else 0.0)
        + min(5, instance.restarts or 0)
        + 2 * min(5, instance.oom_kills or 0)
    )


def pools_of(service: Service, instance: str) -> Sequence[Pool]:
    """Those of the instance, by its name, and those of the service as a whole."""
    return [pool for pool in service.pools if pool.instance in (None, instance)]


def queues_of(service: Service, instance: str) -> Sequence[Queue]:
    """Those of the instance, by its name, and those of the service as a whole."""
    return [queue for queue in service.queues if queue.instance in (None, instance)]


def seen(frames: Sequence[Frame], identity: str) -> Sequence[Instance]:
    """One instance in every frame it is in."""
    return [i for frame in frames for s in frame.services for i in s.instances if i.id == identity]


def histories(frames: Sequence[Frame]) -> dict[str, History]:
    """Every instance in every frame it is in, by its id."""
    found: dict[str, History] = {}
    for frame in frames:
        for service in frame.services:
            for instance in service.instances:
                found.setdefault(instance.id, []).append((frame.at.timestamp(), instance))
    return found


def _values(frames: Sequence[Frame], instance: Instance, read: Series) -> list[float]:
    return [value for i in seen(frames, instance.id) if (value := read(i)) is not None]


def _mean(frames: Sequence[Frame], instance: Instance, read: Series) -> float:
    values = _values(frames, instance, read)
    return sum(values) / len(values) if values else 0.0


def _change(frames: Sequence[Frame], instance: Instance, read: Series) -> float:
    values = _values(frames, instance, read)
    return values[-1] - values[0] if len(values) > 1 else 0.0


def identity(subject: Subject, frame: Frame) -> str:
    """The key of the subject's instance: a container keeps its own, a process gets a new one when it starts again."""
    if subject.container is not None:
        return subject.container
    own = [(s, i) for s in frame.services for i in s.instances]
    by_pid = (i.id for _, i in own if i.pid is not None and i.pid in subject.pids)
    # One process of a service may be the subject, and not its first one.
    by_name = (i.id for s, i in own if (s.project, s.name, i.name) == (subject.project, subject.service, subject.name))
    return next(by_pid, None) or next(by_name, "")
