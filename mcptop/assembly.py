"""Snapshots to what a frame shows: rates joined with facts, instances grouped into services, series kept.

Holds the previous readings and writes the history; the monitor is its only caller.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from mcptop import rates
from mcptop.analysis import trend
from mcptop.history import History, Until
from mcptop.model.frame import (
    Disk,
    Filesystem,
    Host,
    HostPressure,
    Instance,
    Kind,
    Memory,
    Network,
    Service,
)
from mcptop.model.snapshot import HostReading, Reading, Snapshot, Target

_TREND_TICKS = 15
_NO_FDS = Instance(id="", name="").fds
_NO_NETWORK = Network()


class Assembler:
    """Turns one snapshot after the other into services."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._readings: dict[str, Reading] = {}
        self._instances: dict[str, Instance] = {}
        self._host: HostReading | None = None
        self._host_shown: Host | None = None
        self._trends: dict[str, float | None] = {}
        self._targets: tuple[Target, ...] = ()
        self._groups: list[tuple[tuple[str | None, str, Kind], list[Target]]] = []

    def services(self, snapshot: Snapshot) -> tuple[Service, ...]:
        """All services, containers first, by project and name."""
        if not _same_items(snapshot.targets, self._targets):
            self._targets = snapshot.targets
            self._groups = _group(snapshot.targets)
        instances = {target.id: self._instance(target, snapshot) for target in snapshot.targets}
        self._readings = snapshot.readings
        self._instances = instances
        self._trends = {key: value for key, value in self._trends.items() if key in instances}
        services = tuple(
            Service(
                project=project,
                name=name,
                kind=kind,
                replicas=sum(instances[t.id].state in ("running", "paused") for t in members),
                instances=tuple(instances[t.id] for t in members),
            )
            for (project, name, kind), members in self._groups
        )
        self._remember_services(services)
        return services

    def _instance(self, target: Target, snapshot: Snapshot) -> Instance:
        old, new = self._readings.get(target.id), snapshot.readings.get(target.id)
        before = self._instances.get(target.id)
        if new is not None and old is not None and before is not None and new.read_at == old.read_at:
            # The source is late: the last figures stand, with their age, instead of a rate over no time.
            return msgspec.structs.replace(
                before,
                age_s=round(snapshot.monotonic - new.read_at, 1),
                state=target.state,
                health=target.health,
            )
        if new is None:
            new = Reading(read_at=snapshot.monotonic)
        instance = Instance(
            id=target.id,
            name=target.name,
            pid=target.pid,
            state=target.state,
            health=target.health,
            image=target.image,
            started_at=target.started_at,
            restarts=target.restarts,
            oom_kills=_oom_kills(target, new),
            exit_code=target.exit_code,
            cpu=rates.cpu(old, new, target.cpu_limit_cores),
            memory=self._memory(target, new),
            network=rates.network(old, new) or _NO_NETWORK,
            disk=_disk(before, old, new),
            pids=new.pids,
            threads=new.threads,
            pids_limit=new.pids_limit,
            fds=snapshot.files.get(target.id, _NO_FDS),
            sockets=snapshot.sockets.get(target.id),
        )
        self._remember(instance)
        return instance

    def _memory(self, target: Target, new: Reading) -> Memory:
        usage, inactive = new.memory_usage_bytes, new.memory_inactive_file_bytes
        working_set = None if usage is None or inactive is None else max(0, usage - inactive)
        limit = new.memory_limit_bytes or target.memory_limit_bytes
        return Memory(
            working_set_bytes=working_set,
            anon_bytes=new.memory_anon_bytes,
            file_bytes=new.memory_file_bytes,
            shmem_bytes=new.memory_shmem_bytes,
            usage_bytes=usage,
            limit_bytes=limit,
            limit_ratio=rates.ratio(working_set, limit),
            trend_bytes_per_s=self._trend(target.id),
            pressure_some_avg10=new.memory_pressure.some_avg10 if new.memory_pressure else None,
        )

    def _trend(self, identity: str) -> float | None:
        tick = self._history.tick
        if (tick + hash(identity)) % _TREND_TICKS == 0:
            series = Until(self._history)
            self._trends[identity] = trend.slope(series.times(tick + 1), series.tail(identity, "memory.anon", tick + 1))
        return self._trends.get(identity)

    def _remember(self, instance: Instance) -> None:
        add, key = self._history.add, instance.id
        add(key, "cpu.cores", instance.cpu.cores)
        add(key, "memory.working_set", instance.memory.working_set_bytes)
        add(key, "memory.anon", instance.memory.anon_bytes)
        add(key, "network.rx", instance.network.rx_bytes_per_s)
        add(key, "network.tx", instance.network.tx_bytes_per_s)
        add(key, "disk.read", instance.disk.read_bytes_per_s)
        add(key, "disk.write", instance.disk.write_bytes_per_s)
        add(key, "fds", instance.fds.open)

    def _remember_services(self, services: Iterable[Service]) -> None:
        groups: dict[str, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
        for service in services:
            cores = [i.cpu.cores for i in service.instances if i.cpu.cores is not None]
            memory = [i.memory.working_set_bytes for i in service.instances if i.memory.working_set_bytes is not None]
            self._history.add(service.key, "cpu.cores", sum(cores) if cores else None)
            self._history.add(service.key, "memory.working_set", sum(memory) if memory else None)
            group = groups[service.group_key]
            group[0].extend(cores)
            group[1].extend(memory)
        for key, (all_cores, all_memory) in groups.items():
            self._history.add(key, "cpu.cores", sum(all_cores) if all_cores else None)
            self._history.add(key, "memory.working_set", sum(all_memory) if all_memory else None)

    def host(self, snapshot: Snapshot) -> Host | None:
        """The host's figures; the last ones when this tick has none."""
        new, old = snapshot.host, self._host
        if new is None or (old is not None and new.read_at == old.read_at):
            return self._host_shown
        self._host, self._host_shown = new, _host(old, new, snapshot)
        host, add = self._host_shown, self._history.add
        add("host", "cpu.ratio", host.cpu_ratio)
        add("host", "memory.ratio", _used_ratio(host))
        add("host", "network.rx", host.network.rx_bytes_per_s)
        add("host", "network.tx", host.network.tx_bytes_per_s)
        return host


def _same_items(one: tuple[Target, ...], other: tuple[Target, ...]) -> bool:
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))


