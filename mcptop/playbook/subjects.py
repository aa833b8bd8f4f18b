"""Whom to diagnose: from what was asked for and what the monitor shows to one instance and its processes."""

from __future__ import annotations

import time
from collections.abc import Container, Sequence

from mcptop.model.diagnosis import Subject
from mcptop.model.frame import Frame, Service
from mcptop.model.instance import Instance
from mcptop.model.value import Kind, Value
from mcptop.playbook import symptoms
from mcptop.sources import process_tree
from mcptop.sources.procfs import Roots
from mcptop.units import nearest, plain

_CPU_LOOK_S = 0.25


class NoSubject(Exception):
    """Nobody is meant, or several are; one line."""


class CouldNotLook(NoSubject):
    """Whether there is somebody cannot be told: nothing was seen."""


class Wanted(Value, frozen=True):
    """What was asked for; nothing at all means: whoever shows the symptom most."""

    service: str | None = None
    """NAME or PROJECT/NAME."""
    container: str | None = None
    """A name, or the beginning of an id."""
    pid: int | None = None
    instances: tuple[str, ...] = ()
    """One of these, by the monitor's ids: for who sees them before him."""

    @property
    def is_named(self) -> bool:
        """Whether anybody was asked for."""
        return self.service is not None or self.container is not None or self.pid is not None or bool(self.instances)


Found = tuple[Service, Instance]


def choose(
    frames: Sequence[Frame],
    wanted: Wanted,
    playbook: str,
    focus: str,
    roots: Roots | None,
    applies_to: Container[str] = (Kind.CONTAINER, Kind.PROCESS),
) -> Subject:
    """The instance to diagnose; while nobody is named, of a kind the playbook is for. Raises `NoSubject`.

    Without `roots` nothing is known of its processes: the frames are of another time, or of another machine.
    """
    frame = frames[-1]
    candidates = _candidates(frame, wanted)
    if not wanted.is_named:
        candidates = [(service, instance) for service, instance in candidates if service.kind in applies_to]
    if wanted.pid is not None:
        if roots is None:
            raise NoSubject("a recording knows no single process: name a service or a container")
        return _of_pid(frame, candidates, wanted.pid, roots)
    (service, instance), why = _worst(frames, candidates, playbook, focus, asked=wanted.is_named)
    cpus = frame.host.cpus if frame.host else 1
    return _subject(service, instance, roots, focus, cpus, why)


def _candidates(frame: Frame, wanted: Wanted) -> list[Found]:
    everyone = [(service, instance) for service in frame.services for instance in service.instances]
    if wanted.instances:
        if not (shown := [(s, i) for s, i in everyone if i.id in wanted.instances]):
            raise NoSubject("it has ended")
        return shown
    if wanted.container is not None:
        return _named(everyone, wanted.container)
    if wanted.service is None:
        return everyone
    found = [(s, i) for s, i in everyone if wanted.service in (s.name, f"{s.project}/{s.name}")]
    if not found and any(wanted.service in (s.name, f"{s.project}/{s.name}") for s in frame.services):
        raise NoSubject(f"service `{plain(wanted.service)}` has no instance here: `mcptop snapshot` says why")
    if not found:
        names = sorted({s.name for s, _ in everyone} | {f"{s.project}/{s.name}" for s, _ in everyone if s.project})
        raise NoSubject(f"no service `{plain(wanted.service)}`; {nearest(wanted.service, names)}")
    keys = sorted({f"{s.project or s.group}/{s.name}" for s, _ in found})
    if len(keys) > 1:
        raise NoSubject(
            f"service `{plain(wanted.service)}`: several are called so: {', '.join(keys)}; name one of them"
        )
    return found


def _named(everyone: list[Found], name: str) -> list[Found]:
    containers = [(s, i) for s, i in everyone if s.kind is Kind.CONTAINER]
    found = [(s, i) for s, i in containers if name == i.name] or [
        (s, i) for s, i in containers if len(name) >= 4 and i.id.startswith(name)
    ]
    if not found:
        raise NoSubject(f"no container `{plain(name)}`; {nearest(name, [i.name for _, i in containers])}")
    if len(found) > 1:
        raise NoSubject(f"container `{plain(name)}`: {len(found)} ids begin so; give more of it")
    return found


