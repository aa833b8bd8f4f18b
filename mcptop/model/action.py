"""What can be done to an instance, to whom, and what came of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from mcptop.model.value import Kind, Value


class Verb(StrEnum):
    """What is done."""

    START = "start"
    STOP = "stop"
    RESTART = "restart"
    PAUSE = "pause"
    UNPAUSE = "unpause"
    SIGNAL = "signal"
    UPDATE = "update"
    """Other limits."""
    SHELL = "shell"
    SCALE = "scale"
    """Another number of replicas, of a Swarm service."""


class ActionTarget(Value, frozen=True):
    """One instance as it was on the screen. Its id is what is acted on, so nobody who took its name is hit."""

    id: str
    """A container's full id, `PID-STARTTICKS` of a host process, or the id of a Swarm service."""
    name: str
    kind: Kind
    project: str | None
    service: str
    state: str = "running"
    working_set_bytes: int | None = None


class ContainerFacts(Value, frozen=True):
    """What the engine says of a container just before it is acted on."""

    state: str = "running"
    health: str | None = None
    """None without a health check."""
    started_at: str = ""
    """As the engine writes it; another one means another run."""
    swarm_task: bool = False
    """Swarm replaces it whenever it ends."""
    stop_grace_s: int = 10
    """Between the stop signal and KILL."""
    memory_bytes: int = 0
    """The limit; 0 without one."""
    memory_swap_bytes: int = 0
    """Limit of memory and swap together; 0 or -1 without one."""
    cpus: float | None = None
    """The quota in cores; None without one."""
    cpu_period_us: int = 0
    """Not 0: the quota was given as quota and period, which the engine does not mix with cores."""


class Look(Value, frozen=True):
    """What is known of the targets of a menu."""

    host: str
    """The machine or, where it is another one, the engine's address."""
    engine: str | None = None
    """For `docker -H`; None: the docker program's own default."""
    facts: tuple[ContainerFacts | None, ...] = ()
    """One a target; None for a host process."""
    manager: str | None = None
    """As `engine`, of the Swarm manager."""


class Limits(Value, frozen=True):
    """Limits to set; None stays as it is."""

    memory_bytes: int | None = None
    memory_swap_bytes: int | None = None
    cpus: float | None = None
    cpu_period_us: int = 0
    """As in `ContainerFacts`."""


class Action(Value, frozen=True):
    """Something to do to one instance, or to several, one after the other."""

    verb: Verb
    targets: tuple[ActionTarget, ...]
    host: str
    engine: str | None = None
    signal: str = ""
    """Without `SIG`."""
    limits: tuple[Limits, ...] = ()
    """One a target."""
    others_running: int = 0
    """Replicas of the service that are left alone and run."""
    replicas: int | None = None
    """To have, where they are scaled."""
    replicas_before: int | None = None
    """As they were on the screen."""

    @property
    def interrupts(self) -> bool:
        """Whether users can notice it."""
        if self.verb is Verb.SIGNAL:
            return self.signal != "CONT"
        if self.verb is Verb.SCALE:
            return (self.replicas or 0) < (self.replicas_before or 0)
        return self.verb in (Verb.STOP, Verb.RESTART, Verb.PAUSE, Verb.UPDATE)

    @property
    def must_be_typed(self) -> bool:
        """Whether a yes is not enough: KILL, and all replicas of a service."""
        return self.signal == "KILL" or len(self.targets) > 1 or (self.verb is Verb.SCALE and not self.replicas)


class Outcome(Value, frozen=True):
    """What came of an action."""

    ok: bool
    says: str
    """One line."""


class LogEntry(Value, frozen=True):
    """One command that was carried out, or tried."""

    at: datetime
    """Local time."""
    command: str
    ok: bool
    outcome: str
    """`ok in 1.2 s`, or what went wrong."""
