"""Snapshots to what a frame shows of the host, or of each of several: rates joined with facts, series kept.

Holds the previous readings and writes the history; the monitor is its only caller.
"""

from __future__ import annotations

import msgspec

from mcptop import rates
from mcptop.history import DISK_METRICS, HOST_METRICS, History
from mcptop.model.host import Filesystem, Host, HostPressure, host_key
from mcptop.model.instance import Sockets
from mcptop.model.snapshot import HostReading, Snapshot


class HostAssembler:
    """Turns one snapshot after the other into the host."""

    def __init__(self, history: History, key: str = "host") -> None:
        """`key` is that of its series."""
        self._history = history
        self._key = key
        self._reading: HostReading | None = None
        self._shown: Host | None = None

    def host(self, snapshot: Snapshot) -> Host | None:
        """The host's figures; the last ones when this tick has none."""
        return self.of(snapshot.host, snapshot.host_sockets)

    def of(self, new: HostReading | None, sockets: Sockets | None = None) -> Host | None:
        """The figures of a reading; the last ones when there is no new one."""
        old = self._reading
        if new is None or (old is not None and new.read_at == old.read_at):
            return self._shown
        host = _host(self._shown, old, new, sockets)
        self._reading, self._shown = new, host
        network = host.network
        values = (host.cpu_ratio, _used_ratio(host), network.rx_bytes_per_s, network.tx_bytes_per_s)
        self._history.add(self._key, HOST_METRICS, values)
        for disk in host.disks:
            self._history.add(disk.key, DISK_METRICS, (disk.used_ratio,))
        return host


class HostsAssembler:
    """The same for several machines, by their names."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._known: dict[str, HostAssembler] = {}

    def hosts(self, snapshot: Snapshot) -> tuple[Host, ...]:
        """All of a snapshot, in its order."""
        names = {reading.name for reading in snapshot.hosts}
        self._known = {name: known for name, known in self._known.items() if name in names}
        return tuple(host for reading in snapshot.hosts if (host := self._one(reading.name).of(reading)) is not None)

    def _one(self, name: str) -> HostAssembler:
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = HostAssembler(self._history, host_key(name))
        return known


def _host(shown: Host | None, old: HostReading | None, new: HostReading, sockets: Sockets | None) -> Host:
    busy = _delta(old.cpu_busy_ticks, new.cpu_busy_ticks) if old else None
    total = _delta(old.cpu_total_ticks, new.cpu_total_ticks) if old else None
    network = rates.network_now(
        shown.network if shown else None, old.network if old else None, new.network, new.uplinks
    )
    return Host(
        name=new.name,
        cpus=new.cpus,
        cpu_ratio=rates.ratio(busy, total) if new.cpu_ratio is None else new.cpu_ratio,
        memory_total_bytes=new.memory_total_bytes,
        memory_available_bytes=new.memory_available_bytes,
        swap_total_bytes=new.swap_total_bytes,
        swap_free_bytes=new.swap_free_bytes,
        load_1m=new.load_1m,
        pressure=HostPressure(new.cpu_pressure, new.memory_pressure, new.io_pressure),
        disks=tuple(_filesystem(filesystem, old, new) for filesystem in new.filesystems),
        network=network,
        sockets=sockets,
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
