"""How `netstat`, `ss` and `proc-net` look at a target's network namespace; how each lists the sockets is its own."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence

import msgspec

from mcptop.model.diagnosis import StepStatus
from mcptop.playbook.steps.base import Context, Output, Raw, StepFailure, now, observed
from mcptop.playbook.steps.connections import LISTEN, NetLook, Peer, Socket
from mcptop.playbook.steps.tool_version import version
from mcptop.playbook.steps.two_looks import living, of_each, pids_of
from mcptop.sources import command, network_look
from mcptop.sources.kept import contents
from mcptop.sources.network_space import socket_inodes
from mcptop.sources.sock_diag import Row
from mcptop.sources.tcp_view import address

List = Callable[[int], Output]
"""Lists all sockets of the namespace, as look number 1 or 2."""
_GLANCE_S = 0.2
_SHARE = 10
"""A glance at the peers may take a tenth of the time until the next."""
_DENIED = (b"permission denied", b"operation not permitted")


def collect(context: Context, over: float, listing: List) -> Raw:
    """Two looks: each a list of sockets, and what the kernel says beside it. Raises `StepFailure`."""
    began = time.monotonic()
    shared = network_look.is_shared(context.roots, living(context), pids_of(context))
    looks = [_look(context, 1, shared, frozenset(), listing)]
    peers = _watch(context, shared, over - (time.monotonic() - began))
    looks.append(_look(context, 2, shared, peers, listing))
    return tuple(output for look in looks for output in look)


def read(raw: Raw, parse: Callable[[bytes], list[Socket]]) -> list[tuple[NetLook, Sequence[Socket]]]:
    """Both looks again."""
    known = [output for output in raw if output.name.startswith("net-")]
    listed = [output for output in raw if output not in known]
    return [
        (msgspec.json.decode(look.data, type=NetLook), parse(sockets.data))
        for look, sockets in zip(known, listed, strict=True)
    ]


def _look(context: Context, number: int, shared: bool, peers: frozenset[Peer], listing: List) -> tuple[Output, Output]:
    began, started_at = time.monotonic(), now()
    inodes = _held(context) if shared else frozenset()
    sockets = listing(number)
    pid = living(context)
    net = f"{context.roots.procfs}/{pid}/net"
    look = NetLook(
        at=began,
        shared=shared,
        inodes=inodes,
        peers=peers,
        snmp=contents(f"{net}/snmp").decode("ascii", "replace"),
        netstat=contents(f"{net}/netstat").decode("ascii", "replace"),
        port_range=network_look.port_range(context.roots, pid),
    )
    if not look.snmp:
        raise StepFailure(StepStatus.TARGET_GONE, "the target has ended")
    data = msgspec.json.encode(look)
    return observed(f"net-{number}.json", "/proc/PID/net", data, started_at, time.monotonic() - began), sockets


def _held(context: Context) -> frozenset[int]:
    found = of_each(context, lambda pid: socket_inodes(f"{context.roots.procfs}/{pid}/fd"))
    return frozenset(inode for inodes in found.values() for inode in inodes)


def _watch(context: Context, shared: bool, seconds: float) -> frozenset[Peer]:
    """Wait. In a shared namespace, notice meanwhile whom the target is connected to, however shortly.

    What such connections leave behind (TIME_WAIT) belongs to nobody; by its peers it is known whose it was.
    """
    end = time.monotonic() + seconds
    seen: set[Peer] = set()
    took = 0.0
    while context.pause(max(0.0, min(end - time.monotonic(), max(_GLANCE_S, _SHARE * took)))):
        if time.monotonic() >= end:
            break
        if shared:
            began = time.monotonic()
            # One that ends meanwhile is told by the look that follows.
            with contextlib.suppress(StepFailure):
                seen |= _peers(network_look.rows(context.roots, living(context)), _held(context))
            took = time.monotonic() - began
    return frozenset(seen)


def _peers(rows: Iterable[Row], held: frozenset[int]) -> set[Peer]:
    own = [row for row in rows if row.inode in held]
    ports = {row.local_port for row in own if row.state == LISTEN}
    return {
        (address(row.family, row.remote), row.remote_port)
        for row in own
        if row.state != LISTEN and row.local_port not in ports
    }


def sockets_of(rows: Iterable[Row]) -> list[Socket]:
    """Rows of the kernel as sockets."""
    return [
        Socket(
            row.state,
            address(row.family, row.local),
            row.local_port,
            address(row.family, row.remote),
            row.remote_port,
            row.inode,
            row.receive_queue,
            row.send_queue if row.state == LISTEN else None,
        )
        for row in rows
    ]


def inside(context: Context, name: str, argv: Sequence[str]) -> Output:
    """Run a program of this machine in the target's network namespace. Raises `StepFailure`."""
    program = command.path_of(argv[0])
    if program is None:
        raise StepFailure(StepStatus.TOOL_MISSING, f"there is no program {argv[0]}")
    pid, words, namespace = living(context), list(argv), None
    if network_look.is_elsewhere(context.roots, pid):
        words = ["nsenter", f"--net={context.roots.procfs}/{pid}/ns/net", program, *argv[1:]]
        namespace = f"net of pid {pid}"
    complaint, output = context.run(name, words, 20.0, namespace=namespace, version=version(argv[0]))
    if not output.provenance.exit_code:
        return output
    if any(word in complaint.lower() for word in _DENIED):
        raise StepFailure(StepStatus.PERMISSION_DENIED, f"the network namespace of {pid}: run as root")
    if b"No such file" in complaint and words[0] == "nsenter":
        raise StepFailure(StepStatus.TARGET_GONE, "the target has ended")
    lines = complaint.decode("utf-8", "replace").strip().splitlines()
    raise StepFailure(StepStatus.NO_DATA, f"{argv[0]} failed: {lines[-1] if lines else 'it said nothing'}")
