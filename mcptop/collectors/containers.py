"""Containers: their cgroups and network counters from the kernel, their names and states from the engine.

The kernel says which containers run (by the cgroups of the processes), so they are seen and measured even
while the engine hangs or is gone.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Protocol

import msgspec

from mcptop.collectors.base import SLOW_TICKS, Findings, Tick
from mcptop.model.snapshot import Counters, Reading, Target, Traffic
from mcptop.model.value import Kind
from mcptop.sources import cgroup_paths, procfs
from mcptop.sources.cgroupfs import Cgroup
from mcptop.sources.docker_watch import Inventory
from mcptop.sources.kept import Gone, ParsedFile, contents
from mcptop.sources.process_table import Identity, ProcessTable

_USAGE_STEP = 1 << 20
"""Bytes that usage may move before memory is split by kind again; above 100 MiB, one percent."""

_NETWORK_TICKS = 2
"""/proc/PID/net/dev is dear: the kernel formats every interface."""
_LIMIT_LOOKS = 3
"""Limits change when somebody changes them: they are read on every third slow tick."""


class Reader:
    """The open files of one running container.

    A container whose CPU counter stands still did nothing, so the rest of its files is left alone until the
    next slow tick. Memory by kind is the dearest file: it is read again when usage has moved, or slowly.
    """

    def __init__(self, main: Identity, cgroup: Cgroup, slot: int, netdev: str | None) -> None:
        self.main = main
        """The process that was asked which cgroups and which network are the container's."""
        self._cgroup = cgroup
        self._slot = slot
        self._interfaces = ParsedFile(netdev, procfs.interfaces)
        self._limit_cores: float | None = None
        self._network: Counters | None = None
        self._disk: Counters | None = None
        self._split_at_usage = -1
        self._processes = -1
        self._was_idle = False
        self._looked_at: float | None = None
        self._slow_looks = 0
        self._reading: Reading | None = None

    def read(self, tick: Tick, device_names: Mapping[str, str], processes: int) -> Reading:
        """Read once; the same object as before when nothing changed. Raises `Gone` when the container's cgroup is."""
        phase = tick.number + self._slot
        slow = self._reading is None or phase % SLOW_TICKS == 0
        idle = not self._read_cpu(slow) and processes == self._processes
        previous_at, self._looked_at = self._looked_at, time.monotonic()
        if idle and self._was_idle and not slow and self._reading is not None:
            return self._reading
        self._was_idle, self._processes = idle, processes
        self._read_memory(slow)
        if slow or phase % _NETWORK_TICKS == 0:
            interfaces = self._interfaces.get()
            self._network = None if interfaces is None else Counters(time.monotonic(), interfaces)
        if slow:
            self._read_slow(device_names)
        self._reading = self._build(previous_at)
        return self._reading

    def oom_kills(self) -> int | None:
        """The count now. Raises `Gone` when the container's cgroup is, so that another's of the same name is not it."""
        return self._cgroup.oom_kills.get()

    def _read_cpu(self, slow: bool) -> bool:
        """Whether the CPU counter moved. Where throttling is counted apart (v1), it matters only under a quota."""
        cgroup = self._cgroup
        if slow and self._slow_looks % _LIMIT_LOOKS == 0:
            self._limit_cores = cgroup.cpu_limit_cores()
        if cgroup.cpu_usage.get() is None:
            cgroup.cpu_stat.get()
            return cgroup.cpu_stat.changed
        if self._limit_cores is not None:
            cgroup.cpu_stat.get()
        return cgroup.cpu_usage.changed

    def _read_memory(self, slow: bool) -> None:
        usage = self._cgroup.memory_usage.get() or 0
        if slow or abs(usage - self._split_at_usage) > max(_USAGE_STEP, usage // 100):
            self._split_at_usage = usage
            self._cgroup.memory_stat.get()
            self._cgroup.oom_kills.get()

    def _read_slow(self, device_names: Mapping[str, str]) -> None:
        cgroup = self._cgroup
        if self._slow_looks % _LIMIT_LOOKS == 0:
            cgroup.memory_limit.get()
            cgroup.threads_limit.get()
        self._slow_looks += 1
        cgroup.threads.get()
        for pressure in (cgroup.cpu_pressure, cgroup.memory_pressure, cgroup.io_pressure):
            pressure.get()
        devices = cgroup.disk.get()
        if devices is not None:
            parts = tuple(Traffic(device_names.get(d.device, d.device), d.read, d.written) for d in devices)
            self._disk = Counters(time.monotonic(), parts)

    def _build(self, previous_at: float | None) -> Reading:
        cgroup = self._cgroup
        cpu, memory = cgroup.cpu_stat.last(), cgroup.memory_stat.last()
        usage_s = cgroup.cpu_usage.last()
        return Reading(
            read_at=self._looked_at or 0.0,
            previous_at=previous_at,
            cpu_usage_s=usage_s if usage_s is not None or cpu is None else cpu.usage_s,
            cpu_limit_cores=self._limit_cores,
            cpu_periods=cpu.periods if cpu else None,
            cpu_throttled_periods=cpu.throttled_periods if cpu else None,
            memory_usage_bytes=cgroup.memory_usage.last(),
            memory_inactive_file_bytes=memory.inactive_file if memory else None,
            memory_anon_bytes=memory.anon if memory else None,
            memory_file_bytes=memory.file if memory else None,
            memory_shmem_bytes=memory.shmem if memory else None,
            memory_limit_bytes=cgroup.memory_limit.last(),
            oom_kills=cgroup.oom_kills.last(),
            pids=self._processes,
            threads=cgroup.threads.last(),
            pids_limit=cgroup.threads_limit.last(),
            network=self._network,
            disk=self._disk,
            cpu_pressure=cgroup.cpu_pressure.last(),
            memory_pressure=cgroup.memory_pressure.last(),
            io_pressure=cgroup.io_pressure.last(),
        )

    def close(self) -> None:
        """Give the descriptors back."""
        self._cgroup.close()
        self._interfaces.close()


class Known(Protocol):
    """What the engines say of the containers of this kernel."""

    @property
    def inventory(self) -> Inventory:
        """Now."""


class ContainerCollector:
    """Every container the kernel runs or the engine knows."""

    name = "containers"
    deadline_s = 2.0

    def __init__(self, roots: procfs.Roots, table: ProcessTable, watch: Known | None) -> None:
        self._roots = roots
        self._table = table
        self._watch = watch
        self._mounts = self._read_mounts()
        self._host_network = roots.network_of(roots.host_process)
        self._readers: dict[str, Reader] = {}
        self._oom = _OomCount()
        self._running: dict[str, list[Identity]] = {}
        self._version = -1
        self._slots = 0
        self._known: tuple[Target, ...] | None = None
        self._targets: tuple[Target, ...] = ()
        self._device_names: dict[str, str] = {}

    def collect(self, tick: Tick) -> Findings:
        """Read every running container once."""
        inventory = self._watch.inventory if self._watch else Inventory()
        if self._table.version != self._version or inventory.targets is not self._known:
            self._refresh(inventory)
        if tick.number % SLOW_TICKS == 1:
            self._device_names = self._read_device_names()
        readings: dict[str, Reading] = {}
        for identity in self._running:
            if reading := self._read(identity, tick):
                readings[identity] = reading
        for identity, kills in self._oom.ended():
            readings.setdefault(identity, Reading(read_at=tick.monotonic, oom_kills=kills))
        return Findings(targets=self._targets, readings=readings, message=f"{len(self._running)} running")

    def _read(self, identity: str, tick: Tick) -> Reading | None:
        members = self._running[identity]
        reader = self._readers.get(identity) or self._open(identity, members)
        if reader is None:
            return None
        try:
            reading = reader.read(tick, self._device_names, len(members))
        except (Gone, OSError):
            self._close(identity)
            return None
        kills = self._oom.update(identity, reading.oom_kills)
        return reading if kills == reading.oom_kills else msgspec.structs.replace(reading, oom_kills=kills)

    def _open(self, identity: str, members: list[Identity]) -> Reader | None:
        main = members[0]
        directories = cgroup_paths.directories(main.membership, self._mounts, identity)
        if not directories:
            return None
        network = self._roots.network_of(str(main.pid))
        own_network = network is None or network != self._host_network
        netdev = f"{self._roots.procfs}/{main.pid}/net/dev" if own_network else None
        self._slots += 1
        reader = self._readers[identity] = Reader(main, Cgroup(directories), self._slots, netdev)
        return reader

    def _close(self, identity: str) -> None:
        self._readers.pop(identity).close()
        self._oom.end_run(identity)

    def _reconsider(self, identity: str) -> None:
        """Let go of a reader whose container has another main process, or the same one that became another.

        A container that is being made is first the runtime, still in the host's network and not yet in each of its
        cgroups; what was opened then would show for ever what is not the container's.
        """
        reader = self._readers[identity]
        if reader.main == self._running[identity][0]:
            return
        try:
            self._oom.update(identity, reader.oom_kills())
        except Gone:
            self._close(identity)
        else:
            # The same run goes on: what it counted is not past.
            self._readers.pop(identity).close()

    def _refresh(self, inventory: Inventory) -> None:
        self._version = self._table.version
        self._known = inventory.targets
        self._running = self._table.containers()
        for identity in self._readers.keys() - self._running.keys():
            self._close(identity)
        for identity in list(self._readers):
            self._reconsider(identity)
        known = {target.id for target in inventory.targets}
        self._oom.forget(known | self._running.keys())
        self._targets = tuple(self._completed(target) for target in inventory.targets) + tuple(
            _unnamed(identity, members[0].pid) for identity, members in self._running.items() if identity not in known
        )

    def _completed(self, target: Target) -> Target:
        members = self._running.get(target.id)
        pid = members[0].pid if members else target.pid
        return target if pid == target.pid else msgspec.structs.replace(target, pid=pid)

    def _read_mounts(self) -> dict[str, cgroup_paths.Mount]:
        try:
            with open(f"{self._roots.procfs}/self/mountinfo", encoding="utf-8", errors="replace") as file:
                return cgroup_paths.parse_mounts(file.read(), self._roots.sysfs)
        except OSError:
            return {}

    def _read_device_names(self) -> dict[str, str]:
        stats = procfs.diskstats(contents(f"{self._roots.procfs}/diskstats"))
        return {stat.number: stat.device.name for stat in stats}

    def close(self) -> None:
        """Close all files."""
        for reader in self._readers.values():
            reader.close()


class _OomCount:
    """OOM kills over all runs we saw: the kernel's count starts anew with each run's cgroup."""

    def __init__(self) -> None:
        self._current: dict[str, int] = {}
        self._past: dict[str, int] = {}

    def update(self, identity: str, kills: int | None) -> int | None:
        if kills is None:
            return self._past.get(identity)
        if kills < self._current.get(identity, 0):
            self.end_run(identity)
        self._current[identity] = kills
        return kills + self._past.get(identity, 0)

    def end_run(self, identity: str) -> None:
        self._past[identity] = self._past.get(identity, 0) + self._current.pop(identity, 0)

    def ended(self) -> list[tuple[str, int]]:
        return [item for item in self._past.items() if item[0] not in self._current]

    def forget(self, all_but: set[str]) -> None:
        for identity in self._past.keys() - all_but:
            del self._past[identity]


def _unnamed(identity: str, pid: int) -> Target:
    short = identity[:12]
    return Target(id=identity, name=short, kind=Kind.CONTAINER, project=None, service=short, pid=pid)
