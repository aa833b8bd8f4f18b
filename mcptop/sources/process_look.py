"""One close look at a process: everything its /proc files count, for whoever watches it for a while."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from mcptop.model.value import Value
from mcptop.sources import process_files
from mcptop.sources.kept import contents
from mcptop.sources.process_files import TICKS_PER_S
from mcptop.sources.procfs import Roots

_ARENA = 64 << 20
"""Of the C library's allocator: the size its arenas are reserved in."""


class ProcessLook(Value, frozen=True):
    """Counters and gauges of one process. Bytes, seconds, counts; None where a file may not be read."""

    pid: int
    start_ticks: int
    state: str
    user_s: float
    system_s: float
    threads: int
    minor_faults: int
    major_faults: int
    anon_bytes: int | None = None
    file_bytes: int | None = None
    shmem_bytes: int | None = None
    swap_bytes: int | None = None
    read_chars: int | None = None
    written_chars: int | None = None
    reads: int | None = None
    writes: int | None = None
    read_bytes: int | None = None
    written_bytes: int | None = None
    fds: int | None = None


class Maps(Value, frozen=True):
    """The address space in a few figures. Bytes of address space, not of memory."""

    heap_bytes: int
    """What `brk` has grown to: small and middle allocations of the C library."""
    anonymous: int
    """Mappings without a file."""
    arenas: int
    """Those just as large as an arena of the C library's allocator."""


def look(roots: Roots, pid: int) -> ProcessLook | None:
    """Look now; None when it is gone."""
    base = f"{roots.procfs}/{pid}"
    stat = contents(f"{base}/stat").rpartition(b")")[2].split()
    if len(stat) < 22:
        return None
    sizes = _numbers(contents(f"{base}/status"), b"kB")
    io = _numbers(contents(f"{base}/io"), b"")
    return ProcessLook(
        pid=pid,
        start_ticks=int(stat[19]),
        state=stat[0].decode(),
        user_s=int(stat[11]) / TICKS_PER_S,
        system_s=int(stat[12]) / TICKS_PER_S,
        threads=int(stat[17]),
        minor_faults=int(stat[7]),
        major_faults=int(stat[9]),
        anon_bytes=sizes.get("RssAnon"),
        file_bytes=sizes.get("RssFile"),
        shmem_bytes=sizes.get("RssShmem"),
        swap_bytes=sizes.get("VmSwap"),
        read_chars=io.get("rchar"),
        written_chars=io.get("wchar"),
        reads=io.get("syscr"),
        writes=io.get("syscw"),
        read_bytes=io.get("read_bytes"),
        written_bytes=io.get("write_bytes"),
        fds=count_fds(f"{base}/fd"),
    )


def _numbers(data: bytes, unit: bytes) -> dict[str, int]:
    """`Name: number unit` lines; kB become bytes."""
    found = {}
    for line in data.split(b"\n"):
        fields = line.split()
        if len(fields) == (3 if unit else 2) and fields[1].isdigit() and (not unit or fields[2] == unit):
            found[fields[0].rstrip(b":").decode()] = int(fields[1]) * (1024 if unit else 1)
    return found


def count_fds(folder: str) -> int | None:
    """Open descriptors. Since Linux 6.2 the folder's size is their number; before, they have to be listed."""
    try:
        return os.stat(folder).st_size or len(os.listdir(folder))
    except OSError:
        return None


def maps(roots: Roots, pid: int) -> Maps | None:
    """The address space now; None when it is gone or may not be seen."""
    data = contents(f"{roots.procfs}/{pid}/maps")
    if not data:
        return None
    heap = 0
    anonymous: dict[int, int] = {}
    for start, end, name in _mappings(data):
        if name == b"[heap]":
            heap += end - start
        elif not name:
            anonymous[start] = end
    # An arena begins at a multiple of its size: a used part, and behind it a reserved part.
    arenas = sum(
        start % _ARENA == 0 and start + _ARENA in (end, anonymous.get(end)) for start, end in anonymous.items()
    )
    return Maps(heap, len(anonymous), arenas)


def _mappings(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    for line in data.split(b"\n"):
        fields = line.split(None, 5)
        with contextlib.suppress(IndexError, ValueError):
            start, end = (int(number, 16) for number in fields[0].split(b"-"))
            yield start, end, fields[5] if len(fields) > 5 else b""


def zombies(roots: Roots, parents: frozenset[int]) -> int:
    """Children of these processes that have ended and were not waited for."""
    found = 0
    for name in os.listdir(roots.procfs):
        if name.isdigit() and (stat := process_files.process_stat(contents(f"{roots.procfs}/{name}/stat"))):
            found += stat.state == "Z" and stat.ppid in parents
    return found
