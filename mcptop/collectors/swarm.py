"""Swarm: its services and nodes, and its tasks on nodes whose containers mcptop does not sample."""

from __future__ import annotations

from msgspec.structs import replace

from mcptop.collectors.base import Findings, NoData, SourceError, Tick
from mcptop.model.snapshot import Target
from mcptop.model.swarm import TASK, Swarm, SwarmService
from mcptop.model.value import Kind
from mcptop.sources.swarm_answers import Task
from mcptop.sources.swarm_watch import SwarmState, SwarmWatch


class SwarmCollector:
    """Reports what the watch knows; asks nothing."""

    name = "swarm"
    deadline_s = 2.0

    def __init__(self, watch: SwarmWatch) -> None:
        self._watch = watch
        self._of: tuple[Swarm | None, tuple[Task, ...], frozenset[str]] = (None, (), frozenset())
        self._findings = Findings()

    def collect(self, tick: Tick) -> Findings:
        """The services, and a target for each task that runs where nobody looks."""
        state = self._watch.state
        if state.swarm is None:
            # Without a swarm there is none of a minute ago either.
            self._findings = Findings()
            if state.is_broken:
                raise SourceError(state.why, self._findings)
            raise NoData(state.why)
        self._update(state.swarm, state, frozenset(target.id for target in tick.targets))
        if state.is_broken:
            raise SourceError(state.why)
        self._findings.message = state.why or _counted(state.swarm)
        return self._findings

    def _update(self, swarm: Swarm, state: SwarmState, sampled: frozenset[str]) -> None:
        containers = frozenset(task.container for task in state.tasks) & sampled
        was, tasks, known = self._of
        if was is swarm and tasks is state.tasks and known == containers:
            return
        self._of = swarm, state.tasks, containers
        elsewhere = [t for t in state.tasks if t.container not in containers and t.node_id != state.own_node]
        services = {service.id: service for service in swarm.services}
        targets = tuple(_target(task, services[task.service]) for task in elsewhere if task.service in services)
        counts: dict[str, int] = {}
        for task in elsewhere:
            if task.state != "running":
                continue
            counts[task.service] = counts.get(task.service, 0) + 1
        shown = Swarm(tuple(_with(service, counts) for service in swarm.services), swarm.nodes)
        self._findings = Findings(targets=targets, swarm=shown)

    def close(self) -> None:
        """Nothing to give back: the watch is stopped by who started it."""


def _with(service: SwarmService, counts: dict[str, int]) -> SwarmService:
    count = counts.get(service.id, 0)
    return replace(service, elsewhere=count) if count else service


def _target(task: Task, service: SwarmService) -> Target:
    return Target(
        id=f"{TASK}{task.id}",
        name=task.name,
        kind=Kind.CONTAINER,
        project=service.stack,
        service=service.service,
        state=task.state,
        image=task.image,
        started_at=task.since,
        host=task.node,
    )


def _counted(swarm: Swarm) -> str:
    missing = sum(service.missing for service in swarm.services)
    short = f", {missing} replicas missing" if missing else ""
    return f"{len(swarm.services)} services, {len(swarm.nodes)} nodes{short}"