def _of_pid(frame: Frame, candidates: list[Found], pid: int, roots: Roots) -> Subject:
    facts = process_tree.facts(roots, pid)
    if facts is None:
        raise NoSubject(f"no process {pid}: it has ended, or is on another host")
    cpus = frame.host.cpus if frame.host else 1
    # What was started in a container from outside is no descendant of its first process.
    contained = {i.id: (s, i) for s, i in candidates if s.kind is Kind.CONTAINER}
    if (inside := contained.get(process_tree.container_of(roots, pid) or "")) is not None:
        return _subject(*inside, roots, "cpu", cpus, "", pid)
    rooted = {i.pid: (s, i) for s, i in candidates if i.pid is not None}
    for ancestor in process_tree.ancestors(roots, pid):
        if ancestor in rooted:
            return _subject(*rooted[ancestor], roots, "cpu", cpus, "", pid)
    return alone(pid, facts.program, cpus, roots)


def alone(pid: int, name: str, cpus: int, roots: Roots) -> Subject:
    """A process that is no part of any service the monitor shows. Raises `NoSubject`."""
    if process_tree.facts(roots, pid) is None:
        raise NoSubject(f"{plain(name)}: process {pid} has ended")
    instance = Instance(id=str(pid), name=f"{name}[{pid}]", pid=pid)
    return _subject(Service(None, name, Kind.PROCESS, 1, (instance,)), instance, roots, "cpu", cpus, "", pid)


def _worst(
    frames: Sequence[Frame], candidates: list[Found], playbook: str, focus: str, asked: bool
) -> tuple[Found, str]:
    """Of several, the one with most of the symptom, and why."""
    if not candidates:
        raise NoSubject("nothing runs here that could be diagnosed")
    if asked and len(candidates) == 1:
        return candidates[0], ""
    scored = [
        (symptoms.score(frames, service, instance, focus), (service, instance)) for service, instance in candidates
    ]
    score, found = max(scored, key=lambda pair: pair[0])
    if not asked and score <= 0:
        raise NoSubject(
            f"nobody shows the symptom of {playbook}; name whom you mean with --service, --container or --pid"
        )
    if score <= 0:
        return found, f"none of {len(candidates)} shows the symptom"
    return found, f"{symptoms.SAYS[focus]}, of {len(candidates)}"


def _subject(
    service: Service, instance: Instance, roots: Roots | None, focus: str, cpus: int, why: str, pid: int | None = None
) -> Subject:
    is_container = service.kind is Kind.CONTAINER
    pids = process_tree.members(roots, instance.pid) if roots and instance.pid is not None else ()
    chosen = _process(roots, pids if pid is None else (pid,), by_memory=focus == "memory") if roots else None
    return Subject(
        kind=service.kind.value,
        project=service.project,
        service=service.name,
        name=instance.name,
        container=instance.id if is_container else None,
        pid=chosen.pid if chosen else None,
        inner_pid=chosen.inner_pid if chosen else None,
        pids=pids if pid is None else (pid,),
        replicas=service.replicas,
        program=chosen.program if chosen else "",
        python=chosen.python if chosen else None,
        started_at=instance.started_at.isoformat() if instance.started_at else None,
        memory_limit_bytes=instance.memory.limit_bytes,
        cpu_limit_cores=instance.cpu.limit_cores,
        cpus=cpus,
        chosen=why,
    )


def _process(roots: Roots, pids: Sequence[int], by_memory: bool) -> process_tree.ProcessFacts | None:
    """Of an instance's processes the one to look into."""
    before = [each for pid in pids if (each := process_tree.facts(roots, pid))]
    if len(before) < 2:
        return before[0] if before else None
    time.sleep(_CPU_LOOK_S)
    now = [each for pid in pids if (each := process_tree.facts(roots, pid))]
    return process_tree.busiest(now, before, by_memory) or before[0]
