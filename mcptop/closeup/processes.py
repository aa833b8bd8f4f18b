"""The processes of a service, and the threads of one of them."""

from __future__ import annotations

import pwd
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from mcptop import secret_forms
from mcptop.closeup.pace import Pace
from mcptop.closeup.threads import ThreadReader
from mcptop.closeup.top import EngineTop
from mcptop.closeup.world import Problems, World, census, is_elsewhere
from mcptop.model.closeup import Aspect, ProcessCloseup, ProcessKey, ProcessLine
from mcptop.model.frame import Service
from mcptop.model.instance import Instance
from mcptop.model.value import Kind
from mcptop.sources import process_files, process_look, process_tree
from mcptop.sources.kept import contents
from mcptop.sources.process_table import Identity
from mcptop.units import plain

MOST = 2000
_COMMAND_READ = 4096
_COMMAND_SHOWN = 1000
# Most daemons change their user once, soon after their start.
_RECHECK_LOOKS = 10


class _Known(NamedTuple):
    """What does not change from look to look."""

    inner_pid: int | None
    user: str | None
    look: int


class ProcessReader:
    """See the module. `threads_of` names the process whose threads are read too."""

    aspect = Aspect.PROCESSES
    every_s = 1.0

    def __init__(self, world: World) -> None:
        self._world = world
        self._proc = world.roots.procfs
        self._pace: Pace[ProcessKey] = Pace()
        self._known: dict[ProcessKey, _Known] = {}
        self._looks = 0
        self._threads = ThreadReader(world.roots)
        self._top = EngineTop(world.connect)
        self.threads_of: ProcessKey | None = None

    def look(self, service: Service, instances: Sequence[Instance]) -> ProcessCloseup:
        """Look now."""
        whys = [is_elsewhere(self._world, service, instance) for instance in instances]
        if service.kind is Kind.CONTAINER and whys and all(whys):
            return self._top.look(service, instances, whys[0] or "")
        problems, lines, cut = Problems(), list[ProcessLine](), False
        self._looks += 1
        boot = _boot_time(contents(f"{self._proc}/stat"))
        for members in census(self._world, service, instances, problems):
            cut = cut or len(members.processes) > MOST - len(lines)
            for identity in members.processes[: MOST - len(lines)]:
                if (line := self._line(members.instance.name, identity, boot)) is not None:
                    lines.append(line)
        self._pace.turn()
        self._known = {key: known for line in lines if (key := line.key) and (known := self._known.get(key))}
        wanted = self.threads_of
        threads = self._threads.look(wanted) if wanted is not None and wanted in self._known else ()
        return ProcessCloseup(
            at=datetime.now(UTC),
            service=service.key,
            instances=tuple(instance.name for instance in instances),
            problem=problems.line(),
            cut_at=MOST if cut else None,
            lines=tuple(lines),
            threads_of=wanted if threads else None,
            threads=threads,
        )

    def _line(self, instance: str, identity: Identity, boot: float | None) -> ProcessLine | None:
        """None when it has ended."""
        base = f"{self._proc}/{identity.pid}"
        stat = process_files.process_stat(contents(f"{base}/stat"))
        if stat is None or stat.start_ticks != identity.start_ticks:
            return None
        key = ProcessKey(identity.pid, stat.start_ticks)
        known = self._facts(key, base, identity.container is not None)
        started = None if boot is None else boot + stat.start_ticks / process_files.TICKS_PER_S
        is_zombie = stat.state == "Z"
        return ProcessLine(
            instance=instance,
            pid=identity.pid,
            start_ticks=stat.start_ticks,
            inner_pid=known.inner_pid,
            parent=stat.ppid,
            name=plain(stat.comm).strip(),
            command="" if is_zombie else _command(_head(f"{base}/cmdline", _COMMAND_READ)),
            user=known.user,
            state=plain(stat.state),
            cores=self._pace.per_s(key, stat.cpu_s, time.monotonic()),
            rss_bytes=None if is_zombie else stat.rss_bytes,
            threads=stat.threads,
            fds=None if is_zombie else process_look.count_fds(f"{base}/fd"),
            started_at=None if started is None else datetime.fromtimestamp(started, UTC),
        )

    def _facts(self, key: ProcessKey, base: str, in_container: bool) -> _Known:
        known = self._known.get(key)
        if known is None or self._looks - known.look >= _RECHECK_LOOKS:
            status = contents(f"{base}/status")
            known = _Known(process_tree.inner_pid(status), _user(_uid(status), in_container), self._looks)
            self._known[key] = known
        return known

    def close(self) -> None:
        """Give the engine's connection back."""
        self._top.close()


def _head(path: str, size: int) -> bytes:
    """The beginning of a file; nothing when it is gone or not ours to read."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read(size)
    except OSError:
        return b""


@lru_cache(maxsize=4096)
def _command(cmdline: bytes) -> str:
    text = secret_forms.masked(cmdline.decode("utf-8", "replace").rstrip("\0"))
    return plain(text.strip(), _COMMAND_SHOWN)


def _uid(status: bytes) -> int | None:
    """The effective user of /proc/PID/status."""
    for line in status.split(b"\n"):
        if line.startswith(b"Uid:"):
            fields = line.split()
            return int(fields[2]) if len(fields) > 2 and fields[2].isdigit() else None
    return None


@lru_cache(maxsize=1024)
def _user(uid: int | None, in_container: bool) -> str | None:
    """Its name. The host's names do not hold in a container, except for the one that is the same everywhere."""
    if uid is None:
        return None
    if uid == 0:
        return "root"
    try:
        return str(uid) if in_container else plain(pwd.getpwuid(uid).pw_name, 32)
    except KeyError:
        return str(uid)


def _boot_time(stat: bytes) -> float | None:
    """Unix seconds, by /proc/stat."""
    for line in stat.split(b"\n"):
        if line.startswith(b"btime ") and line[6:].strip().isdigit():
            return float(line[6:])
    return None
