"""What a Swarm manager says: replicas a service shall have and has, tasks that failed, nodes."""

from __future__ import annotations

from datetime import datetime

from mcptop.model.value import Value

TASK = "task:"
"""Ids of instances that are known as a task of another node only begin so; the task's own id follows."""
COUNTED = ("replicated", "global")
"""Modes whose tasks shall run all the time."""


def is_task(identity: str) -> bool:
    """Whether an instance is on a node that mcptop does not sample: there is a state, and no figure."""
    return identity.startswith(TASK)


class TaskTrouble(Value, frozen=True):
    """A task that ended in an error, or cannot begin."""

    task: str
    """`web.2`: service and slot, or service and node for a global one."""
    state: str
    """Swarm's word: failed, rejected, pending, ..."""
    says: str
    """The error in Swarm's words, as one harmless line."""
    at: datetime | None = None
    node: str | None = None
    """Name of the node; None where it has none yet."""
    exit_code: int | None = None
    """Of its program; None where none ran."""


class SwarmService(Value, frozen=True):
    """One service as the managers have it."""

    id: str
    name: str
    """The whole name, `STACK_SERVICE` in a stack: what `docker service` takes."""
    mode: str
    """replicated, global, replicated-job, global-job."""
    desired: int
    """Replicas there shall be."""
    running: int
    """Without those on nodes that are down, which `docker service ls` goes on counting."""
    stack: str | None = None
    update_state: str | None = None
    """updating, paused, completed, rollback_started, rollback_paused, rollback_completed; None without an update."""
    update_message: str | None = None
    elsewhere: int = 0
    """Running replicas on nodes that mcptop does not sample."""
    troubles: tuple[TaskTrouble, ...] = ()
    """What stands in the way, or failed in the last minutes; the newest first."""
    troubles_left_out: int = 0
    """How many more there were."""
    failed_tasks: int = 0
    """Tasks that ended in an error, of those the manager remembers (five of each slot, unless it is set otherwise)."""

    @property
    def service(self) -> str:
        """Its name within its stack: as its containers' service is called."""
        return self.name.removeprefix(f"{self.stack}_") if self.stack else self.name

    @property
    def has_replicas(self) -> bool:
        """Whether `desired` shall run all the time; the tasks of a job end."""
        return self.mode in COUNTED

    @property
    def missing(self) -> int:
        """Replicas that shall run and do not."""
        return max(0, self.desired - self.running) if self.has_replicas else 0


class SwarmNode(Value, frozen=True):
    """One machine of the swarm."""

    id: str
    name: str
    role: str
    """manager, worker."""
    availability: str
    """active, pause, drain."""
    state: str
    """ready, down, disconnected, unknown."""
    message: str | None = None
    """Why it is not ready, in Swarm's words."""
    reachable: str | None = None
    """Of a manager: reachable, unreachable; None of a worker."""
    leader: bool = False


class Swarm(Value, frozen=True):
    """All of it at one moment. The same object in two snapshots means: nothing changed."""

    services: tuple[SwarmService, ...] = ()
    nodes: tuple[SwarmNode, ...] = ()
