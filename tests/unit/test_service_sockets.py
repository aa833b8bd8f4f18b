"""Sockets of host processes that announce themselves: a real process, real sockets, both ways to read them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from mcptop.collectors.base import Tick
from mcptop.collectors.processes import ProcessCollector
from mcptop.collectors.service_sockets import ServiceSocketCollector
from mcptop.model.instance import Sockets
from mcptop.sources.address_book import AddressBook
from mcptop.sources.kept import contents
from mcptop.sources.process_table import ProcessTable
from mcptop.sources.procfs import Roots
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
    processes, sockets = ProcessCollector(roots, table), ServiceSocketCollector(roots, table, AddressBook())
    sockets._refused = refused
    try:
        targets = processes.collect(Tick(1, 0.0)).targets
        found = sockets.collect(Tick(1, 0.0)).sockets
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


def test_a_host_without_named_services_costs_nothing() -> None:
    roots = Roots("/proc", "/sys")
    collector = ServiceSocketCollector(roots, ProcessTable(roots), AddressBook())
    assert collector.collect(Tick(1, 0.0)).sockets == {}
    assert collector._diag is None
