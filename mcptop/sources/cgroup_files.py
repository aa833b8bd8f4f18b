"""Parsers for the controller files of cgroup v1 and v2, and of PSI: bytes in, values in one set of units out.

Pure. A line nobody knows is passed over; a file that makes no sense gives None, never a zero.
"""

from __future__ import annotations

from typing import NamedTuple

from mcptop.model.host import Pressure

# v1 writes "no limit" as the largest page-aligned number; nothing real comes near this.
_NO_LIMIT = 1 << 60


class CpuStat(NamedTuple):
    """CPU counters; None where this hierarchy does not count."""

    usage_s: float | None
    periods: int | None
    throttled_periods: int | None


class MemoryStat(NamedTuple):
    """The split of a cgroup's memory, in bytes."""

    anon: int | None
    file: int | None
    shmem: int | None
    inactive_file: int | None


class DeviceBytes(NamedTuple):
    """Bytes read from and written to one device, named `major:minor`."""

    device: str
    read: int
    written: int


def flat_keyed(data: bytes) -> dict[bytes, int]:
    """`key value` lines; a line of any other shape is passed over."""
    values: dict[bytes, int] = {}
    for line in data.split(b"\n"):
        key, _, value = line.partition(b" ")
        if value.isdigit():
            values[key] = int(value)
    return values


def number(data: bytes) -> int | None:
    """One integer; None for `max`, a negative or anything else."""
    text = data.strip()
    return int(text) if text.isdigit() else None


def memory_limit(data: bytes) -> int | None:
    """A limit in bytes; None when there is none."""
    value = number(data)
    return None if value is None or value >= _NO_LIMIT else value


def pressure(data: bytes) -> Pressure | None:
    """A PSI file: `some avg10=1.23 ...` and `full ...`, as ratios."""
    averages: dict[str, float] = {}
    for line in data.decode("ascii", "replace").splitlines():
        kind, _, rest = line.partition(" ")
        name, _, value = rest.partition(" ")[0].partition("=")
        if name == "avg10":
            try:
                averages[kind] = float(value) / 100
            except ValueError:
                continue
    return Pressure(averages["some"], averages.get("full")) if "some" in averages else None


def cpu_stat_v1(data: bytes) -> CpuStat:
    """cpu.stat of v1: throttling only; usage is cpuacct's."""
    values = flat_keyed(data)
    return CpuStat(None, values.get(b"nr_periods"), values.get(b"nr_throttled"))


def cpu_stat_v2(data: bytes) -> CpuStat:
    """cpu.stat of v2."""
    values = flat_keyed(data)
    usage = values.get(b"usage_usec")
    seconds = None if usage is None else usage / 1e6
    return CpuStat(seconds, values.get(b"nr_periods"), values.get(b"nr_throttled"))


def cpu_max(data: bytes) -> float | None:
    """cpu.max of v2, `quota period`, in cores; None without a quota."""
    quota, _, period = data.strip().partition(b" ")
    return int(quota) / int(period) if quota.isdigit() and period.isdigit() and int(period) else None


def nanoseconds(data: bytes) -> float | None:
    """A count of nanoseconds, in seconds."""
    value = number(data)
    return None if value is None else value / 1e9


def memory_stat_v1(data: bytes) -> MemoryStat:
    """memory.stat of v1; the `total_` values include child cgroups, as usage does. Cache includes shmem there."""
    values = flat_keyed(data)
    return MemoryStat(
        values.get(b"total_rss"),
        values.get(b"total_cache"),
        values.get(b"total_shmem"),
        values.get(b"total_inactive_file"),
    )


def memory_stat_v2(data: bytes) -> MemoryStat:
    """memory.stat of v2."""
    values = flat_keyed(data)
    return MemoryStat(values.get(b"anon"), values.get(b"file"), values.get(b"shmem"), values.get(b"inactive_file"))


def oom_kills(data: bytes) -> int | None:
    """`oom_kill N` of memory.events (v2) and memory.oom_control (v1, since Linux 4.13)."""
    return flat_keyed(data).get(b"oom_kill")


def io_service_bytes(data: bytes) -> tuple[DeviceBytes, ...]:
    """blkio.throttle.io_service_bytes of v1: `8:0 Read 4096` a line."""
    totals: dict[str, list[int]] = {}
    for line in data.decode("ascii", "replace").splitlines():
        fields = line.split()
        if len(fields) == 3 and fields[2].isdigit() and fields[1] in ("Read", "Write"):
            totals.setdefault(fields[0], [0, 0])[fields[1] == "Write"] += int(fields[2])
    return tuple(DeviceBytes(device, *both) for device, both in totals.items())


def io_totals(data: bytes) -> dict[str, int]:
    """io.stat of v2, all devices together: rbytes, wbytes, rios, wios. A file without a line is one without I/O."""
    totals = dict.fromkeys(("rbytes", "wbytes", "rios", "wios"), 0)
    for line in data.decode("ascii", "replace").splitlines():
        for pair in line.split()[1:]:
            key, _, value = pair.partition("=")
            if key in totals and value.isdigit():
                totals[key] += int(value)
    return totals


def io_stat(data: bytes) -> tuple[DeviceBytes, ...]:
    """io.stat of v2: `8:0 rbytes=1 wbytes=2 rios=...` a line. A device without traffic may stand alone."""
    devices = []
    for line in data.decode("ascii", "replace").splitlines():
        device, _, rest = line.partition(" ")
        values = dict(pair.partition("=")[::2] for pair in rest.split())
        read, written = values.get("rbytes", ""), values.get("wbytes", "")
        if read.isdigit() and written.isdigit():
            devices.append(DeviceBytes(device, int(read), int(written)))
    return tuple(devices)
