"""What a service is and was started with: the engine's answer, or the /proc files of a host process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

from mcptop.closeup import inspect_container, inspect_process, inspect_swarm
from mcptop.closeup.engine_link import EngineLink
from mcptop.closeup.world import Problems, World
from mcptop.model.closeup import Aspect, Fact, InspectCloseup
from mcptop.model.frame import Service
from mcptop.model.instance import Instance
from mcptop.model.swarm import is_task
from mcptop.model.value import Kind
from mcptop.sources.docker_engine import EngineError

MOST = 4000


class InspectReader:
    """Asks the engine, or the kernel."""

    aspect = Aspect.INSPECT
    every_s = 3.0
    """Little of it changes, and the engine has other things to do."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._link = EngineLink(world.connect)

    def look(self, service: Service, instances: Sequence[Instance]) -> InspectCloseup:
        """Look now."""
        problems, lines = Problems(), list[Fact]()
        if service.swarm is not None:
            lines += inspect_swarm.facts(service.swarm)
        facts = self._facts_of(service)
        for instance in instances:
            lines += facts(instance, problems)
        return InspectCloseup(
            at=datetime.now(UTC),
            service=service.key,
            instances=tuple(instance.name for instance in instances),
            problem=problems.line(),
            cut_at=MOST if len(lines) > MOST else None,
            lines=tuple(lines[:MOST]),
        )

    def _facts_of(self, service: Service) -> Callable[[Instance, Problems], Iterable[Fact]]:
        return {Kind.CONTAINER: self._container, Kind.PROCESS: self._process, Kind.SERVER: _server}[service.kind]

    def _container(self, instance: Instance, problems: Problems) -> Iterable[Fact]:
        if is_task(instance.id):
            problems.add(f"{instance.name} runs on {instance.host}: mcptop does not sample that node")
            return ()
        try:
            answer = self._link.ask(instance, lambda engine: engine.inspect(instance.id))
        except EngineError as error:
            problems.add(str(error))
            return ()
        if answer is None:
            problems.add(f"{instance.name} is gone")
            return ()
        return inspect_container.facts(answer, instance.name)

    def _process(self, instance: Instance, problems: Problems) -> Iterable[Fact]:
        members = self._world.table.trees.get(instance.id)
        if not members:
            problems.add(f"{instance.name} has ended")
            return ()
        return inspect_process.facts(self._world.roots, members[0], instance.name, problems)

    def close(self) -> None:
        """Close the connection."""
        self._link.close()


def _server(instance: Instance, problems: Problems) -> Iterable[Fact]:
    problems.add("a server that is only asked over the network: there is nothing to inspect here")
    return ()
