"""The threads of a process, one look: how much each ran, how long it waited for a CPU, and what it waits in."""

from __future__ import annotations

import os
from collections.abc import Iterator

from mcptop.model.value import Value
from mcptop.sources.kept import contents
from mcptop.sources.procfs import Roots

MOST_CALLS = 600
"""Of a process with more threads, only of so many it is read what they wait in: that is half of what a look costs."""

_FUTEX_WAITS = frozenset({0, 6, 9, 11})
"""FUTEX_WAIT, LOCK_PI, WAIT_BITSET, WAIT_REQUEUE_PI."""
_FUTEX_COMMAND = 0x7F

# By number, of x86-64 and of arm64; the names are those of the groups below.
_CALLS = {
    "x86_64": {0: "read", 17: "read", 19: "read", 45: "receive", 47: "receive", 299: "receive", 1: "write", 18: "write",
               20: "write", 44: "send", 46: "send", 7: "poll", 23: "poll", 232: "poll", 270: "poll", 271: "poll",
               281: "poll", 441: "poll", 35: "sleep", 230: "sleep", 202: "futex", 74: "fsync", 75: "fsync",
               162: "fsync", 277: "fsync", 306: "fsync", 42: "connect", 43: "accept", 288: "accept", 61: "wait",
               247: "wait", 128: "signal", 130: "signal", 34: "signal"},
    "aarch64": {63: "read", 67: "read", 65: "read", 207: "receive", 212: "receive", 243: "receive", 64: "write",
                68: "write", 66: "write", 206: "send", 211: "send", 73: "poll", 72: "poll", 22: "poll", 441: "poll",
                101: "sleep", 115: "sleep", 98: "futex", 82: "fsync", 83: "fsync", 81: "fsync", 84: "fsync",
                267: "fsync", 203: "connect", 202: "accept", 242: "accept", 260: "wait", 95: "wait", 137: "signal",
                133: "signal"},
}  # fmt: skip
_OF_THIS_MACHINE = _CALLS.get(os.uname().machine, {})
# Where the number is hidden, the kernel's function says something too.
_CHANNELS = (
    ("futex", "futex"),
    ("nanosleep", "sleep"),
    ("epoll", "poll"),
    ("poll_schedule", "poll"),
    ("do_select", "poll"),
    ("sync", "fsync"),
    ("jbd2", "fsync"),
    ("recv", "receive"),
    ("do_wait", "wait"),
)


class TaskLook(Value, frozen=True):
    """One thread. Seconds since it started; the state is the letter of /proc/PID/stat."""

    tid: int
    inner_tid: int
    """As its own pid namespace numbers it."""
    name: str
    state: str
    ran_s: float
    waited_s: float
    """Ready to run, and no CPU was free."""
    slices: int
    """How often it got a CPU."""
    waits_in: str | None = None
    """Kind of system call: futex, sleep, poll, read, write, receive, send, fsync, connect, accept, wait, signal."""
    for_ever: bool = False
    """It is a futex, and no time limit was given."""
    where: str | None = None
    """The futex's address: who waits for the same lock."""
    asked: bool = True
    """Whether it was read what it waits in at all."""


def looks(roots: Roots, pid: int, numbered_inside: bool = False) -> Iterator[TaskLook]:
    """Every thread now, the first one first; nothing when the process is gone.

    `numbered_inside`: ask for the numbers they have in their own namespace, for one file more each.
    """
    folder = f"{roots.procfs}/{pid}/task"
    try:
        tids = sorted(map(int, os.listdir(folder)))
    except OSError:
        return
    for number, tid in enumerate(tids):
        if (found := _look(f"{folder}/{tid}", tid, numbered_inside, number < MOST_CALLS)) is not None:
            yield found


def _look(base: str, tid: int, numbered_inside: bool, asks_call: bool) -> TaskLook | None:
    head, _, tail = contents(f"{base}/stat").rpartition(b")")
    times = contents(f"{base}/schedstat").split()
    if not tail or len(times) < 3:
        return None
    state = tail.split(None, 1)[0].decode()
    call, for_ever, where = waits_in(base) if asks_call and state != "R" else (None, False, None)
    name = head.partition(b"(")[2].decode("utf-8", "replace")
    return TaskLook(
        tid=tid,
        inner_tid=_inner(base, tid) if numbered_inside else tid,
        name=name,
        state=state,
        ran_s=int(times[0]) / 1e9,
        waited_s=int(times[1]) / 1e9,
        slices=int(times[2]),
        waits_in=call,
        for_ever=for_ever,
        where=where,
        asked=asks_call,
    )


def _inner(base: str, tid: int) -> int:
    for line in contents(f"{base}/status").split(b"\n"):
        if line.startswith(b"NSpid:"):
            return int(line.split()[-1])
    return tid


def waits_in(base: str) -> tuple[str | None, bool, str | None]:
    """Kind of system call, whether it is a futex without a limit, and its address, by /proc/PID/syscall and wchan."""
    fields = contents(f"{base}/syscall").split()
    if len(fields) > 4 and fields[0].isdigit():
        call = _OF_THIS_MACHINE.get(int(fields[0]))
        if call != "futex":
            return call, False, None
        command = int(fields[2], 16) & _FUTEX_COMMAND
        return call, command in _FUTEX_WAITS and int(fields[4], 16) == 0, fields[1].decode()
    channel = contents(f"{base}/wchan").decode("ascii", "replace")
    return next((call for part, call in _CHANNELS if part in channel), None), False, None
