"""Counting sockets of real namespaces, both ways."""

import os
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from mcptop.sources.sock_diag import NetworkNamespace, parse_table

Grown = tuple[int, int, int]

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="entering a network namespace needs root")


@needs_root
@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_both_families_and_both_ways_agree(family: socket.AddressFamily, address: str) -> None:
    namespace = NetworkNamespace("/proc/self/ns/net")
    looks = [_grown(namespace, family, address) for _ in range(20)]  # others open and close theirs meanwhile
    namespace.close()
    assert ((2, 6, 1), (2, 6, 1)) in looks


def _grown(namespace: NetworkNamespace, family: socket.AddressFamily, address: str) -> tuple[Grown, Grown]:
    """By how many CLOSE_WAIT, ESTABLISHED and LISTEN grow with five clients of which two were left: by both ways."""
    with ExitStack() as opened:
        before = namespace.tcp()
        server = opened.enter_context(socket.create_server((address, 0), family=family))
        for at in range(5):
            opened.enter_context(socket.create_connection(server.getsockname()[:2]))
            taken = opened.enter_context(server.accept()[0])
            if at < 2:
                taken.close()
        now = namespace.tcp()
        text = parse_table(Path("/proc/self/net/tcp").read_bytes(), Path("/proc/self/net/tcp6").read_bytes())
        by_netlink, by_text = (
            (found.close_wait - before.close_wait, found.established - before.established, found.listen - before.listen)
            for found in (now, text)
        )
        return by_netlink, by_text


@needs_root
def test_a_namespace_that_is_not_there_says_so() -> None:
    with pytest.raises(OSError, match="No such file"):
        NetworkNamespace("/proc/self/ns/nonexistent")


def test_dockers_own_resolver_is_not_counted() -> None:
    header = b"  sl  local_address rem_address   st tx_queue\n"
    resolver = b"   0: 0B00007F:A0F1 00000000:0000 0A 00000000:00000000\n"
    own = b"   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000\n"
    assert parse_table(header + resolver + own).listen == 1
