"""The machine: CPU, memory, pressure, disks, network."""

from __future__ import annotations

import os
import time

import msgspec

from mcptop.collectors.base import SLOW_TICKS, Findings, SourceError, Tick
from mcptop.model.host import Filesystem
from mcptop.model.snapshot import Counters, HostReading
from mcptop.sources import filesystems
from mcptop.sources.kept import Gone
from mcptop.sources.procfs import HostFiles, Roots
from mcptop.units import plain

# With a veth pair for every container the kernel's list of interfaces is long.
_NETWORK_TICKS = 2


class HostCollector:
    """Host figures of every tick; file systems and the list of interfaces on the slow ticks."""

    name = "host"
    deadline_s = 2.0

    def __init__(self, roots: Roots) -> None:
        self._files = HostFiles(roots)
        self._roots = roots
        self._uplinks: frozenset[str] = frozenset()
        self._filesystems: tuple[Filesystem, ...] = ()
        self._network: Counters | None = None

    def collect(self, tick: Tick) -> Findings:
        """Read the host's files once."""
        if tick.number % SLOW_TICKS == 1:
            self._uplinks = self._files.uplinks()
            self._filesystems = self._read_filesystems()
        try:
            if tick.number % _NETWORK_TICKS == 1 or self._network is None:
                self._read_network()
            return Findings(host=self._reading())
        except Gone as error:
            raise SourceError(f"{error} went away: is {self._roots.procfs} still mounted?") from error

    def _reading(self) -> HostReading:
        files = self._files
        cpu = files.stat.get()
        if cpu is None:
            raise SourceError(f"{self._roots.procfs}/stat cannot be read: --path-procfs must name a /proc tree")
        memory = files.meminfo.get() or {}
        return HostReading(
            read_at=time.monotonic(),
            name=plain(os.uname().nodename),
            cpus=cpu.cpus,
            cpu_busy_ticks=cpu.busy,
            cpu_total_ticks=cpu.total,
            memory_total_bytes=memory.get(b"MemTotal"),
            memory_available_bytes=memory.get(b"MemAvailable"),
            swap_total_bytes=memory.get(b"SwapTotal"),
            swap_free_bytes=memory.get(b"SwapFree"),
            load_1m=files.loadavg.get(),
            cpu_pressure=files.cpu_pressure.get(),
            memory_pressure=files.memory_pressure.get(),
            io_pressure=files.io_pressure.get(),
            network=self._network,
            uplinks=self._uplinks,
            devices=tuple(stat.device for stat in files.diskstats.get() or ()),
            filesystems=self._filesystems,
        )

    def _read_network(self) -> None:
        interfaces = self._files.interfaces.get()
        self._network = None if interfaces is None else Counters(time.monotonic(), interfaces)

    def _read_filesystems(self) -> tuple[Filesystem, ...]:
        try:
            with open(f"{self._roots.procfs}/self/mountinfo", encoding="utf-8", errors="replace") as file:
                mounts = filesystems.parse_mountinfo(file.read())
        except OSError:
            return ()
        names = {stat.number: stat.device.name for stat in self._files.diskstats.get() or ()}
        found = []
        for mount in mounts:
            if usage := filesystems.usage(mount):
                # By number, not by path: /dev/root and mapper names are not what the disk statistics call it.
                found.append(msgspec.structs.replace(usage, device=names.get(mount.number, mount.device)))
        return tuple(found)

    def close(self) -> None:
        """Nothing to give back: the files close with the object."""
