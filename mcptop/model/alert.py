"""What is wrong at one moment, one rule at a time: the values of `alerts[]` in the snapshot."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from mcptop.model.playbook import Severity
from mcptop.model.value import Kind, Value


class State(StrEnum):
    """How far an alert has come."""

    PENDING = "pending"
    """It holds, but not yet as long as its rule wants."""
    FIRING = "firing"


class Alert(Value, frozen=True):
    """A rule that holds for one instance, service, pool, queue, disk or source. Names are as `services[]` has them."""

    rule: str
    service: str | None
    """None: of the machine, or of mcptop's own sources."""
    severity: Severity
    since: datetime
    """Time of the frame in which it began to hold."""
    says: str
    """One sentence with figures and units, safe to print."""
    state: State = State.FIRING
    value: float | None = None
    threshold: float | None = None
    unit: str = ""
    """Of `value` and `threshold`."""
    playbook: str | None = None
    """Which one explains it; None where none does."""
    project: str | None = None
    kind: Kind | None = None
    instance: str | None = None
    """Name of the replica; None: of the service as a whole."""
    cause: str = ""
    """What alerts of one service have in common that are one problem."""
    peer: str | None = None
    """Whom it waits for."""
    left_s: float | None = None
    """Until it is too late, at the present rate."""
    subject: str = ""
    """Stable name of what it is about: key of an instance, service, pool or queue, or of a disk or source."""
    for_s: float = 0.0
    """So long it has to hold before it fires."""
    do: str = ""
    """What to do where no playbook can look."""

    @property
    def service_key(self) -> str | None:
        """The key of its service; None where it has none."""
        return None if self.kind is None else f"{self.kind}:{self.project or ''}/{self.service}"
