"""The processes of one instance, found from its first one: for a closer look than the table of all processes gives."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator

from mcptop.model.value import Value
from mcptop.sources import cgroup_paths, process_files
from mcptop.sources.kept import contents
from mcptop.sources.procfs import Roots

_PYTHON = re.compile(r"(python|pypy)\d?(\.\d+)*t?$")
_LIBPYTHON = re.compile(rb"/libpython\d\.\d+\w*\.so")
_MAPS_LIMIT = 1 << 20


class ProcessFacts(Value, frozen=True):
    """What a process is."""

    pid: int
    inner_pid: int | None
    """As its own namespace numbers it."""
    program: str
    """Of its executable: `python3.11`, `redis-server`."""
    python: bool
    cpu_s: float
    rss_bytes: int
    start_ticks: int


def members(roots: Roots, root: int) -> tuple[int, ...]:
    """The root and all its descendants of the same service, the root first; none when it is gone.

    A descendant that announces another service, or is in another container, is not of this one.
    """
    children: dict[int, list[int]] = {}
    for name in os.listdir(roots.procfs):
        if name.isdigit() and (stat := process_files.process_stat(contents(f"{roots.procfs}/{name}/stat"))):
            children.setdefault(stat.ppid, []).append(int(name))
    if not os.path.exists(f"{roots.procfs}/{root}"):
        return ()
    own = _service(roots, root)
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop(0)
        found.append(pid)
        waiting += [child for child in sorted(children.get(pid, ())) if _service(roots, child) in (own, None)]
    return tuple(found)


def ancestors(roots: Roots, pid: int) -> Iterator[int]:
    """The process itself, its parent, and so on up to the first one."""
    while pid > 0:
        stat = process_files.process_stat(contents(f"{roots.procfs}/{pid}/stat"))
        if stat is None:
            return
        yield pid
        pid = stat.ppid


def container_of(roots: Roots, pid: int) -> str | None:
    """Id of the container it is in, whoever started it there."""
    membership = contents(f"{roots.procfs}/{pid}/cgroup").decode("utf-8", "replace")
    return cgroup_paths.container_id_of(cgroup_paths.parse_membership(membership))


def _service(roots: Roots, pid: int) -> tuple[str | None, str | None] | None:
    """Container and announced service; None where it cannot be read: a child is its parent's then."""
    if not contents(f"{roots.procfs}/{pid}/cgroup"):
        return None
    announced = process_files.announced(contents(f"{roots.procfs}/{pid}/environ"))
    return container_of(roots, pid), announced.get("MCPTOP_SERVICE")


def facts(roots: Roots, pid: int) -> ProcessFacts | None:
    """What a process is now; None when it is gone."""
    base = f"{roots.procfs}/{pid}"
    stat = process_files.process_stat(contents(f"{base}/stat"))
    if stat is None:
        return None
    try:
        executable = os.readlink(f"{base}/exe").removesuffix(" (deleted)")
    except OSError:
        executable = ""
    program = os.path.basename(executable) or stat.comm
    return ProcessFacts(
        pid=pid,
        inner_pid=inner_pid(contents(f"{base}/status")),
        program=program,
        python=bool(_PYTHON.match(program)) or _maps_python(f"{base}/maps"),
        cpu_s=stat.cpu_s,
        rss_bytes=stat.rss_bytes,
        start_ticks=stat.start_ticks,
    )


def inner_pid(status: bytes) -> int | None:
    """The last number of NSpid in /proc/PID/status, where it differs from the first."""
    for line in status.split(b"\n"):
        if line.startswith(b"NSpid:"):
            numbers = line.split()[1:]
            return int(numbers[-1]) if len(numbers) > 1 else None
    return None


def _maps_python(path: str) -> bool:
    """Whether an interpreter is inside a program that is not called so."""
    try:
        with open(path, "rb") as file:
            return _LIBPYTHON.search(file.read(_MAPS_LIMIT)) is not None
    except OSError:
        return False


def busiest(facts: Iterable[ProcessFacts], before: Iterable[ProcessFacts], by_memory: bool) -> ProcessFacts | None:
    """The one to look into: the largest, or the one that computed most since `before`; the oldest among equals."""
    earlier = {each.pid: each.cpu_s for each in before}
    return max(
        facts,
        key=lambda each: (
            each.rss_bytes if by_memory else each.cpu_s - earlier.get(each.pid, each.cpu_s),
            each.rss_bytes,
        ),
        default=None,
    )
