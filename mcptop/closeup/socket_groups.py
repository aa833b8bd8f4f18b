"""Sockets that lead to the same peer in the same state, added up. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from socket import AF_INET
from typing import NamedTuple, Protocol

from mcptop.model.closeup import Direction
from mcptop.sources.sock_diag import RESOLVER, Row
from mcptop.sources.tcp_view import ESTABLISHED, LISTEN, address, is_busy

STATES = {
    1: "ESTABLISHED", 2: "SYN_SENT", 3: "SYN_RECV", 4: "FIN_WAIT1", 5: "FIN_WAIT2", 6: "TIME_WAIT", 7: "CLOSE",
    8: "CLOSE_WAIT", 9: "LAST_ACK", 10: "LISTEN", 11: "CLOSING", 12: "SYN_RECV",
}  # fmt: skip


class Names(Protocol):
    """Services by address and port; None where nobody knows one."""

    def opened(self, address: str, port: int) -> str | None:
        """Who is connected to from here."""

    def came_in(self, address: str, port: int) -> str | None:
        """Who connected to here."""


class Key(NamedTuple):
    """What the sockets of a group have in common."""

    direction: Direction
    address: str
    port: int | None
    """Of the peer, where it opened nothing."""
    peer: str | None
    served: int | None
    """The port here that they came in to."""
    state: str


@dataclass(slots=True)
class Group:
    """The sockets of one key."""

    local_port: int | None
    count: int = 0
    unread: int = 0
    """Bytes; of a listener connections nobody accepted yet."""
    unsent: int | None = None
    """Bytes; of a listener its backlog. None where the kernel did not say."""
    busy: int | None = None
    oldest_s: float | None = None


def grouped(rows: Iterable[Row], owned: set[int] | None, names: Names) -> dict[Key, Group]:
    """The sockets among `owned` (by inode; None: all) in groups, listeners first as the kernel lists them."""
    groups: dict[Key, Group] = {}
    listening: set[int] = set()
    for row in rows:
        if row.state == LISTEN:
            if row.family == AF_INET and row.local[:4] == RESOLVER:
                continue
            listening.add(row.local_port)
        if owned is not None and row.inode not in owned:
            continue
        key = _key(row, listening, names)
        group = groups.get(key)
        if group is None:
            group = groups[key] = Group(row.local_port)
        _add(group, row, key.direction)
    return groups


def _key(row: Row, listening: set[int], names: Names) -> Key:
    state = STATES.get(row.state, "OTHER")
    if row.state == LISTEN:
        return Key(Direction.LISTENS, _listens_at(row), None, None, row.local_port, state)
    remote = _address(row.family, row.remote)
    if row.local_port in listening:
        peer = names.came_in(remote, row.remote_port)
        return Key(Direction.CAME_IN, remote, None, peer, row.local_port, state)
    return Key(Direction.OPENED, remote, row.remote_port, names.opened(remote, row.remote_port), None, state)


def _listens_at(row: Row) -> str:
    found = _address(row.family, row.local)
    return "*" if found in ("0.0.0.0", "::") else found


@lru_cache(maxsize=4096)
def _address(family: int, raw: bytes) -> str:
    return address(family, raw)


def _add(group: Group, row: Row, direction: Direction) -> None:
    group.count += 1
    group.unread += row.receive_queue
    if row.send_queue is not None:
        group.unsent = (group.unsent or 0) + row.send_queue
    if group.local_port != row.local_port:
        group.local_port = None
    # Who waits for an answer is who asked, and that is who opened the connection.
    if direction is Direction.OPENED and row.state == ESTABLISHED and row.ages is not None:
        busy = is_busy(row.ages)
        group.busy = (group.busy or 0) + busy
        if busy:
            group.oldest_s = max(group.oldest_s or 0.0, row.ages.sent / 1000)
