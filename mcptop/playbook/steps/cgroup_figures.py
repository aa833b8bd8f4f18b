"""The files of a control group, read twice, as figures. Pure; knows both versions by the names of their files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcptop.playbook.steps.series import rounded
from mcptop.playbook.steps.two_looks import per_s
from mcptop.sources import cgroup_files

Files = Mapping[str, bytes]
"""Name -> content."""

_EVENTS = ("high", "max", "oom", "oom_kill")
_WHAT = {
    "high": "times it was slowed down above `memory.high`",
    "max": "times its limit was reached and memory had to be found",
    "oom": "times none could be found",
    "oom_kill": "processes killed for it",
}
_KINDS = ("cpu", "memory", "io")

EMITS = {
    "version": "v1, v2, or hybrid: the old controllers with the new tree beside them",
    "shared": "processes that are not the target's are in the group too",
    "seconds": "between the two looks",
    "cpu_limit_cores": "the CPU quota, unknown without one",
    "periods": "scheduler periods under the quota, while we looked", "throttled": "in which it was held back",
    "throttled_ratio": "as a share of them", "throttled_s": "CPU time it was kept from, of all threads together",
    "memory.usage": "all that is charged, bytes", "memory.anon": "anonymous memory, bytes",
    "memory.file": "page cache, shared memory included, bytes", "memory.shmem": "shared memory and tmpfs, bytes",
    "memory.inactive_file": "page cache that can be dropped at once, bytes",
    "memory.slab": "the kernel's objects, bytes", "memory.kernel": "all of the kernel's memory for it, bytes",
    "memory.sock": "buffers of sockets, bytes", "memory.limit_bytes": "the limit, unknown without one",
    "memory.limit_ratio": "usage without inactive_file, as a share of the limit",
    **{f"memory.{name}_growth": f"{_WHAT[name]}, while we looked" for name in _EVENTS},
    **{f"memory.{name}_total": f"{_WHAT[name]}, since it was made" for name in _EVENTS},
    **{f"pressure.{kind}.some": f"share of the last 10 s in which a task of it waited for {kind}" for kind in _KINDS},
    **{f"pressure.{kind}.full": f"in which all its tasks waited for {kind}" for kind in _KINDS},
    "io.read_bytes_per_s": "read from disks", "io.write_bytes_per_s": "written to disks",
    "io.reads_per_s": "read operations", "io.writes_per_s": "write operations",
    "pids.current": "processes and threads", "pids.max": "how many there may be, unknown without a limit",
    "pids.ratio": "how near that is",
}  # fmt: skip


def figures(before: Files, after: Files, seconds: float) -> dict[str, Any]:
    """The figures under the names of `EMITS`."""
    pids, most = _number(after, "pids.current"), _number(after, "pids.max")
    return {
        "seconds": rounded(seconds),
        "cpu_limit_cores": _cpu_limit(after),
        **_throttling(before, after),
        "memory": _memory(before, after),
        "pressure": {kind: _pressure(after, kind) for kind in _KINDS},
        "io": _io(before, after, seconds),
        "pids": {"current": pids, "max": most, "ratio": rounded(pids / most) if pids is not None and most else None},
    }


def _number(files: Files, *names: str) -> int | None:
    """Of the first of these files that there is."""
    return next((cgroup_files.number(files[name]) for name in names if name in files), None)


def _growth(before: Mapping[Any, int], after: Mapping[Any, int], key: Any) -> int | None:
    """A counter's growth; None where it is not there, or began anew."""
    if key not in before or key not in after or after[key] < before[key]:
        return None
    return after[key] - before[key]


def _cpu_limit(files: Files) -> float | None:
    quota, period = _number(files, "cpu.cfs_quota_us"), _number(files, "cpu.cfs_period_us")
    if quota is not None and period:
        return quota / period
    return cgroup_files.cpu_max(files.get("cpu.max", b""))


