"""Counting sockets of real namespaces, both ways."""

import os
import socket
from pathlib import Path

import pytest

from mcptop.sources.sock_diag import NetworkNamespace, parse_table

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="entering a network namespace needs root")


@needs_root
@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_both_families_and_both_ways_agree(family: socket.AddressFamily, address: str) -> None:
    namespace = NetworkNamespace("/proc/self/ns/net")
    before = namespace.tcp()
    with socket.create_server((address, 0), family=family) as server:
        clients = [socket.create_connection(server.getsockname()[:2]) for _ in range(5)]
        accepted = [server.accept()[0] for _ in clients]
        accepted[0].close()
        accepted[1].close()
        now = namespace.tcp()
        text = parse_table(Path("/proc/self/net/tcp").read_bytes(), Path("/proc/self/net/tcp6").read_bytes())
        for found in (now, text):
            assert found.close_wait - before.close_wait == 2
            assert found.established - before.established == 6
            assert found.listen - before.listen == 1
        for sock in clients + accepted:
            sock.close()
    namespace.close()


@needs_root
def test_a_namespace_that_is_not_there_says_so() -> None:
    with pytest.raises(OSError, match="No such file"):
        NetworkNamespace("/proc/self/ns/nonexistent")


def test_dockers_own_resolver_is_not_counted() -> None:
    header = b"  sl  local_address rem_address   st tx_queue\n"
    resolver = b"   0: 0B00007F:A0F1 00000000:0000 0A 00000000:00000000\n"
    own = b"   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000\n"
    assert parse_table(header + resolver + own).listen == 1
