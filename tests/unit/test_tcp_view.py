"""Sockets by peer: the rule for requests under way on recorded ages, and real sockets both ways."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from mcptop.sources.sock_diag import Ages, NetworkNamespace, Row
from mcptop.sources.tcp_view import TIME_WAIT, is_busy, look, rows_of_text

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="entering a network namespace needs root")


@pytest.mark.parametrize(
    ("ages", "busy"),
    [
        (Ages(2992, 4992, 2948), True),  # waits for a reply: we spoke last
        (Ages(4992, 4992, 4992), False),  # idle in its pool
        (Ages(4996, 4996, 4996), False),  # never used
        (Ages(4992, 4992, 4948), True),  # Parse and Execute in one step of the clock, then a bare ACK
        (Ages(4992, 4992, 20), False),  # a keep-alive probe was acknowledged much later
        (Ages(4992, 4990, 4990), False),  # answered within the step
        (Ages(100, 98, 98), False),
        (Ages(4990, 4992, 4990), False),  # 2 ms are less than a step
    ],
)
def test_what_waits_for_an_answer(ages: Ages, busy: bool) -> None:
    assert is_busy(ages) is busy


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, list[socket.socket], list[socket.socket], ExitStack]]:
    """A listener with a backlog of 3, three clients, and their accepted ends."""
    with ExitStack() as held:
        server = held.enter_context(socket.create_server(("127.0.0.1", 0), backlog=3))
        clients = [held.enter_context(socket.create_connection(server.getsockname())) for _ in range(3)]
        accepted = [held.enter_context(server.accept()[0]) for _ in clients]
        yield server, clients, accepted, held


def until(check: Callable[[], bool]) -> None:
    """Wait for the kernel, but not for ever."""
    ends = time.monotonic() + 20
    while not check():
        assert time.monotonic() < ends, "it did not happen"


def inodes(*sockets: socket.socket) -> dict[int, str]:
    """Their inodes, all of one owner."""
    return {os.fstat(sock.fileno()).st_ino: "it" for sock in sockets}


@needs_root
def test_a_request_is_under_way_until_it_is_answered(pair) -> None:
    server, clients, accepted, _ = pair
    peer = server.getsockname()
    namespace = NetworkNamespace("/proc/self/ns/net")

    def link():
        return look(namespace.rows(with_ages=True), inodes(server, *clients, *accepted))["it"].links[peer]

    def youngest_ms():
        ours = {client.getsockname()[1] for client in clients}
        rows = [row for row in namespace.rows(with_ages=True) if row.local_port in ours and row.ages is not None]
        return min(row.ages.received for row in rows)

    assert (link().established, link().busy) == (3, 0)
    # The ages move in steps: what is sent within the step in which the connection was made cannot be told from that.
    until(lambda: youngest_ms() >= 10)
    for client in clients[:2]:
        client.sendall(b"question")
    until(lambda: link().busy == 2)
    assert link().longest_s is not None
    for end in accepted[:2]:
        end.recv(8)
        end.sendall(b"answer")
    until(lambda: not link().busy)
    namespace.close()


@needs_root
def test_what_nobody_accepted_waits_at_the_listener_and_nowhere_else(pair) -> None:
    server, _, _, held = pair
    for _ in range(2):
        held.enter_context(socket.create_connection(server.getsockname()))
    namespace = NetworkNamespace("/proc/self/ns/net")
    port = server.getsockname()[1]
    by_netlink = look(namespace.rows(with_ages=False))[""]
    base = Path("/proc/self/net")
    by_text = look(rows_of_text((base / "tcp").read_bytes(), (base / "tcp6").read_bytes()))[""]
    assert (by_netlink.listeners[port].depth, by_netlink.listeners[port].backlog) == (2, 3)
    assert (by_text.listeners[port].depth, by_text.listeners[port].backlog) == (2, None)
    assert by_netlink.links[server.getsockname()].established == 5
    assert by_text.links[server.getsockname()].established == 5
    assert by_netlink.links[server.getsockname()].busy is None
    namespace.close()


@needs_root
def test_both_ends_of_a_closing(pair) -> None:
    server, clients, accepted, _ = pair
    accepted[0].close()
    namespace = NetworkNamespace("/proc/self/ns/net")
    view = look(namespace.rows(with_ages=True), inodes(server, *clients))["it"]
    assert view.links[server.getsockname()].close_wait == 1
    assert view.links[server.getsockname()].established == 2
    namespace.close()


def test_mapped_addresses_are_those_of_ipv4() -> None:
    mapped = bytes(10) + b"\xff\xff" + bytes((10, 0, 0, 7))
    row = Row(socket.AF_INET6, TIME_WAIT, 40000, 5432, mapped, mapped, 0, 0, 0)
    assert list(look([row])[""].links) == [("10.0.0.7", 5432)]


def test_what_no_owner_holds_is_nobodys() -> None:
    row = Row(socket.AF_INET, TIME_WAIT, 40000, 5432, bytes(16), bytes(16), 0, 0, 0)
    assert look([row], {5: "it"}) == {}
