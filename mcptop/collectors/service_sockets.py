"""TCP sockets of host processes that somebody named as a service, by state and by peer.

All host processes share one network namespace, so its sockets are told apart by who holds their descriptors. That means
reading every descriptor's link, which is worth it for the services a person asked to see, not for all of a host.
Sockets in TIME_WAIT belong to nobody any more; a process counts none.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from mcptop.collectors.base import SLOW_TICKS, Findings, Tick
from mcptop.collectors.links import flows_of
from mcptop.model.flow_reading import FlowReading
from mcptop.sources import procfs, sock_diag
from mcptop.sources.address_book import AddressBook
from mcptop.sources.kept import ParsedFile, contents
from mcptop.sources.process_table import Identity, ProcessTable
from mcptop.sources.sock_diag import Row
from mcptop.sources.tcp_view import AGES_LIMIT, TcpView, look, rows_of_text

_PREFIX = "socket:["


class ServiceSocketCollector:
    """Counts every five ticks; a host without named services costs nothing."""

    name = "service sockets"
    deadline_s = 2.0

    def __init__(self, roots: procfs.Roots, table: ProcessTable, book: AddressBook) -> None:
        self._roots = roots
        self._table = table
        self._book = book
        self._diag: sock_diag.NetworkNamespace | None = None
        self._refused = not roots.live
        net = f"{roots.procfs}/{roots.host_process}/net"
        self._in_use = ParsedFile(f"{net}/sockstat", procfs.sockets_in_use)
        self._in_use6 = ParsedFile(f"{net}/sockstat6", procfs.sockets_in_use)
        self._version = -1
        self._members: dict[str, list[int]] = {}
        self._views: dict[str, TcpView] = {}
        self._flows: dict[str, FlowReading] = {}
        self._due = 0

    def collect(self, tick: Tick) -> Findings:
        """Count where it is due."""
        if self._table.version != self._version:
            self._refresh()
        if not self._members:
            return Findings(message="no host process is named as a service")
        if tick.number >= self._due:
            self._due = tick.number + SLOW_TICKS
            self._look(tick)
        return Findings(
            sockets={identity: view.sockets for identity, view in self._views.items()},
            flows=dict(self._flows),
            message=f"{len(self._views)} services",
        )

    def _look(self, tick: Tick) -> None:
        owners = {
            inode: identity
            for identity, pids in self._members.items()
            for pid in pids
            for inode in _inodes(f"{self._roots.procfs}/{pid}/fd")
        }
        found = look(self._rows(), owners)
        self._views = {identity: found.get(identity) or TcpView() for identity in self._members}
        self._book.learn_host(
            {port: identity for identity, view in self._views.items() for port in view.listeners},
            {port: identity for identity, view in self._views.items() for port in view.local_ports},
        )
        self._book.learn_ports({identity: tuple(sorted(view.listeners)) for identity, view in self._views.items()})
        self._flows = {
            target.id: flows_of(self._views[target.id], target, self._book, tick.monotonic)
            for target in tick.targets
            if target.id in self._views
        }

    def _refresh(self) -> None:
        self._version = self._table.version
        host = self._roots.network_of(self._roots.host_process)
        self._members = {
            identity: [member.pid for member in members if self._is_in(host, member)]
            for identity, members in self._table.trees.items()
            if identity in self._table.named
        }
        self._views = {identity: view for identity, view in self._views.items() if identity in self._members}
        self._flows = {identity: flow for identity, flow in self._flows.items() if identity in self._members}
        if self._members.keys() - self._views.keys():
            self._due = 0

    def _is_in(self, host: int | None, member: Identity) -> bool:
        return self._roots.network_of(str(member.pid)) == host

    def _rows(self) -> list[Row]:
        if not self._refused:
            try:
                namespace = f"{self._roots.procfs}/{self._roots.host_process}/ns/net"
                self._diag = self._diag or sock_diag.NetworkNamespace(namespace)
                in_use = (self._in_use.get() or 0) + (self._in_use6.get() or 0)
                return list(self._diag.rows(with_ages=in_use <= AGES_LIMIT))
            except OSError:
                self._refused = True
                self.close()
        base = f"{self._roots.procfs}/{self._roots.host_process}/net"
        return rows_of_text(contents(f"{base}/tcp"), contents(f"{base}/tcp6"))

    def close(self) -> None:
        """Leave the namespace."""
        self._in_use.close()
        self._in_use6.close()
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
