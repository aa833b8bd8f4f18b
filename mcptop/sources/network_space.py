"""The TCP sockets of one network namespace, divided among those who are in it.

A container that has a namespace to itself owns all of its sockets. Where several share one (host processes, containers
on the host's network or on another's, those of a pod), a socket is whose descriptors lead to it. Reading every
descriptor's link is dear, so it is done for those only whom somebody shows. Sockets in TIME_WAIT have no holder.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence

from mcptop.model.instance import Sockets
from mcptop.sources import procfs
from mcptop.sources.kept import ParsedFile, contents
from mcptop.sources.sock_diag import NetworkNamespace, Row, count, parse_table
from mcptop.sources.tcp_view import AGES_LIMIT, TcpView, look, rows_of_text

Holders = Mapping[str, Sequence[int]]
"""Target -> its processes in the namespace."""
_NONE = Sockets()
_SOCKET_LINK = "socket:["


class NetworkSpace:
    """One namespace, seen through one of its processes."""

    def __init__(self, procfs_root: str, pid: str, live: bool, is_host: bool) -> None:
        """`live`: the tree is this kernel's, so that the namespace can be entered; `is_host`: others are in it too."""
        self._procfs = procfs_root
        self._base = f"{procfs_root}/{pid}"
        self._live = live
        self._is_host = is_host
        self._holders: Holders = {}
        self._readable: tuple[str, ...] = ()
        self._prepared: dict[int, str] | None = None
        self._diag: NetworkNamespace | None = None
        self._in_use = [ParsedFile(f"{self._base}/net/{name}", procfs.sockets_in_use)
                        for name in ("sockstat", "sockstat6")]  # fmt: skip
        self._overflows = ParsedFile(None if is_host else f"{self._base}/net/netstat", procfs.listen_overflows)
        self.views: dict[str, TcpView] = {}
        """Target -> what is its; those whose descriptors may not be read are missing."""
        self.sockets: Sockets | None = None
        """All there are, whoever holds them."""
        self.overflows: int | None = None
        """Connections that listeners had to turn away; of the host's it is not known whose."""
        self.refused = False
        """Whether the kernel did not let us in; the text tables say the same at a higher price."""

    @property
    def is_shared(self) -> bool:
        """Whether not all sockets are one target's."""
        return self._is_host or len(self._holders) > 1

    @property
    def is_empty(self) -> bool:
        """Whether there was no socket in it."""
        return self.sockets is _NONE

    @property
    def is_busy(self) -> bool:
        """Whether somebody waits in it: for an answer, for a connection, to be accepted."""
        return any(
            any(listener.depth for listener in view.listeners.values())
            or any(link.busy or link.connecting for link in view.links.values())
            for view in self.views.values()
        )

    def hold(self, holders: Holders) -> bool:
        """Who is in it from now on; whether somebody is new."""
        new = holders.keys() - self._holders.keys()
        self._holders = holders
        if new:
            self._prepared = None
        self.views = {target: view for target, view in self.views.items() if target in holders}
        return bool(new)

    def prepare(self) -> None:
        """Half of the next look's work, a tick before it, where both halves would be too much for one tick.

        What is opened in between belongs to nobody until the look after.
        """
        if self.is_shared and self._holders and self._total() > AGES_LIMIT:
            self._prepared = self._owners()

    def look(self) -> None:
        """Look again. Raises `Gone` or OSError when its process is."""
        self.overflows = self._overflows.get()
        total = self._total()
        if not self._holders:
            self.sockets = self._count() if total else _NONE
        elif not total:
            self.views, self.sockets = {target: TcpView() for target in self._holders}, _NONE
        elif self.is_shared:
            states: Counter[int] = Counter()
            owners, self._prepared = self._prepared or self._owners(), None
            found = look(self._rows(total), owners, states)
            self.views = {target: found.get(target) or TcpView() for target in self._readable}
            self.sockets = count(states)
        else:
            (target,) = self._holders
            self.views = {target: look(self._rows(total))[""]}
            self.sockets = self.views[target].sockets

    def overflows_of(self, target: str) -> int | None:
        """The kernel counts overflows for all listeners together; the fullest is the one that had them."""
        fullest = max(
            ((listener.fullness, name) for name, view in self.views.items() for listener in view.listeners.values()),
            default=None,
        )
        return self.overflows if fullest is not None and fullest[1] == target else None

    def _total(self) -> int:
        return sum(file.get() or 0 for file in self._in_use)

    def _owners(self) -> dict[int, str]:
        """Socket -> the target that holds it."""
        owners: dict[int, str] = {}
        readable = []
        for target, pids in self._holders.items():
            if (inodes := _inodes(self._procfs, pids)) is not None:
                readable.append(target)
                owners.update(dict.fromkeys(inodes, target))
        self._readable = tuple(readable)
        return owners

    def _rows(self, total: int) -> list[Row]:
        if self._enter():
            assert self._diag is not None
            try:
                return list(self._diag.rows(total <= AGES_LIMIT))
            except OSError:
                self._refuse()
        return rows_of_text(contents(f"{self._base}/net/tcp"), contents(f"{self._base}/net/tcp6"))

    def _count(self) -> Sockets:
        if self._enter():
            assert self._diag is not None
            try:
                return self._diag.tcp()
            except OSError:
                self._refuse()
        return parse_table(contents(f"{self._base}/net/tcp"), contents(f"{self._base}/net/tcp6"))

    def _enter(self) -> bool:
        if self._live and not self.refused and self._diag is None:
            try:
                self._diag = NetworkNamespace(f"{self._base}/ns/net")
            except OSError:
                self._refuse()
        return self._diag is not None

    def _refuse(self) -> None:
        self.refused = True
        if self._diag is not None:
            self._diag.close()
            self._diag = None

    def close(self) -> None:
        """Leave it."""
        self._overflows.close()
        for file in self._in_use:
            file.close()
        if self._diag is not None:
            self._diag.close()
            self._diag = None


def _inodes(procfs_root: str, pids: Sequence[int]) -> list[int] | None:
    """The sockets these processes hold; None where one of them may not be looked into."""
    found: list[int] = []
    for pid in pids:
        try:
            found += socket_inodes(f"{procfs_root}/{pid}/fd")
        except PermissionError:
            return None
        except OSError:
            # It has ended; the others have not.
            continue
    return found


def socket_inodes(directory: str) -> list[int]:
    """The sockets that the descriptors of a folder such as /proc/PID/fd lead to. Raises OSError."""
    found, readlink = [], os.readlink
    # By a descriptor of the directory: the kernel walks to it once and not for each link.
    at = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name in os.listdir(at):
            try:
                link = readlink(name, dir_fd=at)
            except FileNotFoundError:
                # Closed between the two calls; the others still count.
                continue
            if link.startswith(_SOCKET_LINK):
                found.append(int(link[len(_SOCKET_LINK) : -1]))
    finally:
        os.close(at)
    return found
