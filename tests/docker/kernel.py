"""Reads a container's cgroup files with no help from mcptop: the figures its answers are held against."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple


class Memory(NamedTuple):
    """Bytes the kernel charges to a container."""

    usage: int
    inactive_file: int
    anon: int
    file: int


def _folders(pid: int) -> dict[str, Path]:
    """Controller (empty for v2) -> the directory of the process's cgroup."""
    points: dict[str, str] = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        left, _, right = (part.split() for part in line.partition(" - "))
        if right[0] == "cgroup2":
            points[""] = left[4]
        elif right[0] == "cgroup":
            points.update(dict.fromkeys(right[2].split(","), left[4]))
    groups = [line.split(":", 2) for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines()]
    return {name: Path(points[name] + path) for _, names, path in groups for name in names.split(",") if name in points}


def _keyed(path: Path) -> dict[str, int]:
    return {key: int(value) for key, value in (line.split() for line in path.read_text().splitlines())}


def memory(pid: int) -> Memory:
    """Of the cgroup that a process is in."""
    folders = _folders(pid)
    if "memory" in folders:
        stat = _keyed(folders["memory"] / "memory.stat")
        usage = int((folders["memory"] / "memory.usage_in_bytes").read_text())
        return Memory(usage, stat["total_inactive_file"], stat["total_rss"], stat["total_cache"])
    stat = _keyed(folders[""] / "memory.stat")
    usage = int((folders[""] / "memory.current").read_text())
    return Memory(usage, stat["inactive_file"], stat["anon"], stat["file"])


def cpu_seconds(pid: int) -> float:
    """CPU time used so far by the cgroup that a process is in."""
    folders = _folders(pid)
    if "cpuacct" in folders:
        return int((folders["cpuacct"] / "cpuacct.usage").read_text()) / 1e9
    return _keyed(folders[""] / "cpu.stat")["usage_usec"] / 1e6


def processes(pid: int) -> set[int]:
    """All processes of the cgroup that a process is in."""
    folders = _folders(pid)
    folder = folders.get("memory") or folders[""]
    return {int(each) for each in (folder / "cgroup.procs").read_text().split()}


def host_processes() -> int:
    """How many processes run outside of containers; threads of the kernel are none."""
    return sum(_is_of_host(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _is_of_host(entry: Path) -> bool:
    try:
        in_container = re.search(r"[0-9a-f]{64}", (entry / "cgroup").read_text())
        # Only threads of the kernel, and the dead, have no memory map.
        return not in_container and bool((entry / "maps").read_text())
    except OSError:
        return False
