"""Open file descriptors of every instance against the limit of the process that is nearest to its own."""

from __future__ import annotations

import os
import time

from mcptop.collectors.base import SLOW_TICKS, Findings, Tick
from mcptop.model.instance import FileDescriptors
from mcptop.sources import process_files
from mcptop.sources.process_table import ProcessTable
from mcptop.sources.procfs import Roots

_SETTLED_S = 10.0


def _age_s(start_ticks: int) -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME) - start_ticks / process_files.TICKS_PER_S


class FileCollector:
    """Counts each process's descriptors every five ticks, and asks for its limit every sixty."""

    name = "files"
    deadline_s = 2.0

    def __init__(self, roots: Roots, table: ProcessTable) -> None:
        self._proc = roots.procfs
        self._live = roots.live
        self._table = table
        self._version = -1
        self._members: dict[str, list[tuple[int, int]]] = {}
        self._counts: dict[str, FileDescriptors] = {}
        self._limits: dict[tuple[int, int], int | None] = {}
        self._hidden = 0

    def collect(self, tick: Tick) -> Findings:
        """Count a fifth of the instances; all that are new."""
        if tick.number % (12 * SLOW_TICKS) == 0:
            self._limits.clear()
        if self._table.version != self._version:
            self._refresh()
        self._hidden = 0
        for slot, (identity, members) in enumerate(self._members.items()):
            if identity not in self._counts or (tick.number + slot) % SLOW_TICKS == 0:
                self._counts[identity] = self._count(members)
        message = f"{self._hidden} processes do not show their files; run as root" if self._hidden else ""
        return Findings(files=dict(self._counts), message=message)

    def _refresh(self) -> None:
        self._version = self._table.version
        instances = self._table.containers() | self._table.trees
        self._members = {
            identity: [(member.pid, member.start_ticks) for member in members]
            for identity, members in instances.items()
        }
        alive = {key for members in self._members.values() for key in members}
        self._limits = {key: limit for key, limit in self._limits.items() if key in alive}
        self._counts = {identity: count for identity, count in self._counts.items() if identity in self._members}

    def _count(self, members: list[tuple[int, int]]) -> FileDescriptors:
        """Sum over the processes we may look into; None when there is none."""
        total: int | None = None
        nearest: tuple[float, int | None] = (-1.0, None)
        for key in members:
            count = self._open_files(key[0])
            if count is None:
                continue
            total = (total or 0) + count
            limit = self._limit(key)
            if limit and count / limit > nearest[0]:
                nearest = (count / limit, limit)
        ratio, limit = nearest
        return FileDescriptors(total, limit, ratio if limit else None)

    def _open_files(self, pid: int) -> int | None:
        directory = f"{self._proc}/{pid}/fd"
        try:
            # Since Linux 6.2 the directory's size is the number of descriptors; before, it is 0.
            counted = os.stat(directory).st_size if self._live else 0
            return counted or len(os.listdir(directory))
        except PermissionError:
            self._hidden += 1
            return None
        except OSError:
            return None

    def _limit(self, key: tuple[int, int]) -> int | None:
        if key in self._limits:
            return self._limits[key]
        try:
            with open(f"{self._proc}/{key[0]}/limits", "rb", buffering=0) as file:
                limit = process_files.open_files_limit(file.readall())
        except OSError:
            return None
        # What a container's runtime has just started may still have the runtime's own limits.
        if not self._live or _age_s(key[1]) > _SETTLED_S:
            self._limits[key] = limit
        return limit

    def close(self) -> None:
        """Nothing to give back."""
