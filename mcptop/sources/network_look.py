"""One look at a target's network namespace: who shares it, which sockets the target holds, what the kernel counts."""

from __future__ import annotations

import os
from collections.abc import Collection

from mcptop.sources import cgroup_paths
from mcptop.sources.kept import contents
from mcptop.sources.procfs import Roots
from mcptop.sources.sock_diag import NetworkNamespace, Row, inside
from mcptop.sources.tcp_view import rows_of_text

_PORT_RANGE = "sys/net/ipv4/ip_local_port_range"


def is_shared(roots: Roots, pid: int, pids: Collection[int]) -> bool:
    """Whether others than the target (its processes, its container) have sockets in the namespace too."""
    own = roots.network_of(str(pid))
    if own is None or own == roots.network_of(roots.host_process):
        return True
    container = _container(roots, pid)
    others = (int(name) for name in os.listdir(roots.procfs) if name.isdigit() and int(name) not in pids)
    inside_too = (other for other in others if roots.network_of(str(other)) == own)
    return any(container is None or _container(roots, other) != container for other in inside_too)


def is_elsewhere(roots: Roots, pid: int) -> bool:
    """Whether the namespace is not our own, so that programs have to be run inside it."""
    return roots.network_of(str(pid)) != roots.network_of("self")


def _container(roots: Roots, pid: int) -> str | None:
    text = contents(f"{roots.procfs}/{pid}/cgroup").decode("utf-8", "replace")
    return cgroup_paths.container_id_of(cgroup_paths.parse_membership(text))


def port_range(roots: Roots, pid: int) -> str:
    """`low high`: the ports that connections go out from; empty where the namespace cannot be entered."""
    if not is_elsewhere(roots, pid):
        return _read(roots)
    try:
        return inside(f"{roots.procfs}/{pid}/ns/net", lambda: _read(roots))
    except OSError:
        return ""


def _read(roots: Roots) -> str:
    return contents(f"{roots.procfs}/{_PORT_RANGE}").decode("ascii", "replace").strip()


def rows(roots: Roots, pid: int) -> list[Row]:
    """Every TCP socket of the namespace, listeners first: by netlink, or by the text that knows no backlogs."""
    base = f"{roots.procfs}/{pid}"
    try:
        namespace = NetworkNamespace(f"{base}/ns/net")
        try:
            return list(namespace.rows(with_ages=False))
        finally:
            namespace.close()
    except OSError:
        return rows_of_text(contents(f"{base}/net/tcp"), contents(f"{base}/net/tcp6"))


def counters(text: str, protocol: str) -> dict[str, int]:
    """What /proc/PID/net/snmp or netstat counts for `Tcp` or `TcpExt`: a line of names, and one of numbers.

    The whole word in front of the colon counts: `MPTcpExt` is another protocol.
    """
    lines = [line.split()[1:] for line in text.splitlines() if line.startswith(f"{protocol}:")]
    if len(lines) != 2:
        return {}
    return {name: int(number) for name, number in zip(*lines, strict=False) if number.lstrip("-").isdigit()}
