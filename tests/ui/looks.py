"""Who looks closely: remembers what is wanted, and says what the test has it say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from mcptop.model.closeup import Aspect, Closeup, Fact, InspectCloseup, ProcessKey
from mcptop.model.frame import Service
from mcptop.model.instance import Instance

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


class Looks:
    """Given to the app as what makes it."""

    def __init__(self) -> None:
        self.emit: Callable[[Closeup], None] = lambda closeup: None
        self.wanted: list[tuple[Aspect, str, tuple[str, ...]] | None] = []

    def __call__(self, emit: Callable[[Closeup], None]) -> Looks:
        """As the app makes it."""
        self.emit = emit
        return self

    def want(self, aspect: Aspect, service: Service, instances: Sequence[Instance]) -> None:
        """Remember it."""
        self.wanted.append((aspect, service.key, tuple(one.name for one in instances)))

    def want_nothing(self) -> None:
        """Remember that too."""
        self.wanted.append(None)

    def threads_of(self, process: ProcessKey | None) -> None:
        """There are none."""

    def start(self) -> None:
        """Nothing runs."""

    def stop(self) -> None:
        """Nothing runs."""


def variable_of(service: Service) -> str:
    """Its one variable."""
    return f"SECRET_OF_{service.name.upper().replace('-', '_')}"


def secrets(service: Service, instances: Sequence[Instance], kind: type[Closeup] = InspectCloseup) -> Closeup:
    """What its container was started with."""
    names = tuple(one.name for one in instances)
    if kind is not InspectCloseup:
        return kind(at=NOON, service=service.key, instances=names)
    fact = Fact("environment", variable_of(service), "hunter2", variable=True, secret=True, instance=names[0])
    return InspectCloseup(at=NOON, service=service.key, instances=names, lines=(fact,))
