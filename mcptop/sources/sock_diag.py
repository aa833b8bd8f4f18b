"""TCP sockets of a network namespace, by state: one netlink dump, IPv4 and IPv6 together.

A netlink socket belongs to the namespace it was opened in. It is opened once by a thread that enters the
namespace, and then asked from outside as long as the namespace lives. Entering needs CAP_SYS_ADMIN;
without it, and on recorded trees, the text of /proc/PID/net/tcp and tcp6 says the same at a higher price.
"""

from __future__ import annotations

import ctypes
import os
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Address
from typing import NamedTuple, TypeVar

from mcptop.model.instance import Sockets

T = TypeVar("T")

_NETLINK_SOCK_DIAG = 4
# The request that predates SOCK_DIAG_BY_FAMILY: it alone answers for both families in one walk of the table.
_TCPDIAG_GETSOCK = 18
_REQUEST_DUMP = 0x301
_NLMSG_ERROR, _NLMSG_DONE = 2, 3
_ALL_STATES = 0xFFF
_CLONE_NEWNET = 0x40000000
_BUFFER = 1 << 18
_TIMEOUT_S = 2.0

_HEADER = struct.Struct("=IHHII")
_REQUEST = struct.Struct("=BBBB48sII")
# struct inet_diag_msg: family, state, ports, addresses, queues, inode.
MESSAGE = struct.Struct("=BBxx2s2s16s16s16xII4xI")
_SOURCE = 8
_ATTRIBUTE = struct.Struct("=HH")
_INFO = 2
# Within struct tcp_info: age of the last data sent; of the last data and the last acknowledgement received.
_AGES = struct.Struct("=I4xII")
_AGES_AT = 44

_STATES = {
    1: "established", 2: "syn_sent", 3: "syn_recv", 6: "time_wait", 8: "close_wait", 10: "listen", 12: "syn_recv",
}  # fmt: skip
_ESTABLISHED, _LISTEN = 1, 10
# Docker's resolver listens in each container of a user-defined network; it is not the container's doing.
RESOLVER = IPv4Address("127.0.0.11").packed


class Ages(NamedTuple):
    """Milliseconds since a connection last sent data, received data, and received an acknowledgement."""

    sent: int
    received: int
    acknowledged: int


class Row(NamedTuple):
    """One socket, as the kernel lists it."""

    family: int
    state: int
    local_port: int
    remote_port: int
    local: bytes
    remote: bytes
    receive_queue: int
    """Of a listener: connections nobody accepted yet."""
    send_queue: int | None
    """Of a listener: its backlog; None where the kernel does not say."""
    inode: int
    """0: no process holds it."""
    ages: Ages | None = None


def count(states: Counter[int]) -> Sockets:
    """Sockets by state name, from a count by the kernel's state number."""
    totals: Counter[str] = Counter()
    for state, amount in states.items():
        totals[_STATES.get(state, "other")] += amount
    return Sockets(**totals)


class NetworkNamespace:
    """A network namespace, entered once. Raises OSError when it cannot be entered (permission, gone)."""

    def __init__(self, path: str) -> None:
        self._sock = inside(path, lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _NETLINK_SOCK_DIAG))
        self._sock.settimeout(_TIMEOUT_S)

    def tcp(self) -> Sockets:
        """All TCP sockets by state. Raises OSError when the kernel refuses or does not answer."""
        states: Counter[int] = Counter()
        for data, at, _ in self._dump():
            state = data[at + 1]
            if state != _LISTEN or data[at + _SOURCE : at + _SOURCE + 4] != RESOLVER:
                states[state] += 1
        return count(states)

    def rows(self, with_ages: bool) -> Iterator[Row]:
        """Every TCP socket, listeners first. Raises as `tcp` does. Ages make the dump dearer by a third."""
        unpack, big = MESSAGE.unpack_from, int.from_bytes
        for data, at, end in self._dump(1 << (_INFO - 1) if with_ages else 0):
            family, state, local_port, remote_port, local, remote, received, sent, inode = unpack(data, at)
            ages = _ages(data, at + MESSAGE.size, end) if with_ages and state == _ESTABLISHED else None
            ports = big(local_port, "big"), big(remote_port, "big")
            yield Row(family, state, *ports, local, remote, received, sent, inode, ages)

    def _dump(self, extensions: int = 0) -> Iterator[tuple[bytes, int, int]]:
        """Each socket's message: the datagram it is in, where its body begins, and where it ends."""
        body = _REQUEST.pack(0, 0, 0, extensions, bytes(48), _ALL_STATES, 0)
        self._sock.send(_HEADER.pack(_HEADER.size + len(body), _TCPDIAG_GETSOCK, _REQUEST_DUMP, 1, 0) + body)
        while True:
            data, offset = self._sock.recv(_BUFFER), 0
            while offset + _HEADER.size <= len(data):
                length, kind = _HEADER.unpack_from(data, offset)[:2]
                if kind == _NLMSG_DONE:
                    return
                if kind == _NLMSG_ERROR:
                    code = -struct.unpack_from("=i", data, offset + _HEADER.size)[0]
                    raise OSError(code, os.strerror(code))
                yield data, offset + _HEADER.size, offset + length
                offset += (length + 3) & ~3

    def close(self) -> None:
        """Leave the namespace to itself."""
        self._sock.close()


def _ages(data: bytes, at: int, end: int) -> Ages | None:
    """The ages among the attributes behind a message."""
    while at + _ATTRIBUTE.size <= end:
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        start = at + _ATTRIBUTE.size + _AGES_AT
        if kind == _INFO and start + _AGES.size <= min(end, at + length):
            return Ages(*_AGES.unpack_from(data, start))
        at += max(_ATTRIBUTE.size, (length + 3) & ~3)
    return None


def inside(path: str, act: Callable[[], T]) -> T:
    """What `act` gives in the network namespace at `path`. Raises OSError where that cannot be entered, or as `act`."""
    outcome: list[T] = []
    failure: list[OSError] = []

    # setns acts on one thread, so a thread that ends right afterwards does it and nothing has to be undone.
    def enter() -> None:
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                libc = ctypes.CDLL(None, use_errno=True)
                if libc.setns(fd, _CLONE_NEWNET) != 0:
                    code = ctypes.get_errno()
                    raise OSError(code, os.strerror(code), path)
                outcome.append(act())
            finally:
                os.close(fd)
        except OSError as error:
            failure.append(error)

    thread = threading.Thread(target=enter, name="mcptop-setns")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


def parse_table(*tables: bytes) -> Sockets:
    """The same count from the text of /proc/PID/net/tcp and tcp6."""
    resolver = f"{int.from_bytes(RESOLVER, 'little'):08X}:".encode()
    rows = ((int(fields[3], 16), fields[1]) for fields in _rows(tables))
    return count(Counter(state for state, local in rows if state != _LISTEN or not local.startswith(resolver)))


def _rows(tables: Iterable[bytes]) -> Iterator[list[bytes]]:
    for table in tables:
        for line in table.split(b"\n")[1:]:
            fields = line.split(None, 10)
            if len(fields) >= 5:
                yield fields
