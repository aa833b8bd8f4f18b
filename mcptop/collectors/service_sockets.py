"""TCP sockets of host processes that somebody named as a service: by announcement or by rule.

All host processes share one network namespace, so its sockets are told apart by who holds their descriptors. That means
reading every descriptor's link, which is worth it for the services a person asked to see, not for all of a host.
Sockets in TIME_WAIT belong to nobody any more; a process counts none.
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping

from mcptop.collectors.base import SLOW_TICKS, Findings, Tick
from mcptop.model.instance import Sockets
from mcptop.sources import procfs, sock_diag
from mcptop.sources.kept import contents
from mcptop.sources.process_table import Identity, ProcessTable

_PREFIX = "socket:["


class ServiceSocketCollector:
    """Counts every five ticks; a host without named services costs nothing."""

    name = "service sockets"
    deadline_s = 2.0

    def __init__(self, roots: procfs.Roots, table: ProcessTable) -> None:
        self._roots = roots
        self._table = table
        self._diag: sock_diag.NetworkNamespace | None = None
        self._refused = not roots.live
        self._version = -1
        self._members: dict[str, list[int]] = {}
        self._counts: dict[str, Sockets] = {}
        self._due = 0

    def collect(self, tick: Tick) -> Findings:
        """Count where it is due."""
        if self._table.version != self._version:
            self._refresh()
        if not self._members:
            return Findings(message="no host process is named as a service")
        if tick.number >= self._due:
            self._due = tick.number + SLOW_TICKS
            states = self._states()
            self._counts = {identity: self._count(pids, states) for identity, pids in self._members.items()}
        return Findings(sockets=dict(self._counts), message=f"{len(self._counts)} services")

    def _refresh(self) -> None:
        self._version = self._table.version
        host = self._roots.network_of(self._roots.host_process)
        self._members = {
            identity: [member.pid for member in members if self._is_in(host, member)]
            for identity, members in self._table.trees.items()
            if identity in self._table.named
        }
        self._counts = {identity: count for identity, count in self._counts.items() if identity in self._members}
        if self._members.keys() - self._counts.keys():
            self._due = 0

    def _is_in(self, host: int | None, member: Identity) -> bool:
        return self._roots.network_of(str(member.pid)) == host

    def _states(self) -> Mapping[int, int]:
        if not self._refused:
            try:
                namespace = f"{self._roots.procfs}/{self._roots.host_process}/ns/net"
                self._diag = self._diag or sock_diag.NetworkNamespace(namespace)
                return self._diag.tcp_by_inode()
            except OSError:
                self._refused = True
                self.close()
        base = f"{self._roots.procfs}/{self._roots.host_process}/net"
        return sock_diag.parse_inodes(contents(f"{base}/tcp"), contents(f"{base}/tcp6"))

    def _count(self, pids: list[int], states: Mapping[int, int]) -> Sockets:
        held: set[int] = set()
        for pid in pids:
            held.update(_inodes(f"{self._roots.procfs}/{pid}/fd"))
        return sock_diag.count(Counter(states[inode] for inode in held if inode in states))

    def close(self) -> None:
        """Leave the namespace."""
        if self._diag is not None:
            self._diag.close()
            self._diag = None


def _inodes(directory: str) -> Iterator[int]:
    """The sockets a process holds; nothing where it ended or may not be looked into."""
    with contextlib.suppress(OSError):
        for name in os.listdir(directory):
            # A descriptor may be closed between the two calls; the others still count.
            with contextlib.suppress(OSError):
                link = os.readlink(f"{directory}/{name}")
                if link.startswith(_PREFIX):
                    yield int(link[len(_PREFIX) : -1])
