"""What the steps share that look at a target's processes twice, some seconds apart, and tell what changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct

from mcptop.model.diagnosis import StepStatus
from mcptop.playbook.steps.base import Context, Seconds, StepFailure
from mcptop.sources.kept import contents
from mcptop.sources.process_files import process_stat
from mcptop.sources.procfs import Roots

T = TypeVar("T")
_SHORTEST_S = 0.1
"""A change over less is no rate."""
_LOOK_S = 0.5
_ENDED = ("Z", "X")


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """How far apart the two looks are."""

    over: Seconds = Seconds(6)


class TwoLooks:
    """How long such a step takes."""

    def expected_s(self, options: Options) -> float:
        """The time between the looks, and a little for each."""
        return options.over + 2 * _LOOK_S


def twice(context: Context, over: float, look: Callable[[int], T]) -> tuple[T, T]:
    """Look, wait, look again; sooner when the user or the time says so. `look` gets 1 and 2."""
    began = time.monotonic()
    first = look(1)
    context.pause(over - (time.monotonic() - began))
    return first, look(2)


def pids_of(context: Context) -> tuple[int, ...]:
    """The target's processes. Raises `StepFailure` where they are not on this host."""
    return context.subject.pids or (context.pid,)


def living(context: Context) -> int:
    """The target's process, or another of its own where that one has been replaced, as servers do with their workers.

    Raises `StepFailure` where none is left.
    """
    for pid in (context.pid, *pids_of(context)):
        if not has_ended(context.roots, pid):
            return pid
    raise StepFailure(StepStatus.TARGET_GONE, "the target has ended")


def of_each(context: Context, read: Callable[[int], T]) -> dict[int, T]:
    """Process -> what `read` gives of it, without those that have ended. Raises `StepFailure`."""
    found = {}
    for pid in pids_of(context):
        try:
            if not has_ended(context.roots, pid):
                seen = read(pid)
                # Of one that ended meanwhile everything looks closed.
                if not has_ended(context.roots, pid):
                    found[pid] = seen
        except (FileNotFoundError, ProcessLookupError):
            continue
        except PermissionError as error:
            raise StepFailure(
                StepStatus.PERMISSION_DENIED, f"{error.filename or f'process {pid}'} may not be read: run as root"
            ) from None
    if not found:
        raise StepFailure(StepStatus.TARGET_GONE, "the target has ended")
    return found


def is_gone(context: Context) -> bool:
    """Whether none of the target's processes is there any more."""
    return all(has_ended(context.roots, pid) for pid in pids_of(context))


def has_ended(roots: Roots, pid: int) -> bool:
    """Whether a process has ended, waited for or not."""
    stat = process_stat(contents(f"{roots.procfs}/{pid}/stat"))
    return stat is None or stat.state in _ENDED


def per_s(change: float | None, seconds: float) -> float | None:
    """A change as a rate; None where it is not known or the time was too short for one."""
    return None if change is None or seconds < _SHORTEST_S else change / seconds
