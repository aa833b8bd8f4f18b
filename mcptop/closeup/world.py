"""What all readers of closeups look through, and which processes are whose."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from mcptop.model.closeup import Aspect, Closeup
from mcptop.model.frame import Service
from mcptop.model.instance import Instance
from mcptop.model.value import Kind
from mcptop.sources.address_book import AddressBook
from mcptop.sources.docker_engine import DockerEngine
from mcptop.sources.process_table import Identity, ProcessTable
from mcptop.sources.procfs import Roots
from mcptop.units import plain


class Reader(Protocol):
    """Looks at one aspect. It keeps what it needs for rates between looks, and is asked by one thread at a time."""

    aspect: Aspect
    every_s: float
    """How often it is worth looking."""

    def look(self, service: Service, instances: Sequence[Instance]) -> Closeup:
        """Look now. What cannot be read is said in the closeup; an exception is a defect."""

    def close(self) -> None:
        """Give back what is held open."""


class World(NamedTuple):
    """This machine as the monitor sees it; the table and the book are the monitor's and are only read here."""

    roots: Roots
    table: ProcessTable
    book: AddressBook
    connect: Callable[[str], DockerEngine]
    """A connection of our own to the engine that has this container. Raises `EngineError`."""
    banner: Callable[[], str | None] = lambda: None
    """Why the containers' processes are not on this kernel; None where they are."""
    is_here: Callable[[str], bool] = lambda host: False
    """Whether the containers of a further host run on this kernel as well."""


class Members(NamedTuple):
    """One instance and its processes, oldest first."""

    instance: Instance
    processes: Sequence[Identity]


class Problems:
    """What could not be read, each reason once, as the one line of a closeup."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def add(self, reason: str) -> None:
        """Note one; the same one again only counts."""
        self._counts[reason] = self._counts.get(reason, 0) + 1

    def line(self) -> str | None:
        """All of them; None when there was none."""
        found = [reason if count == 1 else f"{reason} ({count} times)" for reason, count in self._counts.items()]
        return plain("; ".join(found), 300) if found else None


def is_elsewhere(world: World, service: Service, instance: Instance) -> str | None:
    """Why this kernel has no process of an instance; None where it may have some."""
    if service.kind is Kind.SERVER:
        return "a server that is only asked over the network: its processes are not here"
    if service.kind is not Kind.CONTAINER:
        return None
    if instance.host is not None and not world.is_here(instance.host):
        return f"on {instance.host}: its processes are not on this kernel"
    return world.banner()


def census(world: World, service: Service, instances: Iterable[Instance], problems: Problems) -> Iterator[Members]:
    """The instances that have processes here; why the others have none is a problem."""
    said = set[str]()
    containers = world.table.containers() if service.kind is Kind.CONTAINER else world.table.trees
    for instance in instances:
        if (why := is_elsewhere(world, service, instance)) is not None:
            if why not in said:
                said.add(why)
                problems.add(why)
        elif found := containers.get(instance.id):
            yield Members(instance, found)
        elif instance.state != "running":
            problems.add(f"{instance.name} does not run ({instance.state})")
        else:
            problems.add(f"{instance.name} has no process any more")
