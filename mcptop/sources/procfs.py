"""The host's figures from /proc: parsers for its files, and the few that stay open.

Knows no process and no container; `process_table` does.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from mcptop.model.snapshot import BlockDevice, Traffic
from mcptop.sources import cgroup_files
from mcptop.sources.kept import ParsedFile

_SECTOR = 512


@dataclass(frozen=True)
class Roots:
    """Where the kernel's trees are: elsewhere for a recorded tree, or in a container with the host's mounted."""

    procfs: str = "/proc"
    sysfs: str = "/sys"

    @property
    def live(self) -> bool:
        """Whether these are kernel file systems (namespaces can be entered) and not a recorded tree."""
        return os.path.lexists(f"{self.procfs}/1/ns/net")

    @cached_property
    def host_process(self) -> str:
        """A process in the host's network namespace: 1, or mcptop itself where 1 does not let anyone look."""
        return "1" if self.network_of("1") is not None else "self"

    def network_of(self, pid: str) -> int | None:
        """The network namespace of a process, by its inode; None where it cannot be seen."""
        try:
            return os.stat(f"{self.procfs}/{pid}/ns/net").st_ino
        except OSError:
            return None


class CpuTicks(NamedTuple):
    """Host CPU time in clock ticks, all CPUs together."""

    busy: int
    total: int
    cpus: int


def cpu_ticks(data: bytes) -> CpuTicks | None:
    """/proc/stat. Waiting for I/O is idle time; guest time is inside user time already."""
    cpus = sum(1 for line in data.split(b"\n") if line[:3] == b"cpu" and line[3:4].isdigit())
    fields = data.split(b"\n", 1)[0].split()
    if len(fields) < 5 or fields[0] != b"cpu":
        return None
    times = [int(field) for field in fields[1:9]]
    total = sum(times)
    idle = times[3] + (times[4] if len(times) > 4 else 0)
    return CpuTicks(total - idle, total, cpus)


def meminfo(data: bytes) -> dict[bytes, int]:
    """/proc/meminfo in bytes."""
    values: dict[bytes, int] = {}
    for line in data.split(b"\n"):
        fields = line.split()
        if len(fields) >= 2 and fields[1].isdigit():
            values[fields[0].rstrip(b":")] = int(fields[1]) * (1024 if fields[2:] else 1)
    return values


def load_1m(data: bytes) -> float | None:
    """The first figure of /proc/loadavg."""
    try:
        return float(data.split()[0])
    except (IndexError, ValueError):
        return None


def interfaces(data: bytes) -> tuple[Traffic, ...]:
    """/proc/net/dev without loopback. A name may hold anything but white space and `/`; the last colon ends it."""
    found = []
    for line in data.split(b"\n")[2:]:
        name, _, rest = line.rpartition(b":")
        fields = rest.split()
        if len(fields) >= 9 and name.strip() != b"lo":
            found.append(Traffic(name.strip().decode("utf-8", "replace"), int(fields[0]), int(fields[8])))
    return tuple(found)


class DiskStat(NamedTuple):
    """One line of /proc/diskstats."""

    number: str
    """`major:minor`."""
    device: BlockDevice


def diskstats(data: bytes) -> tuple[DiskStat, ...]:
    """/proc/diskstats without RAM disks."""
    found = []
    for line in data.decode("utf-8", "replace").splitlines():
        fields = line.split()
        if len(fields) >= 13 and not fields[2].startswith("ram"):
            device = BlockDevice(fields[2], int(fields[5]) * _SECTOR, int(fields[9]) * _SECTOR, int(fields[12]))
            found.append(DiskStat(f"{fields[0]}:{fields[1]}", device))
    return tuple(found)


def sockets_in_use(data: bytes) -> int:
    """TCP sockets of a namespace (in use or in TIME_WAIT) by its /proc/net/sockstat or sockstat6.

    Orphans are among those in use; the number beside them is that of all namespaces together.
    """
    total = 0
    for line in data.split(b"\n"):
        if line.startswith((b"TCP:", b"TCP6:")):
            fields = line.split()
            values = dict(zip(fields[1::2], fields[2::2], strict=False))
            total += sum(int(values.get(key, b"0")) for key in (b"inuse", b"tw"))
    return total


def listen_overflows(data: bytes) -> int | None:
    """Connections turned away because an accept queue was full, by /proc/PID/net/netstat; None where it is not said."""
    lines = [line.split() for line in data.split(b"\n") if line.startswith(b"TcpExt:")]
    if len(lines) != 2 or b"ListenOverflows" not in lines[0]:
        return None
    index = lines[0].index(b"ListenOverflows")
    return int(lines[1][index]) if index < len(lines[1]) else None


class HostFiles:
    """The host's files, kept open."""

    def __init__(self, roots: Roots) -> None:
        self.roots = roots
        proc = roots.procfs
        self.stat = ParsedFile(f"{proc}/stat", cpu_ticks)
        self.meminfo = ParsedFile(f"{proc}/meminfo", meminfo)
        self.loadavg = ParsedFile(f"{proc}/loadavg", load_1m)
        self.diskstats = ParsedFile(f"{proc}/diskstats", diskstats)
        # Not mcptop's own: it may run in a container, with the host's /proc mounted.
        self.interfaces = ParsedFile(f"{proc}/{roots.host_process}/net/dev", interfaces)
        self.cpu_pressure = ParsedFile(f"{proc}/pressure/cpu", cgroup_files.pressure)
        self.memory_pressure = ParsedFile(f"{proc}/pressure/memory", cgroup_files.pressure)
        self.io_pressure = ParsedFile(f"{proc}/pressure/io", cgroup_files.pressure)

    def uplinks(self) -> frozenset[str]:
        """Interfaces with a device behind them; bridges and veth pairs carry the same bytes once more."""
        net = f"{self.roots.sysfs}/class/net"
        try:
            return frozenset(name for name in os.listdir(net) if os.path.exists(f"{net}/{name}/device"))
        except OSError:
            return frozenset()
