"""CPU time of processes, exact to the nanosecond: one process, a tree, and the container engine with its shims.

Reads each process's CPU clock (clock_getcpuclockid(3)): all its threads, those that have ended included.
`/proc/PID/schedstat` would be the main thread alone, and `/proc/PID/stat` is rounded to 10 ms, more than a
shim uses in a whole window.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable

_TICK = os.sysconf("SC_CLK_TCK")
_SHIM = "containerd-shim"


def _seconds(pid: int) -> float:
    """CPU seconds of one process so far; 0 once it is gone."""
    with contextlib.suppress(OSError):
        return time.clock_gettime((~pid << 3) | 2)
    return 0.0


def _stat(pid: int) -> tuple[str, list[str]] | None:
    """Name and the fields after it of /proc/PID/stat."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            text = file.read()
    except OSError:
        return None
    return text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()


def _processes() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def tree(root: int) -> list[int]:
    """A process and its descendants."""
    parents = {pid: int(found[1][1]) for pid in _processes() if (found := _stat(pid))}
    members = [root]
    for pid in members:
        members.extend(child for child, parent in parents.items() if parent == pid)
    return members


def tree_seconds(root: int) -> float:
    """CPU seconds of a tree: its processes, and the children they have waited for."""
    total = 0.0
    for pid in tree(root):
        found = _stat(pid)
        total += _seconds(pid) + (sum(map(int, found[1][13:15])) / _TICK if found else 0)
    return total


def tree_rss(root: int) -> int:
    """Resident bytes of a tree."""
    total = 0
    for pid in tree(root):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/statm") as file:
            total += int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return total


class Engine:
    """dockerd, containerd and every shim, as they were when the object was made."""

    def __init__(self) -> None:
        named = [(pid, found[0]) for pid in _processes() if (found := _stat(pid))]
        self.parts = {
            "dockerd": [pid for pid, name in named if name == "dockerd"],
            "containerd": [pid for pid, name in named if name == "containerd"],
            "shims": [pid for pid, name in named if name.startswith(_SHIM)],
        }

    def seconds(self) -> dict[str, float]:
        """CPU seconds so far, by part."""
        return {name: _sum(pids) for name, pids in self.parts.items()}


def _sum(pids: Iterable[int]) -> float:
    return sum(_seconds(pid) for pid in pids)
