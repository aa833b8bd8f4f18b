"""The TCP sockets of a service, by instance, peer and state.

A container with a network namespace to itself owns all of its sockets. Where several share one, a socket is whose
descriptors lead to it; those in TIME_WAIT have no holder then, and are nobody's.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice

from mcptop.closeup.socket_groups import Group, Key, grouped
from mcptop.closeup.world import Members, Problems, World, census
from mcptop.model.closeup import Aspect, Direction, SocketCloseup, SocketLine
from mcptop.model.frame import Service
from mcptop.model.instance import Instance
from mcptop.model.snapshot import Target
from mcptop.sources.kept import contents
from mcptop.sources.network_space import socket_inodes
from mcptop.sources.sock_diag import NetworkNamespace, Row
from mcptop.sources.tcp_view import AGES_LIMIT, rows_of_text
from mcptop.units import plain

MOST = 4000
_HOST = "host"
"""A process of this machine that is no service here."""
MOST_SOCKETS = 50_000
"""So many of a namespace are looked into."""


class SocketReader:
    """Keeps the namespaces of its service open from look to look."""

    aspect = Aspect.SOCKETS
    every_s = 1.0

    def __init__(self, world: World) -> None:
        self._world = world
        self._proc = world.roots.procfs
        self._spaces: dict[int, NetworkNamespace] = {}
        self._rows: dict[int, list[Row]] = {}
        """Of this look, by namespace."""
        self._large: set[int] = set()
        """Namespaces in which the ages of connections are too dear to ask for."""
        self._refused = False
        self._sharing: tuple[int, dict[int, int]] = (-1, {})

    def look(self, service: Service, instances: Sequence[Instance]) -> SocketCloseup:
        """Look now."""
        problems, lines = Problems(), list[SocketLine]()
        self._rows = {}
        for members in census(self._world, service, instances, problems):
            lines += self._lines(members, problems)
        if self._refused and lines:
            problems.add("no right to enter network namespaces (needs CAP_SYS_ADMIN): no backlogs, no requests")
        self._leave(self._spaces.keys() - self._rows.keys())
        return SocketCloseup(
            at=datetime.now(UTC),
            service=service.key,
            instances=tuple(instance.name for instance in instances),
            problem=problems.line(),
            cut_at=MOST if len(lines) > MOST else None,
            lines=tuple(lines[:MOST]),
        )

    def _lines(self, members: Members, problems: Problems) -> Iterator[SocketLine]:
        instance, pids = members.instance, [process.pid for process in members.processes]
        network_of = self._world.roots.network_of
        # One that has ended, or that we may not look into, is no way in; the next may be.
        space, way = next(((found, pid) for pid in pids if (found := network_of(str(pid))) is not None), (None, 0))
        if space is None:
            problems.add(f"the network namespace of {instance.name} cannot be seen: run as root")
            return
        owned = self._owned(space, pids, problems) if self._is_shared(space) else None
        if space not in self._rows:
            self._rows[space] = self._read(space, way, problems)
        names = _Names(self._world, self._world.book.target(instance.id))
        groups = grouped(self._rows[space], owned, names)
        for key, group in groups.items():
            yield _line(instance.name, key, group)

    def _owned(self, space: int, pids: Iterable[int], problems: Problems) -> set[int]:
        found: set[int] = set()
        for pid in pids:
            try:
                # None: it has ended, or may not be looked into; its descriptors tell which.
                if self._world.roots.network_of(str(pid)) in (space, None):
                    found.update(socket_inodes(f"{self._proc}/{pid}/fd"))
            except PermissionError:
                problems.add("a process does not show its descriptors: run as root")
            except OSError:
                # It has ended; the others have not.
                continue
        return found

    def _is_shared(self, space: int) -> bool:
        """Whether others have sockets in the namespace too. Asked of the kernel again when processes came or went."""
        version, sharers = self._sharing
        if version != self._world.table.version:
            version, sharers = self._world.table.version, {}
            roots = self._world.roots
            host = roots.network_of(roots.host_process)
            if host is not None:
                sharers[host] = 2
            for processes in self._world.table.containers().values():
                if (found := roots.network_of(str(processes[0].pid))) is not None:
                    sharers[found] = sharers.get(found, 0) + 1
            self._sharing = version, sharers
        return sharers.get(space, 2) > 1

    def _read(self, space: int, pid: int, problems: Problems) -> list[Row]:
        """Every socket of a namespace, listeners first: by netlink, or by the text that knows no backlogs."""
        base = f"{self._proc}/{pid}"
        rows: list[Row] | None = None
        if not self._refused:
            try:
                if space not in self._spaces:
                    self._spaces[space] = NetworkNamespace(f"{base}/ns/net")
                rows = list(islice(self._spaces[space].rows(space not in self._large), MOST_SOCKETS + 1))
            except PermissionError:
                self._refused = True
            except OSError:
                # The process has ended, or the kernel did not answer in time: a new look, a new connection.
                self._leave({space})
        if rows is None:
            rows = rows_of_text(contents(f"{base}/net/tcp"), contents(f"{base}/net/tcp6"))
        if len(rows) > MOST_SOCKETS:
            problems.add(f"only {MOST_SOCKETS} sockets of a network namespace were looked into")
            # The rest of the kernel's answer is still in the connection.
            self._leave({space})
        (self._large.add if len(rows) > AGES_LIMIT else self._large.discard)(space)
        return rows[:MOST_SOCKETS]

    def _leave(self, spaces: Iterable[int]) -> None:
        for space in list(spaces):
            if (left := self._spaces.pop(space, None)) is not None:
                left.close()

    def close(self) -> None:
        """Leave all namespaces."""
        self._leave(self._spaces.keys())


class _Names:
    """What the address book calls who is at the other end of an instance's connections."""

    def __init__(self, world: World, asker: Target | None) -> None:
        self._book = world.book
        self._asker = asker
        self._now = time.monotonic()

    def opened(self, address: str, port: int) -> str | None:
        """Who is connected to from here; None where only the address could be said."""
        if self._asker is None:
            return None
        name = self._book.peer(self._asker, address, port, self._now)
        if name == f"host:{port}":
            return _HOST
        return None if name.endswith(f":{port}") else plain(name)

    def came_in(self, address: str, port: int) -> str | None:
        """Who connected to here."""
        found = self._book.target(self._book.owner(address, port) or "")
        if found is None:
            return _HOST if self.opened(address, port) == _HOST else None
        same = self._asker is not None and found.project in (self._asker.project, None)
        return plain(found.service if same else f"{found.project or ''}/{found.service}".lstrip("/"))


def _line(instance: str, key: Key, group: Group) -> SocketLine:
    listens = key.direction is Direction.LISTENS
    return SocketLine(
        instance=instance,
        direction=key.direction,
        address=key.address,
        port=key.port,
        peer=key.peer,
        local_port=group.local_port,
        state=key.state,
        count=group.count,
        unsent_bytes=None if listens else group.unsent,
        unread_bytes=None if listens else group.unread,
        accept_queue=group.unread if listens else None,
        backlog=group.unsent if listens else None,
        busy=group.busy,
        oldest_s=group.oldest_s,
    )
