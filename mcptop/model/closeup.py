"""One service looked at closely: its processes, sockets, open files, and what it was started with.

Every text in here was made harmless where it was read. What could not be read is None, never 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from mcptop.model.value import Value


class Aspect(StrEnum):
    """What of a service is looked at."""

    PROCESSES = "processes"
    SOCKETS = "sockets"
    FILES = "files"
    INSPECT = "inspect"


class ProcessKey(NamedTuple):
    """A process for ever: a pid is used again, a pid with its start is not."""

    pid: int
    start_ticks: int
    """Clock ticks after boot."""


class ProcessLine(Value, frozen=True, kw_only=True):
    """One process."""

    instance: str
    """Name of the container or process tree it belongs to."""
    pid: int
    start_ticks: int | None = None
    """None where its kernel is not ours: then nobody can signal it."""
    inner_pid: int | None = None
    """As its own pid namespace numbers it; None where that is the same."""
    parent: int
    name: str
    command: str = ""
    """Its command line with secrets masked; empty for a zombie and for a thread of the kernel."""
    user: str | None = None
    state: str
    """The letter of /proc/PID/stat: R, S, D, Z, T, t, I."""
    cores: float | None = None
    """CPU time since the last look a second; None in the first look at it."""
    rss_bytes: int | None = None
    threads: int | None = None
    fds: int | None = None
    started_at: datetime | None = None

    @property
    def key(self) -> ProcessKey | None:
        """Who to signal, or whose threads to read; None where that cannot be told for sure."""
        return None if self.start_ticks is None else ProcessKey(self.pid, self.start_ticks)


class ThreadLine(Value, frozen=True, kw_only=True):
    """One thread of a process."""

    pid: int
    tid: int
    name: str
    state: str
    cores: float | None = None
    """Since the last look."""
    waited_ratio: float | None = None
    """Share of the time since the last look in which it was ready to run and no CPU was free."""
    waits_in: str | None = None
    """Kind of system call: futex, sleep, poll, read, ...; None while it runs, and where that may not be read."""


class Direction(StrEnum):
    """Who opened a connection."""

    LISTENS = "listens"
    OPENED = "opened here"
    CAME_IN = "came in"


class SocketLine(Value, frozen=True, kw_only=True):
    """The TCP sockets of one instance that lead to the same peer in the same state."""

    instance: str
    direction: Direction
    address: str
    """Of the peer; of a listener where it listens: `*` is everywhere."""
    port: int | None = None
    """Of the peer, where all have the same: those that came in have not."""
    peer: str | None = None
    """The service at the other end; None where nobody knows it."""
    local_port: int | None = None
    """None where they have different ones."""
    state: str
    """ESTABLISHED, CLOSE_WAIT, SYN_SENT, ..., as netstat writes it."""
    count: int
    unsent_bytes: int | None = None
    """Sent, and not acknowledged by the other end."""
    unread_bytes: int | None = None
    """Arrived, and not read by the program."""
    accept_queue: int | None = None
    """Of a listener: connections nobody accepted yet."""
    backlog: int | None = None
    """How many may wait there."""
    busy: int | None = None
    """Requests that wait for an answer, inferred from the ages of what was sent and received."""
    oldest_s: float | None = None
    """Age of the oldest of them."""


class FileLine(Value, frozen=True, kw_only=True):
    """One open file of an instance; of sockets and pipes all of them together."""

    instance: str
    pids: tuple[int, ...]
    kind: str
    """regular, socket, pipe, other."""
    path: str = ""
    """As the process sees it; empty for sockets and pipes."""
    inode: str | None = None
    """Device and number: the same file whatever it is called."""
    descriptors: int
    size_bytes: int | None = None
    position: int | None = None
    """The furthest of its descriptors, in bytes."""
    growth_bytes_per_s: float | None = None
    """Of its size since the last look; None in the first look at it."""
    moved_bytes_per_s: float | None = None
    """How far its positions went since the last look, all descriptors together."""
    deleted: bool = False
    """No folder shows it any more, and it takes room until it is closed."""
    writes: bool | None = None
    """Whether a descriptor was opened for writing."""

    @property
    def held_bytes(self) -> int | None:
        """What its disk gets back when it is closed; None where nobody can tell, and of files that have a name."""
        return self.size_bytes if self.deleted else None


class Fact(Value, frozen=True):
    """One line about a service."""

    section: str
    name: str
    value: str
    """In the clear: `presentation.closeups.masks` decides what of it is shown."""
    variable: bool = False
    """Of the environment: its value is not shown unless somebody asks for it."""
    secret: bool = False
    """Its name or its value looks like a secret: it is not shown with the others, only when asked for by itself."""
    instance: str = ""


class Closeup(Value, frozen=True, kw_only=True):
    """One look at one aspect of a service."""

    at: datetime
    service: str
    """Key of the service."""
    instances: tuple[str, ...]
    """Names of those that were looked at."""
    problem: str | None = None
    """What could not be read and why, in one line; there may be lines all the same."""
    cut_at: int | None = None
    """There are more lines than these; None: these are all."""


class ProcessCloseup(Closeup, frozen=True, kw_only=True):
    """Its processes, in the order of their instances and then of their start."""

    lines: tuple[ProcessLine, ...] = ()
    threads_of: ProcessKey | None = None
    """The process whose threads were asked for; None when it is gone."""
    threads: tuple[ThreadLine, ...] = ()


class SocketCloseup(Closeup, frozen=True, kw_only=True):
    """Its TCP sockets."""

    lines: tuple[SocketLine, ...] = ()


class FileCloseup(Closeup, frozen=True, kw_only=True):
    """Its open files."""

    lines: tuple[FileLine, ...] = ()


class InspectCloseup(Closeup, frozen=True, kw_only=True):
    """What it is and was started with, section by section."""

    lines: tuple[Fact, ...] = ()


CLOSEUPS: Mapping[Aspect, type[Closeup]] = {
    Aspect.PROCESSES: ProcessCloseup,
    Aspect.SOCKETS: SocketCloseup,
    Aspect.FILES: FileCloseup,
    Aspect.INSPECT: InspectCloseup,
}
