"""Who acts as the test says, and remembers whom he was sent to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from mcptop.actions.errors import ActionError
from mcptop.model.action import Action, ActionTarget, ContainerFacts, Look
from mcptop.model.value import Kind

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
MIB = 1 << 20


class Actor:
    """Holds the facts a test sets; every order is remembered before it is carried out."""

    def __init__(self) -> None:
        self.made = 0
        self.asked = 0
        self.orders: list[tuple[Action, ActionTarget]] = []
        self.facts: Callable[[ActionTarget], ContainerFacts] = lambda target: ContainerFacts(
            target.state, memory_bytes=512 * MIB, memory_swap_bytes=512 * MIB, cpus=0.5
        )
        self.host = "build-7"
        self.engine: str | None = None
        self.problem = ""
        self.let_go = threading.Event()
        self.let_go.set()

    def __call__(self) -> Actor:
        """As the app makes its performer."""
        self.made += 1
        return self

    def look(self, targets: Sequence[ActionTarget], machine: str) -> Look:
        """The facts; a host process has none."""
        self.asked += 1
        assert self.let_go.wait(60), "nobody let it go"
        if self.problem:
            raise ActionError(self.problem)
        facts = tuple(self.facts(one) if one.kind is Kind.CONTAINER else None for one in targets)
        return Look(self.host, self.engine, facts)

    def perform(self, action: Action, target: ActionTarget) -> str:
        """Remember it, and do it when the test lets it."""
        self.orders.append((action, target))
        assert self.let_go.wait(60), "nobody let it go"
        if self.problem:
            raise ActionError(self.problem)
        return ""

    def wait_until_up(self, target: ActionTarget, cancelled: threading.Event) -> None:
        """It is up at once."""

    @property
    def done(self) -> list[str]:
        """The orders in short."""
        return [f"{action.verb}{action.signal and ' ' + action.signal} {target.name}" for action, target in self.orders]
