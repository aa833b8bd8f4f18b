"""What the TCP sockets of a network namespace say: who connects to whom, what waits to be accepted, what is under way.

Requests under way are inferred from the ages that the kernel keeps for each connection (TCP_INFO), by the rule of
`is_busy`. It sees requests that wait for an answer; it cannot see a connection that is merely checked out of its pool,
an answer that streams, or several requests in one connection (HTTP/2).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from socket import AF_INET

from mcptop.model.instance import Sockets
from mcptop.sources.sock_diag import RESOLVER, Ages, Row, count

ESTABLISHED, SYN_SENT, TIME_WAIT, CLOSE_WAIT, LISTEN = 1, 2, 6, 8, 10
AGES_LIMIT = 4000
"""Sockets of a namespace up to which the ages of each connection are worth asking for: it doubles the work."""
_MAPPED = bytes(10) + b"\xff\xff"
# The ages move in steps of 4 ms.
_STEP_MS = 2
_DELAYED_ACK_MS = range(15, 301)
"""So long after our request its bare acknowledgement comes, when the program at the other end has no answer yet."""


@dataclass(slots=True)
class Listener:
    """A port that is listened on."""

    port: int
    depth: int = 0
    backlog: int | None = None

    @property
    def fullness(self) -> tuple[float, int]:
        """Orders listeners by how full their accept queues are."""
        return self.depth / (self.backlog or 1), -self.port


@dataclass(slots=True)
class Link:
    """All connections to one remote address and port."""

    established: int = 0
    connecting: int = 0
    close_wait: int = 0
    time_wait: int = 0
    busy: int | None = None
    """Requests under way; None where the ages were not asked for."""
    longest_s: float | None = None
    """Age of the oldest of them."""


@dataclass(slots=True)
class TcpView:
    """The sockets of one owner."""

    states: Counter[int] = field(default_factory=Counter)
    listeners: dict[int, Listener] = field(default_factory=dict)
    links: dict[tuple[str, int], Link] = field(default_factory=dict)
    """Remote address and port -> the connections to it that were opened from here."""
    local_ports: list[int] = field(default_factory=list)
    """Of those connections."""

    @property
    def sockets(self) -> Sockets:
        """The count by state."""
        return count(self.states)


def is_busy(ages: Ages) -> bool:
    """Whether a connection waits for an answer.

    It does when it sent after it last received. Where both fell into one step of the clock, a late bare
    acknowledgement tells: the other end has the request and nothing to say yet.
    """
    if ages.sent < ages.received - _STEP_MS:
        return True
    return min(ages.sent, ages.received) - ages.acknowledged in _DELAYED_ACK_MS


def look(
    rows: Iterable[Row], owners: Mapping[int, str] | None = None, everybodys: Counter[int] | None = None
) -> dict[str, TcpView]:
    """Owner -> what is theirs. Without `owners` (inode -> owner) everything belongs to "".

    `everybodys` counts the sockets by state, whoever owns them.
    Listeners have to come first, as the kernel lists them: what has the port of one came in, the rest went out.
    """
    views: dict[str, TcpView] = {} if owners is not None else {"": TcpView()}
    links: dict[tuple[str, bytes, int, int], Link] = {}
    listening: set[int] = set()
    for row in rows:
        is_listener = row.state == LISTEN
        if is_listener:
            if row.family == AF_INET and row.local[:4] == RESOLVER:
                continue
            listening.add(row.local_port)
        if everybodys is not None:
            everybodys[row.state] += 1
        owner = "" if owners is None else owners.get(row.inode)
        if owner is None:
            continue
        view = views.get(owner)
        if view is None:
            view = views[owner] = TcpView()
        view.states[row.state] += 1
        if is_listener:
            _listen(view, row)
        elif row.local_port not in listening:
            key = (owner, row.remote, row.remote_port, row.family)
            link = links.get(key)
            if link is None:
                link = links[key] = Link()
            _connect(view, link, row)
    for (owner, remote, port, family), link in links.items():
        views[owner].links[address(family, remote), port] = link
    return views


def _listen(view: TcpView, row: Row) -> None:
    listener = view.listeners.setdefault(row.local_port, Listener(row.local_port))
    listener.depth += row.receive_queue
    if row.send_queue is not None:
        listener.backlog = (listener.backlog or 0) + row.send_queue


def _connect(view: TcpView, link: Link, row: Row) -> None:
    if row.state == ESTABLISHED:
        link.established += 1
        view.local_ports.append(row.local_port)
        if row.ages is not None:
            busy = is_busy(row.ages)
            link.busy = (link.busy or 0) + busy
            if busy:
                link.longest_s = max(link.longest_s or 0.0, row.ages.sent / 1000)
    elif row.state == SYN_SENT:
        link.connecting += 1
    elif row.state == CLOSE_WAIT:
        link.close_wait += 1
    elif row.state == TIME_WAIT:
        link.time_wait += 1


def address(family: int, raw: bytes) -> str:
    """As text; one of IPv4 that came in over IPv6 is one of IPv4."""
    if family == AF_INET:
        return str(IPv4Address(raw[:4]))
    return str(IPv4Address(raw[12:])) if raw.startswith(_MAPPED) else str(IPv6Address(raw))


def rows_of_text(*tables: bytes) -> list[Row]:
    """Sockets by the text of /proc/PID/net/tcp and tcp6: no backlog and no ages. Listeners first."""
    found = [row for table in tables for line in table.split(b"\n")[1:] if (row := _row(line)) is not None]
    return sorted(found, key=lambda row: row.state != LISTEN)


def _row(line: bytes) -> Row | None:
    fields = line.split(None, 10)
    if len(fields) < 10:
        return None
    (local, port), (remote, remote_port) = (field.split(b":") for field in fields[1:3])
    return Row(
        family=AF_INET if len(local) == 8 else 10,
        state=int(fields[3], 16),
        local_port=int(port, 16),
        remote_port=int(remote_port, 16),
        local=_raw(local),
        remote=_raw(remote),
        receive_queue=int(fields[4].partition(b":")[2], 16),
        send_queue=None,
        inode=int(fields[9]),
    )


def _raw(text: bytes) -> bytes:
    """The kernel prints each four bytes as one number of this machine; all of ours are little endian."""
    data = bytes.fromhex(text.decode("ascii"))
    return b"".join(data[at : at + 4][::-1] for at in range(0, len(data), 4))