def _throttling(before: Files, after: Files) -> dict[str, Any]:
    old, new = (cgroup_files.flat_keyed(files.get("cpu.stat", b"")) for files in (before, after))
    periods, throttled = _growth(old, new, b"nr_periods"), _growth(old, new, b"nr_throttled")
    # Version 1 counts nanoseconds, version 2 microseconds, each under its own name.
    nanoseconds, microseconds = _growth(old, new, b"throttled_time"), _growth(old, new, b"throttled_usec")
    lost = nanoseconds / 1e9 if nanoseconds is not None else None if microseconds is None else microseconds / 1e6
    ratio = None if periods is None or throttled is None else throttled / periods if periods else 0.0
    return {
        "periods": periods,
        "throttled": throttled,
        "throttled_ratio": rounded(ratio),
        "throttled_s": rounded(lost) if periods is not None else None,
    }


def _memory(before: Files, after: Files) -> dict[str, Any]:
    stat = cgroup_files.flat_keyed(after.get("memory.stat", b""))
    is_old = b"total_rss" in stat
    split = (cgroup_files.memory_stat_v1 if is_old else cgroup_files.memory_stat_v2)(after.get("memory.stat", b""))
    usage = _number(after, "memory.usage_in_bytes", "memory.current")
    limit_file = "memory.limit_in_bytes" if "memory.limit_in_bytes" in after else "memory.max"
    limit = cgroup_files.memory_limit(after.get(limit_file, b""))
    working = None if usage is None else max(0, usage - (split.inactive_file or 0))
    old, new = _events(before), _events(after)
    return {
        "usage": usage,
        "anon": split.anon,
        "file": split.file,
        "shmem": split.shmem,
        "inactive_file": split.inactive_file,
        "slab": stat.get(b"slab"),
        "kernel": stat.get(b"kernel") if b"kernel" in stat else _number(after, "memory.kmem.usage_in_bytes"),
        "sock": stat.get(b"sock") if b"sock" in stat else _number(after, "memory.kmem.tcp.usage_in_bytes"),
        "limit_bytes": limit,
        "limit_ratio": rounded(working / limit) if working is not None and limit else None,
        **{f"{name}_growth": _growth(old, new, name) for name in _EVENTS},
        **{f"{name}_total": new.get(name) for name in _EVENTS},
    }


def _events(files: Files) -> dict[str, int]:
    """Version 1 has the limit's count in a file of its own, and the kills among the settings of the killer."""
    found = {key.decode(): value for key, value in cgroup_files.flat_keyed(files.get("memory.events", b"")).items()}
    reached, kills = _number(files, "memory.failcnt"), cgroup_files.oom_kills(files.get("memory.oom_control", b""))
    if reached is not None:
        found["max"] = reached
    if kills is not None:
        found["oom_kill"] = kills
    return found


def _pressure(files: Files, kind: str) -> dict[str, float | None]:
    found = cgroup_files.pressure(files.get(f"{kind}.pressure", b""))
    return {"some": found.some_avg10 if found else None, "full": found.full_avg10 if found else None}


def _io(before: Files, after: Files, seconds: float) -> dict[str, Any]:
    old, new = _io_totals(before), _io_totals(after)
    names = {
        "read_bytes_per_s": "rbytes", "write_bytes_per_s": "wbytes", "reads_per_s": "rios", "writes_per_s": "wios",
    }  # fmt: skip
    return {name: rounded(per_s(_growth(old, new, key), seconds)) for name, key in names.items()}


def _io_totals(files: Files) -> dict[str, int]:
    if "io.stat" in files:
        return cgroup_files.io_totals(files["io.stat"])
    found: dict[str, int] = {}
    for name, (read, written) in {
        "blkio.throttle.io_service_bytes": ("rbytes", "wbytes"),
        "blkio.throttle.io_serviced": ("rios", "wios"),
    }.items():
        if name in files:
            devices = cgroup_files.io_service_bytes(files[name])
            found |= {read: sum(d.read for d in devices), written: sum(d.written for d in devices)}
    return found
