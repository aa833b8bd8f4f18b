"""Every process of the host: found once, classified once, then read with a kept descriptor.

Knows which container, systemd unit, program or announced service a process belongs to. Reads the CPU and
memory of host processes only: a container's processes are counted by its cgroup.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

from mcptop.sources import cgroup_paths, pool_settings, process_files
from mcptop.sources.kept import Gone, KeptFile, contents
from mcptop.sources.pool_settings import PoolSettings
from mcptop.sources.procfs import Roots

# A process that was forked but has not yet called exec looks like its parent. So the young are looked at again.
_YOUNG_TICKS = 3
# A container's process has no kept descriptor that would fail, so it is asked again now and then who it is.
_RECHECK_TICKS = 30
_NEVER = 1 << 62
# Should the kernel's counters ever deceive us, a missed process is found within so many ticks.
_LIST_TICKS = 5


class Identity(NamedTuple):
    """What a process is; read when it appears, not on every tick."""

    pid: int
    start_ticks: int
    ppid: int
    is_kernel_thread: bool
    comm: str
    program: str
    cmdline: str
    unit: str | None
    container: str | None
    announced: dict[str, str]
    membership: dict[str, str]
    """Controller -> cgroup path."""
    environment: PoolSettings = ()
    """Settings of pools, of processes that announce themselves."""


class Usage(NamedTuple):
    """What a host process has used."""

    cpu_s: float
    rss_bytes: int
    threads: int


class Process:
    """One process while it lives."""

    __slots__ = ("identity", "io", "is_dirty", "recheck_at", "seen", "split", "stat", "stat_data", "usage")

    def __init__(self, identity: Identity, stat: KeptFile | None, tick: int) -> None:
        self.identity = identity
        self.stat = stat
        """Kept only for host processes."""
        self.stat_data = b""
        self.usage: Usage | None = None
        self.split: process_files.ResidentSplit | None = None
        self.io: process_files.ProcessIo | None = None
        self.is_dirty = True
        """Changed since its slower facts were read."""
        self.seen = tick
        self.recheck_at = tick + 1

    def read(self) -> bool:
        """Read CPU and memory; whether anything changed. Raises `Gone`."""
        assert self.stat is not None
        data = self.stat.read()
        if data == self.stat_data:
            return False
        self.stat_data = data
        self.is_dirty = True
        if parsed := process_files.process_stat(data):
            self.usage = Usage(parsed.cpu_s, parsed.rss_bytes, parsed.threads)
        return True

    def close(self) -> None:
        if self.stat is not None:
            self.stat.close()


class ProcessTable:
    """The processes under a procfs root. `refresh` once a tick, by one owner; the rest may read between."""

    def __init__(self, roots: Roots) -> None:
        self._proc = roots.procfs
        self._tick = 0
        self._loadavg = KeptFile(f"{roots.procfs}/loadavg")
        self._last_births: bytes | None = None
        self._all: dict[int, Process] = {}
        self.version = 0
        """Grows whenever a process came, went or became another."""
        self.show_containers = True
        """Off where containers are measured by their engine: its containers are not this kernel's."""
        self.trees: dict[str, list[Identity]] = {}
        """Host instance -> its processes, as whoever groups them into services has decided."""
        self.named: frozenset[str] = frozenset()
        """Those whose service a person named, by announcement or by rule."""

    def refresh(self) -> None:
        """Find who came and who went. Raises OSError when the procfs root cannot be listed."""
        self._tick += 1
        births = self._births()
        if births is None or births != self._last_births or self._tick % _LIST_TICKS == 0:
            self._list()
            self._last_births = births
        self._recheck()

    def _births(self) -> bytes | None:
        """The number of tasks and the last pid: while both stand still, nothing was started or ended."""
        try:
            fields = self._loadavg.read().split()
            return fields[3].partition(b"/")[2] + b" " + fields[4]
        except (Gone, OSError, IndexError):
            return None

    def _list(self) -> None:
        present = {int(name) for name in os.listdir(self._proc) if name[0] in "123456789" and name.isdigit()}
        for pid in self._all.keys() - present:
            self.drop(pid)
        for pid in present - self._all.keys():
            self._add(pid)

    def host(self) -> Iterable[Process]:
        """The processes of no container, kernel threads left out."""
        return [p for p in self._all.values() if p.stat is not None]

    def container_ids(self) -> set[str]:
        """The containers this kernel runs."""
        return {p.identity.container for p in self._all.values() if p.identity.container is not None}

    def containers(self) -> dict[str, list[Identity]]:
        """Container id -> its processes, oldest first; nothing when the kernel's view of containers is switched off."""
        found: dict[str, list[Identity]] = {}
        if not self.show_containers:
            return found
        # A copy: a closer look asks from its own thread.
        for process in list(self._all.values()):
            if process.identity.container is not None:
                found.setdefault(process.identity.container, []).append(process.identity)
        for members in found.values():
            members.sort(key=lambda identity: (identity.start_ticks, identity.pid))
        return found

    def drop(self, pid: int) -> None:
        """Forget a process that is gone."""
        if process := self._all.pop(pid, None):
            process.close()
            self.version += 1

    def _add(self, pid: int) -> None:
        identity = self._identify(pid)
        if identity is None:
            return
        on_host = identity.container is None and not identity.is_kernel_thread
        stat = KeptFile(f"{self._proc}/{pid}/stat") if on_host else None
        self._all[pid] = Process(identity, stat, self._tick)
        self.version += 1

    def _recheck(self) -> None:
        due = [
            (pid, process)
            for pid, process in self._all.items()
            if process.recheck_at <= self._tick and not process.identity.is_kernel_thread
        ]
        for pid, process in due:
            young = self._tick - process.seen < _YOUNG_TICKS
            on_host = process.stat is not None
            process.recheck_at = self._tick + 1 if young else _NEVER if on_host else self._tick + _RECHECK_TICKS
            now = self._identify(pid)
            if now is None:
                self.drop(pid)
            elif now != process.identity:
                self.drop(pid)
                self._add(pid)

    def _identify(self, pid: int) -> Identity | None:
        base = f"{self._proc}/{pid}/"
        stat = process_files.process_stat(contents(base + "stat"))
        if stat is None:
            return None
        if stat.is_kernel_thread:
            return Identity(pid, stat.start_ticks, stat.ppid, True, stat.comm, "", "", None, None, {}, {})
        membership = cgroup_paths.parse_membership(contents(base + "cgroup").decode("utf-8", "replace"))
        cmdline = contents(base + "cmdline")
        container = cgroup_paths.container_id_of(membership)
        environ = b"" if container else contents(base + "environ")
        announced = process_files.announced(environ)
        return Identity(
            pid=pid,
            start_ticks=stat.start_ticks,
            ppid=stat.ppid,
            is_kernel_thread=False,
            comm=stat.comm,
            program=process_files.program(stat.comm, cmdline),
            cmdline=cmdline.replace(b"\0", b" ").decode("utf-8", "replace").strip(),
            unit=cgroup_paths.unit_of(membership),
            container=container,
            announced=announced,
            membership=membership,
            environment=pool_settings.read(environ.decode("utf-8", "replace").split("\0")) if announced else (),
        )
