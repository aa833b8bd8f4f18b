"""Parsers for the files of one process under /proc. Pure."""

from __future__ import annotations

import os
from typing import NamedTuple

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")
_KERNEL_THREAD = 0x00200000
"""PF_KTHREAD in the flags of /proc/PID/stat."""


class ProcessStat(NamedTuple):
    """What /proc/PID/stat says."""

    comm: str
    state: str
    ppid: int
    is_kernel_thread: bool
    cpu_s: float
    """User and system time of all threads."""
    threads: int
    start_ticks: int
    """Clock ticks after boot; with the pid it names a process for ever."""
    rss_bytes: int


def process_stat(data: bytes) -> ProcessStat | None:
    """/proc/PID/stat. The name may hold spaces and parentheses: the last parenthesis ends it."""
    head, _, tail = data.rpartition(b")")
    fields = tail.split()
    if len(fields) < 22:
        return None
    return ProcessStat(
        head.partition(b"(")[2].decode("utf-8", "replace"),
        fields[0].decode("ascii", "replace"),
        int(fields[1]),
        bool(int(fields[6]) & _KERNEL_THREAD),
        (int(fields[11]) + int(fields[12])) / TICKS_PER_S,
        int(fields[17]),
        int(fields[19]),
        int(fields[21]) * PAGE_SIZE,
    )


class ResidentSplit(NamedTuple):
    """Resident memory of a process by kind, in bytes."""

    anon: int
    file: int
    shmem: int


def resident_split(data: bytes) -> ResidentSplit | None:
    """RssAnon, RssFile and RssShmem of /proc/PID/status."""
    values: dict[bytes, int] = {}
    for line in data.split(b"\n"):
        if line.startswith(b"Rss"):
            fields = line.split()
            if len(fields) >= 2 and fields[1].isdigit():
                values[fields[0]] = int(fields[1]) * 1024
    if b"RssAnon:" not in values:
        return None
    return ResidentSplit(values[b"RssAnon:"], values.get(b"RssFile:", 0), values.get(b"RssShmem:", 0))


class ProcessIo(NamedTuple):
    """Bytes that reached the disks on behalf of a process."""

    read: int
    written: int


def process_io(data: bytes) -> ProcessIo | None:
    """read_bytes and write_bytes of /proc/PID/io."""
    values = dict(line.partition(b": ")[::2] for line in data.split(b"\n"))
    read, written = values.get(b"read_bytes", b""), values.get(b"write_bytes", b"")
    return ProcessIo(int(read), int(written)) if read.isdigit() and written.isdigit() else None


def open_files_limit(data: bytes) -> int | None:
    """The soft limit of /proc/PID/limits; None when unlimited."""
    for line in data.split(b"\n"):
        if line.startswith(b"Max open files"):
            fields = line.split()
            return int(fields[3]) if len(fields) > 3 and fields[3].isdigit() else None
    return None


def announced(environ: bytes) -> dict[str, str]:
    """The `MCPTOP_` names of a process's environment: how a host process says what it is. No other name is read."""
    found: dict[str, str] = {}
    if b"MCPTOP_" not in environ:
        return found
    for entry in environ.split(b"\0"):
        name, _, value = entry.partition(b"=")
        if name in (b"MCPTOP_PROJECT", b"MCPTOP_SERVICE", b"MCPTOP_METRICS"):
            found.setdefault(name.decode("ascii"), value.decode("utf-8", "replace"))
    return found


_INTERPRETERS = ("python", "node", "ruby", "perl", "php", "bash", "dash", "sh", "java")


def program(comm: str, cmdline: bytes) -> str:
    """What a process runs, as people say it: the script or module of an interpreter, else the program's name.

    `comm` is cut at 15 characters by the kernel, so the command line goes first; a command line that the
    process has rewritten (`nginx: worker process`) is not a path, and `comm` stays.
    """
    words = [word.decode("utf-8", "replace") for word in cmdline.split(b"\0") if word]
    if not words:
        return comm
    name = os.path.basename(words[0].lstrip("-"))
    if " " in name or (not name.startswith(comm) and not name.startswith(_INTERPRETERS)):
        return comm
    if not name.startswith(_INTERPRETERS):
        return name
    for position, word in enumerate(words[1:], 1):
        if word in ("-m", "-jar") and position + 1 < len(words):
            return os.path.basename(words[position + 1])
        if word in ("-c", "-e"):
            return name
        if not word.startswith("-"):
            return os.path.basename(word) or name
    return name
