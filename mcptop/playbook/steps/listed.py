"""What `netstat` and `ss` share: a program that lists a namespace's TCP connections, run twice."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from msgspec import Struct

from mcptop.model.diagnosis import Subject
from mcptop.model.playbook import Safety
from mcptop.playbook.steps import connections, net_look
from mcptop.playbook.steps.base import Context, Raw
from mcptop.playbook.steps.connections import Socket
from mcptop.playbook.steps.two_looks import Options, TwoLooks


class Listed(TwoLooks, ABC):
    """One such program; a subclass says which, and reads its lines."""

    name: ClassVar[str]
    argv: ClassVar[tuple[str, ...]]
    says: ClassVar[str] = "listing its connections"
    safety: ClassVar[Safety] = Safety.PASSIVE
    alongside: ClassVar[bool] = False
    options: ClassVar[type[Struct]] = Options
    emits: ClassVar[Mapping[str, str]] = connections.EMITS

    @staticmethod
    @abstractmethod
    def parse(data: bytes) -> list[Socket]:
        """The sockets in one output. Raises `StepFailure` for a line it cannot make sense of."""

    def collect(self, context: Context, options: Options) -> Raw:
        """Run it twice, in the target's network namespace. Raises `StepFailure`."""
        return net_look.collect(
            context, options.over, lambda number: net_look.inside(context, f"{self.name}-{number}.txt", self.argv)
        )

    def read(self, raw: Raw, options: Options, subject: Subject) -> dict[str, Any]:
        """Connections by state and peer, and what came. Raises `StepFailure`."""
        first, second = net_look.read(raw, self.parse)
        return connections.values(first, second)

    def summary(self, values: Mapping[str, Any]) -> str:
        """The states one asks for first."""
        return connections.summary(values)
