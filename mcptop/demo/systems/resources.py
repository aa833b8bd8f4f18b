"""What this process and its children use, as the guide's service metrics want it.

The guide makes a new `psutil.Process` for each look, whose `cpu_percent()` is 0.0 for ever: a use of CPU is a
difference between two looks at the same process.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True)
class Resources:
    """One look at the process and its children, taken together."""

    memory_bytes: int
    """Sum of resident sets; pages shared between them count for each, and it is not what the OOM killer looks at."""
    cpu_percent: float | None
    """Percent of one core since the look before; None at the first."""
    disk_used_bytes: int
    """Of the whole file system at `mount`."""
    mount: str
    threads: int
    open_files: int
    """Open descriptors, sockets included."""


@dataclass(frozen=True, slots=True)
class _Look:
    memory_bytes: int
    cpu_s: float
    threads: int
    open_files: int


class ResourceMeter:
    """Keeps the process and child objects between looks. A child that ended or is not ours to read is left out."""

    def __init__(self, mount: str = "/", clock: Callable[[], float] = time.monotonic) -> None:
        self._mount = mount
        self._clock = clock
        self._process = psutil.Process()
        self._known: dict[psutil.Process, psutil.Process] = {self._process: self._process}
        self._cpu_s: dict[psutil.Process, float] | None = None
        self._at = 0.0

    def read(self) -> Resources:
        """Look now. Raises OSError when the mount is gone."""
        now = self._clock()
        looks = self._looks()
        cpu_s = {process: look.cpu_s for process, look in looks.items()}
        percent = self._percent(cpu_s, now - self._at)
        self._cpu_s, self._at = cpu_s, now
        return Resources(
            memory_bytes=sum(look.memory_bytes for look in looks.values()),
            cpu_percent=percent,
            disk_used_bytes=psutil.disk_usage(self._mount).used,
            mount=self._mount,
            threads=sum(look.threads for look in looks.values()),
            open_files=sum(look.open_files for look in looks.values()),
        )

    def _looks(self) -> dict[psutil.Process, _Look]:
        current = [self._process, *self._process.children(recursive=True)]
        self._known = {process: self._known.get(process, process) for process in current}
        found = {process: _look(process) for process in self._known.values()}
        return {process: look for process, look in found.items() if look is not None}

    def _percent(self, cpu_s: dict[psutil.Process, float], seconds: float) -> float | None:
        if self._cpu_s is None or seconds <= 0:
            return None
        before = self._cpu_s
        # A child not seen before was born since: all of its time counts.
        return 100 * sum(max(0.0, used - before.get(process, 0.0)) for process, used in cpu_s.items()) / seconds


def _look(process: psutil.Process) -> _Look | None:
    try:
        with process.oneshot():
            times = process.cpu_times()
            return _Look(
                memory_bytes=process.memory_info().rss,
                cpu_s=times.user + times.system,
                threads=process.num_threads(),
                open_files=process.num_fds(),
            )
    except psutil.Error:
        return None
