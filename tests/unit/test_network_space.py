"""Sockets of those who share a network namespace: real processes, real sockets, both ways to read them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from mcptop.collectors.base import Tick
from mcptop.collectors.processes import ProcessCollector
from mcptop.collectors.sockets import SocketCollector
from mcptop.model.instance import Sockets
from mcptop.model.snapshot import Target
from mcptop.model.value import Kind
from mcptop.sources.address_book import AddressBook
from mcptop.sources.kept import contents
from mcptop.sources.network_space import NetworkSpace
from mcptop.sources.process_table import ProcessTable
from mcptop.sources.procfs import Roots, sockets_in_use
from mcptop.sources.sock_diag import NetworkNamespace
from mcptop.sources.tcp_view import look, rows_of_text

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="entering a network namespace needs root")

# A listener, three connections to itself held at both ends, and two whose other end was closed.
_HOLDS_SOCKETS = """
import socket
listener = socket.create_server(("127.0.0.1", 0))
held = []
for number in range(5):
    held.append(socket.create_connection(listener.getsockname()))
    other = listener.accept()[0]
    if number < 3:
        held.append(other)
    else:
        other.shutdown(socket.SHUT_WR)
        other.close()
        assert held[-1].recv(1) == b""
print("ready", flush=True)
input()
"""


@pytest.fixture
def service() -> Iterator[int]:
    """The process id of a host process that holds known sockets and announces itself."""
    environment = {**os.environ, "MCPTOP_PROJECT": "test-sockets", "MCPTOP_SERVICE": "holder"}
    words = [sys.executable, "-c", _HOLDS_SOCKETS]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process.pid
        process.kill()


def counted(pid: int, refused: bool) -> Sockets:
    """What the collector says about the process."""
    roots = Roots("/proc", "/sys")
    table = ProcessTable(roots)
    processes, sockets = ProcessCollector(roots, table), SocketCollector(roots, table, AddressBook())
    try:
        targets = processes.collect(Tick(1, 0.0)).targets
        sockets._refresh()
        sockets._turns[sockets._host].space.refused = refused
        found = sockets.collect(Tick(1, 0.0, targets)).sockets
        return found[next(target.id for target in targets if target.pid == pid)]
    finally:
        sockets.close()
        processes.close()


@pytest.mark.parametrize(
    "refused", [pytest.param(False, marks=needs_root, id="netlink"), pytest.param(True, id="text")]
)
def test_counts_the_sockets_a_service_holds(service: int, refused: bool) -> None:
    found = counted(service, refused)
    assert (found.listen, found.established, found.close_wait, found.time_wait) == (1, 6, 2, 0)


@needs_root
def test_both_ways_agree(service: int) -> None:
    base = f"/proc/{service}/net"
    namespace = NetworkNamespace(f"/proc/{service}/ns/net")
    try:
        held = {int(os.readlink(f"/proc/{service}/fd/{fd}").strip("socket:[]")): "it" for fd in range(3, 12)}
        by_netlink = look(namespace.rows(with_ages=False), held)["it"]
    finally:
        namespace.close()
    by_text = look(rows_of_text(contents(f"{base}/tcp"), contents(f"{base}/tcp6")), held)["it"]
    assert sum(by_netlink.states.values()) == len(held)
    assert by_netlink.states == by_text.states
    assert by_netlink.links == by_text.links
    assert by_netlink.listeners.keys() == by_text.listeners.keys()


def test_orphans_elsewhere_are_no_sockets_of_this_namespace() -> None:
    sockstat = b"sockets: used 3\nTCP: inuse 2 orphan 5 tw 1 alloc 9 mem 287\nUDP: inuse 4 mem 0\n"
    assert sockets_in_use(sockstat) == 3
    assert sockets_in_use(b"TCP6: inuse 7\nUDP6: inuse 1\n") == 7


@needs_root
def test_of_a_host_without_named_services_the_sockets_are_counted_and_no_descriptor_read(monkeypatch: Any) -> None:
    roots = Roots("/proc", "/sys")
    monkeypatch.setattr("mcptop.sources.network_space.socket_inodes", lambda directory: pytest.fail("it was read"))
    collector = SocketCollector(roots, ProcessTable(roots), AddressBook())
    found = collector.collect(Tick(1, 0.0))
    collector.close()
    assert found.sockets == {}
    assert found.host_sockets is not None


@pytest.fixture
def namespace() -> Iterator[tuple[int, int]]:
    """Two processes in a network namespace of their own: a server on port 8000, and who connects to it twice."""
    ours = [sys.executable, "-c", _SERVES]
    with subprocess.Popen(ours, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        words = ["nsenter", "-t", str(server.pid), "-n", sys.executable, "-c", _CONNECTS]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
            assert client.stdout is not None
            assert client.stdout.readline() == b"ready\n"
            yield server.pid, client.pid
            client.kill()
        server.kill()


_SERVES = """
import ctypes, fcntl, socket, struct
assert ctypes.CDLL(None).unshare(0x40000000) == 0
up = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
fcntl.ioctl(up, 0x8914, struct.pack("16sH22x", b"lo", 0x1 | 0x40))
server = socket.create_server(("127.0.0.1", 8000))
print("ready", flush=True)
held = [server.accept() for _ in range(2)]
input()
"""
_CONNECTS = """
import socket
held = [socket.create_connection(("127.0.0.1", 8000)) for _ in range(2)]
print("ready", flush=True)
input()
"""


@needs_root
@pytest.mark.parametrize("refused", [False, True], ids=["netlink", "text"])
def test_two_containers_that_share_a_namespace_have_their_own_sockets_and_know_each_other(
    namespace: tuple[int, int], refused: bool
) -> None:
    members = {name: [SimpleNamespace(pid=pid)] for name, pid in zip(("app", "sidecar"), namespace, strict=True)}
    table: Any = SimpleNamespace(version=1, containers=lambda: members, named=frozenset(), trees={})
    targets = tuple(Target(id=name, name=name, kind=Kind.CONTAINER, project=None, service=name) for name in members)
    collector = SocketCollector(Roots(), table, AddressBook())
    collector._refresh()
    for turn in collector._turns.values():
        turn.space.refused = refused
    try:
        found = collector.collect(Tick(1, 0.0, targets))
    finally:
        collector.close()
    assert (found.sockets["app"].listen, found.sockets["app"].established) == (1, 2)
    assert (found.sockets["sidecar"].listen, found.sockets["sidecar"].established) == (0, 2)
    (pool,) = found.flows["sidecar"].pools
    assert (pool.name, pool.open) == ("app", 2)
    assert found.flows["app"].pools == ()
    assert [queue.name for queue in found.flows["app"].queues] == [":8000"]


@needs_root
def test_whose_descriptors_may_not_be_read_is_unknown_and_not_without_sockets(
    namespace: tuple[int, int], monkeypatch: Any
) -> None:
    def links(directory: str) -> list[int]:
        raise PermissionError(directory)

    monkeypatch.setattr("mcptop.sources.network_space.socket_inodes", links)
    space = NetworkSpace("/proc", str(namespace[0]), live=True, is_host=False)
    space.hold({"app": [namespace[0]], "sidecar": [namespace[1]]})
    space.look()
    space.close()
    assert space.views == {}
    assert space.sockets is not None
    assert space.sockets.established == 4


@needs_root
def test_what_stands_still_is_looked_at_less_often_and_what_is_empty_is_not(
    namespace: tuple[int, int], monkeypatch: Any
) -> None:
    with subprocess.Popen(["unshare", "--net", "cat"], stdin=subprocess.PIPE) as alone:
        main = Roots().network_of("self")
        ends = time.monotonic() + 20
        while Roots().network_of(str(alone.pid)) == main:
            assert time.monotonic() < ends, "it did not leave our namespace"
        pids = {"still": [SimpleNamespace(pid=namespace[0])], "empty": [SimpleNamespace(pid=alone.pid)]}
        table: Any = SimpleNamespace(version=1, containers=lambda: pids, named=frozenset(), trees={})
        collector = SocketCollector(Roots(), table, AddressBook())
        looks: Counter[str] = Counter()
        look_now = NetworkSpace.look
        monkeypatch.setattr(NetworkSpace, "look", lambda space: looks.update(list(space._holders)) or look_now(space))
        for number in range(1, 101):
            collector.collect(Tick(number, float(number)))
        collector.close()
        alone.communicate()
    assert looks["empty"] >= 19
    assert looks["still"] <= 12
