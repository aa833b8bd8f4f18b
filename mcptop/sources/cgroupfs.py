"""One container's cgroup, v1, v2 or hybrid, read with kept descriptors into the same values.

The differences between the versions end here: units (v1 counts CPU in nanoseconds, v2 in microseconds),
names, "no limit" (`max`, -1 or a huge number), and which file carries what.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from mcptop.sources import cgroup_files as files
from mcptop.sources.cgroup_paths import UNIFIED
from mcptop.sources.kept import ParsedFile

T = TypeVar("T")


class Cgroup:
    """The files of one container's cgroup. What its hierarchies lack reads as None.

    `directories` is what `cgroup_paths.directories` gave. Each attribute is a `ParsedFile`; reading one
    raises `Gone` once the cgroup is removed.
    """

    def __init__(self, directories: Mapping[str, str]) -> None:
        self._directories = directories
        # Each controller is in one hierarchy only, and which one is the host's choice, controller by controller.
        if "cpuacct" in directories:
            self.cpu_usage = self._file("cpuacct", "cpuacct.usage", files.nanoseconds)
            self.cpu_stat = self._file("cpu", "cpu.stat", files.cpu_stat_v1)
            self._cpu_quota = self._file("cpu", "cpu.cfs_quota_us", files.number)
            self._cpu_period = self._file("cpu", "cpu.cfs_period_us", files.number)
            self._cpu_max = self._file(None, "", files.cpu_max)
        else:
            self.cpu_usage = self._file(None, "", files.nanoseconds)
            self.cpu_stat = self._file(UNIFIED, "cpu.stat", files.cpu_stat_v2)
            self._cpu_quota = self._cpu_period = self._file(None, "", files.number)
            self._cpu_max = self._file(UNIFIED, "cpu.max", files.cpu_max)
        if "memory" in directories:
            self.memory_usage = self._file("memory", "memory.usage_in_bytes", files.number)
            self.memory_stat = self._file("memory", "memory.stat", files.memory_stat_v1)
            self.memory_limit = self._file("memory", "memory.limit_in_bytes", files.memory_limit)
            self.oom_kills = self._file("memory", "memory.oom_control", files.oom_kills)
        else:
            self.memory_usage = self._file(UNIFIED, "memory.current", files.number)
            self.memory_stat = self._file(UNIFIED, "memory.stat", files.memory_stat_v2)
            self.memory_limit = self._file(UNIFIED, "memory.max", files.memory_limit)
            self.oom_kills = self._file(UNIFIED, "memory.events", files.oom_kills)
        if "blkio" in directories:
            self.disk = self._file("blkio", "blkio.throttle.io_service_bytes", files.io_service_bytes)
        else:
            self.disk = self._file(UNIFIED, "io.stat", files.io_stat)
        pids = "pids" if "pids" in directories else UNIFIED
        self.threads = self._file(pids, "pids.current", files.number)
        self.threads_limit = self._file(pids, "pids.max", files.number)
        # On a hybrid host the v2 tree beside the v1 controllers has these: probe for the file, not for the version.
        self.cpu_pressure = self._file(UNIFIED, "cpu.pressure", files.pressure)
        self.memory_pressure = self._file(UNIFIED, "memory.pressure", files.pressure)
        self.io_pressure = self._file(UNIFIED, "io.pressure", files.pressure)

    def _file(self, hierarchy: str | None, name: str, parse: Callable[[bytes], T]) -> ParsedFile[T]:
        directory = None if hierarchy is None else self._directories.get(hierarchy)
        return ParsedFile(directory and f"{directory}/{name}", parse)

    def cpu_limit_cores(self) -> float | None:
        """The CPU quota in cores; None without one."""
        quota, period = self._cpu_quota.get(), self._cpu_period.get()
        if quota is not None and period:
            return quota / period
        return self._cpu_max.get()

    def close(self) -> None:
        """Give all descriptors back."""
        for value in vars(self).values():
            if isinstance(value, ParsedFile):
                value.close()
