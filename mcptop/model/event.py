"""What happened to a service: a change between two looks that a reader of its charts wants to know of."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from mcptop.model.value import Value


class EventKind(StrEnum):
    """What it was."""

    STARTED = "started"
    """It was not there, or did not run, and runs now."""
    STOPPED = "stopped"
    RESTARTED = "restarted"
    DEPLOYED = "deployed"
    """The same name runs another image."""
    OOM_KILL = "oom-kill"
    HEALTH = "health"
    LIMIT = "limit"
    """A limit of CPU, memory or processes was changed."""
    SOURCE = "source"
    """A source of figures failed, or came back."""


class Event(Value, frozen=True):
    """One change."""

    at: datetime
    """Of the look that saw it first."""
    kind: EventKind
    says: str
    """What changed, in a few words; may hold names from outside."""
    bad: bool = False
    """Somebody may have to know why."""
    service: str = ""
    """`Service.key`; empty for a source."""
    instance: str = ""
    """`Instance.id`."""
    name: str = ""
    """What it is called: the instance or the source."""
