"""Host processes as services: who announces itself, who matches a rule, which unit, which program.

A process below another of the same service belongs to its instance, so a server with its workers is one
instance, and two servers are two.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from mcptop.collectors.base import SLOW_TICKS, Findings, SourceError, Tick
from mcptop.config import ServiceRule
from mcptop.model.snapshot import Counters, Reading, Target, Traffic
from mcptop.model.value import Kind
from mcptop.sources import listeners, process_files
from mcptop.sources.kept import Gone, contents
from mcptop.sources.process_table import Identity, Process, ProcessTable
from mcptop.sources.procfs import Roots
from mcptop.units import plain

# Most processes of a host sleep for minutes. One that slept for ten looks is looked at every third tick; its rate
# is then over the time since that look, so nothing is lost, it is only seen up to two ticks later.
_STILL_LOOKS = 10
_STILL_TICKS = 3


class Owner(NamedTuple):
    """The service a process belongs to."""

    project: str | None
    service: str
    metrics_url: str | None = None
    is_named: bool = False
    """By a person, not by us."""


@dataclass
class Tree:
    """An instance: a root process and its descendants of the same service, with what they used so far.

    The sums only grow: what a process used stays counted after it has ended.
    """

    root: Process
    owner: Owner
    members: list[Process] = field(default_factory=list)
    cpu_s: float = 0.0
    read_bytes: int = 0
    written_bytes: int = 0
    target: Target | None = None
    disk: Counters | None = None
    ran: bool = False
    """Whether any of it ran before the last slow look."""
    reading: Reading | None = None
    looked_at: float | None = None
    still: int = 0
    """Looks in a row that found nothing changed."""


def owner_of(identity: Identity, rules: tuple[ServiceRule, ...], ports: frozenset[int]) -> Owner:
    """Announced names first, then the rules of the config file in order, then the unit, then the program."""
    if service := identity.announced.get("MCPTOP_SERVICE"):
        project = identity.announced.get("MCPTOP_PROJECT") or None
        metrics = identity.announced.get("MCPTOP_METRICS") or None
        return Owner(plain(project) if project else None, plain(service), metrics, True)
    for rule in rules:
        if rule.matches(identity.program, identity.cmdline, identity.unit, ports):
            return Owner(rule.project, rule.name, rule.metrics, True)
    return Owner(None, plain(identity.unit or identity.program or identity.comm))


class ProcessCollector:
    """Refreshes the process table and reads every host process's CPU and memory."""

    name = "processes"
    deadline_s = 2.0

    def __init__(self, roots: Roots, table: ProcessTable, rules: tuple[ServiceRule, ...] = ()) -> None:
        self._proc = roots.procfs
        self._table = table
        self._rules = rules
        self._version = -1
        self._ports: dict[int, frozenset[int]] = {}
        self._owners: dict[Process, Owner] = {}
        self._trees: dict[str, Tree] = {}
        self._targets: tuple[Target, ...] = ()
        self._boot_time = self._read_boot_time()
        self._counted: dict[Process, float] = {}
        self._io_counted: dict[Process, tuple[int, int]] = {}

    def collect(self, tick: Tick) -> Findings:
        """Read every host process once."""
        try:
            self._table.refresh()
        except OSError as error:
            raise SourceError(f"{self._proc} cannot be listed ({error.strerror}): is --path-procfs right?") from error
        if tick.number % SLOW_TICKS == 1 and any(rule.port for rule in self._rules):
            self._find_ports()
        if self._table.version != self._version:
            self._regroup()
        gone = self._read(tick)
        for pid in gone:
            self._table.drop(pid)
        readings = {key: tree.reading for key, tree in self._trees.items() if tree.reading is not None}
        return Findings(targets=self._targets, readings=readings, message=f"{len(self._counted)} processes")

    def _read(self, tick: Tick) -> list[int]:
        gone: list[int] = []
        for tree in self._trees.values():
            phase = tick.number + tree.root.identity.pid
            if tree.still >= _STILL_LOOKS and phase % _STILL_TICKS:
                continue
            previous_at, tree.looked_at = tree.looked_at, time.monotonic()
            changed = self._read_cpu(tree, gone)
            tree.still = 0 if changed else tree.still + 1
            if tree.reading is None or phase % SLOW_TICKS == 0:
                changed = self._read_slow(tree) or changed
            if changed or tree.reading is None:
                tree.reading = self._reading(tree, previous_at)
        return gone

    def _read_cpu(self, tree: Tree, gone: list[int]) -> bool:
        changed = False
        for process in tree.members:
            try:
                if process.read():
                    changed = True
                    self._count_cpu(tree, process)
            except (Gone, OSError):
                gone.append(process.identity.pid)
        return changed

    def _count_cpu(self, tree: Tree, process: Process) -> None:
        if process.usage is None:
            return
        # What a new process used, it used in this tick; in the first tick the sum is only a point to count from.
        before = self._counted.get(process, 0.0)
        tree.cpu_s += max(0.0, process.usage.cpu_s - before)
        self._counted[process] = process.usage.cpu_s

    def _read_slow(self, tree: Tree) -> bool:
        """Memory by kind and disk traffic; whether there may be news. Processes that did not run have none."""
        dirty = [process for process in tree.members if process.is_dirty]
        for process in dirty:
            process.is_dirty = False
            base = f"{self._proc}/{process.identity.pid}/"
            process.split = process_files.resident_split(contents(base + "status"))
            process.io = process_files.process_io(contents(base + "io"))
            self._count_io(tree, process)
        # One look after the last run brings the disk rate back to zero.
        news = bool(dirty) or tree.ran
        tree.ran = bool(dirty)
        if news and any(process.io for process in tree.members):
            tree.disk = Counters(time.monotonic(), (Traffic("", tree.read_bytes, tree.written_bytes),))
        return news

    def _count_io(self, tree: Tree, process: Process) -> None:
        if process.io is None:
            return
        read, written = self._io_counted.get(process, (0, 0))
        tree.read_bytes += max(0, process.io.read - read)
        tree.written_bytes += max(0, process.io.written - written)
        self._io_counted[process] = (process.io.read, process.io.written)

    def _reading(self, tree: Tree, previous_at: float | None) -> Reading:
        usages = [process.usage for process in tree.members if process.usage is not None]
        splits = [process.split for process in tree.members if process.split is not None]
        return Reading(
            read_at=tree.looked_at or 0.0,
            previous_at=previous_at,
            cpu_usage_s=tree.cpu_s,
            memory_usage_bytes=sum(usage.rss_bytes for usage in usages),
            memory_inactive_file_bytes=0,
            memory_anon_bytes=sum(split.anon for split in splits),
            memory_file_bytes=sum(split.file for split in splits),
            memory_shmem_bytes=sum(split.shmem for split in splits),
            pids=len(usages),
            threads=sum(usage.threads for usage in usages),
            disk=tree.disk,
        )

    def _regroup(self) -> None:
        """Put the processes into trees again after some came or went."""
        self._version = self._table.version
        processes = {process.identity.pid: process for process in self._table.host()}
        owners = {pid: self._owner(process) for pid, process in processes.items()}
        for pid, process in processes.items():
            # A zombie has neither environment nor command line left: it belongs to who has to wait for it.
            parent = owners.get(process.identity.ppid)
            if parent is not None and parent.is_named and not process.identity.cmdline:
                owners[pid] = parent
        trees: dict[str, Tree] = {}
        for pid, process in processes.items():
            root = _root(pid, processes, owners)
            key = f"{root.identity.pid}-{root.identity.start_ticks}"
            tree = trees.get(key)
            if tree is None:
                tree = trees[key] = self._tree(key, root, owners[pid])
            tree.members.append(process)
        alive = set(processes.values())
        self._counted = {process: used for process, used in self._counted.items() if process in alive}
        self._io_counted = {process: used for process, used in self._io_counted.items() if process in alive}
        self._owners = {process: owner for process, owner in self._owners.items() if process in alive}
        self._trees = trees
        self._table.trees = {key: [member.identity for member in tree.members] for key, tree in trees.items()}
        self._table.named = frozenset(key for key, tree in trees.items() if tree.owner.is_named)
        self._targets = tuple(tree.target for tree in trees.values() if tree.target is not None)

    def _find_ports(self) -> None:
        """A process may start to listen long after it appeared, so rules by port look again."""
        ports = listeners.listening_ports(self._proc, [p.identity.pid for p in self._table.host()])
        if ports != self._ports:
            self._ports = ports
            self._owners.clear()
            self._version = -1

    def _tree(self, key: str, root: Process, owner: Owner) -> Tree:
        known = self._trees.get(key)
        if known is not None and known.owner == owner:
            known.members = []
            known.reading = None
            return known
        target = Target(
            id=key,
            name=f"{plain(root.identity.program or root.identity.comm)}[{root.identity.pid}]",
            kind=Kind.PROCESS,
            project=owner.project,
            service=owner.service,
            pid=root.identity.pid,
            started_at=self._started(root.identity.start_ticks),
            metrics_url=owner.metrics_url,
            environment=root.identity.environment,
        )
        return Tree(root, owner, target=target)

    def _owner(self, process: Process) -> Owner:
        if process not in self._owners:
            ports = self._ports.get(process.identity.pid, frozenset())
            self._owners[process] = owner_of(process.identity, self._rules, ports)
        return self._owners[process]

    def _started(self, start_ticks: int) -> datetime | None:
        if self._boot_time is None:
            return None
        return datetime.fromtimestamp(int(self._boot_time + start_ticks / process_files.TICKS_PER_S), UTC)

    def _read_boot_time(self) -> int | None:
        for line in contents(f"{self._proc}/stat").split(b"\n"):
            if line.startswith(b"btime "):
                return int(line.split()[1])
        return None

    def close(self) -> None:
        """Nothing to give back: the files close with the table."""


def _root(pid: int, processes: dict[int, Process], owners: dict[int, Owner]) -> Process:
    """The topmost ancestor reached through processes of the same service."""
    seen = {pid}
    while True:
        parent = processes[pid].identity.ppid
        if parent not in processes or owners[parent] != owners[pid] or parent in seen:
            return processes[pid]
        seen.add(parent)
        pid = parent
