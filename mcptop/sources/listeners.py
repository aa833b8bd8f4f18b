"""Which host process listens on which TCP port: the socket table joined with the descriptors of each process."""

from __future__ import annotations

import os
from collections.abc import Iterable

from mcptop.sources.kept import contents

_LISTEN = b"0A"


def listening_inodes(*tables: bytes) -> dict[int, int]:
    """Socket inode -> port of the listening sockets, from /proc/net/tcp and tcp6."""
    found: dict[int, int] = {}
    for table in tables:
        for line in table.split(b"\n")[1:]:
            fields = line.split()
            if len(fields) > 9 and fields[3] == _LISTEN:
                found[int(fields[9])] = int(fields[1].rpartition(b":")[2], 16)
    return found


def listening_ports(procfs: str, pids: Iterable[int]) -> dict[int, frozenset[int]]:
    """Pid -> ports it listens on. A process whose descriptors we may not read has none."""
    tables = [contents(f"{procfs}/1/net/{name}") for name in ("tcp", "tcp6")]
    inodes = listening_inodes(*tables)
    found = {}
    for pid in pids if inodes else ():
        if ports := frozenset(inodes[inode] for inode in _socket_inodes(f"{procfs}/{pid}/fd") if inode in inodes):
            found[pid] = ports
    return found


def _socket_inodes(directory: str) -> Iterable[int]:
    try:
        for entry in os.scandir(directory):
            link = os.readlink(entry.path)
            if link.startswith("socket:["):
                yield int(link[8:-1])
    except OSError:
        return
