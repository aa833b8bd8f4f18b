"""How near this process is to the limit at which the kernel kills: its own cgroup's figures, never the host's."""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from mcptop.demo.systems.gc_watch import GcStats, GcWatch
from mcptop.sources.cgroup_paths import UNIFIED, directories, parse_membership, parse_mounts
from mcptop.units import long_size, percent

__all__ = ["GcStats", "GcWatch", "MemoryMonitor", "MemoryUse", "read_memory"]

_log = logging.getLogger(__name__)

_NO_LIMIT = 1 << 60
"""cgroup v1 writes "no limit" as a number near 2**63."""
_WELL_BELOW = 0.9


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """Bytes in use against a limit; `source` says where they were read: `cgroup v2`, `cgroup v1` or `rss`."""

    used_bytes: int
    limit_bytes: int | None
    source: str

    @property
    def ratio(self) -> float | None:
        """Used / limit; None without a limit."""
        return self.used_bytes / self.limit_bytes if self.limit_bytes else None


def read_memory(limit_override: int | None = None, proc: str = "/proc", sysfs: str = "/sys") -> MemoryUse:
    """The working set (what cannot be reclaimed at once) and limit of this process's own cgroup.

    Where that has no limit, there may be others in it, or the whole host: then it is the process's own resident
    set, and `limit_override`, which is for stacks without containers. Raises OSError without a readable /proc.
    """
    return _of_cgroup(Path(proc), sysfs) or MemoryUse(_resident(Path(proc)), limit_override, "rss")


def _of_cgroup(proc: Path, sysfs: str) -> MemoryUse | None:
    """None without a limit. A container's own namespace calls its cgroup `/`, which is the mount point itself."""
    try:
        membership = parse_membership((proc / "self/cgroup").read_text())
        mounts = parse_mounts((proc / "self/mountinfo").read_text(), sysfs)
    except OSError:
        return None
    # An empty container id leaves the path whole: this process's own cgroup, wherever it is.
    found = directories(membership, mounts, "")
    if "memory" in found:
        return _read(
            Path(found["memory"]), "memory.usage_in_bytes", "memory.limit_in_bytes", "total_inactive_file", "cgroup v1"
        )
    if UNIFIED in found:
        return _read(Path(found[UNIFIED]), "memory.current", "memory.max", "inactive_file", "cgroup v2")
    return None


def _read(directory: Path, usage: str, limit: str, reclaimable: str, source: str) -> MemoryUse | None:
    try:
        limit_bytes = _limit((directory / limit).read_text())
        used = int((directory / usage).read_text())
        stat = dict(line.split() for line in (directory / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return None
    if limit_bytes is None:
        return None
    return MemoryUse(max(0, used - int(stat.get(reclaimable, 0))), limit_bytes, source)


def _limit(text: str) -> int | None:
    number = None if text.strip() == "max" else int(text)
    return None if number is None or number >= _NO_LIMIT else number


def _resident(proc: Path) -> int:
    return int((proc / "self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class MemoryMonitor:
    """Tells once when memory runs high, and again only after it was well below (nine tenths of) that."""

    def __init__(
        self,
        read: Callable[[], MemoryUse],
        high_ratio: float = 0.8,
        on_high: Callable[[MemoryUse], Awaitable[None]] | None = None,
    ) -> None:
        self._read = read
        self._high_ratio = high_ratio
        self._on_high = on_high
        self._high = False

    async def check(self) -> MemoryUse:
        """Look once; the caller drives the interval. Raises what `read` and `on_high` raise."""
        use = self._read()
        ratio = use.ratio
        if ratio is None:
            return use
        if not self._high and ratio >= self._high_ratio:
            self._high = True
            await self._tell(use)
        elif self._high and ratio < _WELL_BELOW * self._high_ratio:
            self._high = False
        return use

    async def _tell(self, use: MemoryUse) -> None:
        _log.warning(
            "memory high: %s of %s (%s, %s)",
            long_size(use.used_bytes),
            long_size(use.limit_bytes),
            percent(use.ratio),
            use.source,
        )
        if self._on_high is not None:
            await self._on_high(use)
