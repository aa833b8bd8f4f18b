"""The end of a file that a process writes, through the process's own descriptor: never the whole file."""

from __future__ import annotations

import os

from mcptop.model.value import Value

_TAIL = 512 << 10
_SAMPLE = 1 << 20


class Tail(Value, frozen=True):
    """The last lines, and what the file was like then."""

    data: bytes
    size: int
    written_at: float
    """Unix seconds."""


def tail(procfs: str, pid: int, fd: int) -> Tail:
    """The last half MiB of a regular file. Raises OSError."""
    # Opened anew: a position of our own, and it works for deleted files too.
    descriptor = os.open(f"{procfs}/{pid}/fd/{fd}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        start = max(0, status.st_size - _TAIL)
        data = os.pread(descriptor, _TAIL, start)
        if start:
            # The first line is the rest of one.
            data = data.partition(b"\n")[2]
        return Tail(data, status.st_size, status.st_mtime)
    finally:
        os.close(descriptor)


def came(procfs: str, pid: int, fd: int, before: int) -> tuple[int, float] | None:
    """Bytes and lines that came to a file since it had `before` bytes; None where it became smaller. Raises OSError.

    Of very much only a part is counted, and the lines follow from that.
    """
    descriptor = os.open(f"{procfs}/{pid}/fd/{fd}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        grown = os.fstat(descriptor).st_size - before
        if grown <= 0:
            return None if grown < 0 else (0, 0.0)
        part = os.pread(descriptor, min(grown, _SAMPLE), before)
        return grown, part.count(b"\n") * grown / len(part) if part else 0.0
    finally:
        os.close(descriptor)