def _group(targets: Iterable[Target]) -> list[tuple[tuple[str | None, str, Kind], list[Target]]]:
    groups: dict[tuple[str | None, str, Kind], list[Target]] = {}
    for target in targets:
        groups.setdefault((target.project, target.service, target.kind), []).append(target)
    for members in groups.values():
        members.sort(key=lambda target: (target.name, target.id))
    return sorted(groups.items(), key=lambda item: (item[0][2], item[0][0] is None, item[0][0] or "", item[0][1]))


def _oom_kills(target: Target, reading: Reading) -> int | None:
    """The larger of the kernel's count and the engine's: each can miss kills that the other saw."""
    if target.kind is Kind.PROCESS:
        return None
    said = max(target.oom_events, int(target.oom_killed))
    if reading.oom_kills is None:
        # A container that does not run has no cgroup to count in; what the engine says is all there is.
        return said if said or target.state != "running" else None
    return max(reading.oom_kills, said)


def _disk(before: Instance | None, old: Reading | None, new: Reading) -> Disk:
    """Block counters are read on slow ticks only; between two of them the last rate stands."""
    if before is not None and old is not None and old.disk is not None and old.disk is new.disk:
        disk = before.disk
    else:
        disk = rates.disk(old.disk if old else None, new.disk)
    pressure = new.io_pressure.some_avg10 if new.io_pressure else None
    return disk if pressure is None else msgspec.structs.replace(disk, pressure_some_avg10=pressure)


def _host(old: HostReading | None, new: HostReading, snapshot: Snapshot) -> Host:
    busy, total = (None, None) if old is None else (_delta(old.cpu_busy_ticks, new.cpu_busy_ticks),
                                                    _delta(old.cpu_total_ticks, new.cpu_total_ticks))  # fmt: skip
    return Host(
        name=new.name,
        cpus=new.cpus,
        cpu_ratio=rates.ratio(busy, total),
        memory_total_bytes=new.memory_total_bytes,
        memory_available_bytes=new.memory_available_bytes,
        swap_total_bytes=new.swap_total_bytes,
        swap_free_bytes=new.swap_free_bytes,
        load_1m=new.load_1m,
        pressure=HostPressure(new.cpu_pressure, new.memory_pressure, new.io_pressure),
        disks=tuple(_filesystem(filesystem, old, new) for filesystem in new.filesystems),
        network=rates.network(old, new) or _NO_NETWORK,
        sockets=snapshot.host_sockets,
    )


def _delta(old: int | None, new: int | None) -> int | None:
    return None if old is None or new is None or new < old else new - old


def _used_ratio(host: Host) -> float | None:
    available = rates.ratio(host.memory_available_bytes, host.memory_total_bytes)
    return None if available is None else 1 - available


def _filesystem(filesystem: Filesystem, old: HostReading | None, new: HostReading) -> Filesystem:
    after = next((d for d in new.devices if d.name == filesystem.device), None)
    before = next((d for d in old.devices if d.name == filesystem.device), None) if old else None
    if old is None or after is None or before is None:
        return filesystem
    seconds = new.read_at - old.read_at
    busy = rates.per_second(before.busy_ms, after.busy_ms, seconds)
    return msgspec.structs.replace(
        filesystem,
        read_bytes_per_s=rates.per_second(before.read_bytes, after.read_bytes, seconds),
        write_bytes_per_s=rates.per_second(before.written_bytes, after.written_bytes, seconds),
        busy_ratio=None if busy is None else min(1.0, busy / 1000),
    )
