"""`netstat`: TCP connections by state and peer, as netstat lists them.

It tells how many connections wait to be accepted, but not how many may.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from msgspec import Struct

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.model.playbook import Safety
from mcptop.playbook.steps import connections, net_look
from mcptop.playbook.steps.base import Context, Raw, StepFailure
from mcptop.playbook.steps.connections import LISTEN, STATES, Socket, endpoint
from mcptop.playbook.steps.two_looks import Options, TwoLooks

# TCP, listeners too, numbers instead of names, with inodes, no address cut short.
_ARGV = ("netstat", "-t", "-a", "-n", "-e", "-W")


class Netstat(TwoLooks):
    """See the module."""

    name: ClassVar[str] = "netstat"
    says: ClassVar[str] = "listing its connections"
    safety: ClassVar[Safety] = Safety.PASSIVE
    alongside: ClassVar[bool] = False
    options: ClassVar[type[Struct]] = Options
    emits: ClassVar[Mapping[str, str]] = connections.EMITS

    def collect(self, context: Context, options: Options) -> Raw:
        """Run it twice, in the target's network namespace. Raises `StepFailure`."""
        return net_look.collect(
            context, options.over, lambda number: net_look.inside(context, f"netstat-{number}.txt", _ARGV)
        )

    def read(self, raw: Raw, options: Options, subject: Subject) -> dict[str, Any]:
        """Connections by state and peer, and what came. Raises `StepFailure`."""
        first, second = net_look.read(raw, parse)
        return connections.values(first, second)

    def summary(self, values: Mapping[str, Any]) -> str:
        """The states one asks for first."""
        return connections.summary(values)


def parse(data: bytes) -> list[Socket]:
    """The sockets. Raises `StepFailure` for a line it cannot make sense of."""
    lines = data.decode("utf-8", "replace").splitlines()
    if not any("Recv-Q" in line or line.startswith("tcp") for line in lines):
        raise StepFailure(StepStatus.PARSE_ERROR, "netstat: its output is not the expected one")
    return [_socket(line) for line in lines if line.startswith("tcp")]


def _socket(line: str) -> Socket:
    fields = line.split()
    try:
        state = STATES[fields[5]]
        (local, local_port), (remote, remote_port) = endpoint(fields[3]), endpoint(fields[4])
        inode = int(fields[7])
        depth = int(fields[1]) if state == LISTEN else 0
    except (IndexError, KeyError, ValueError):
        raise StepFailure(StepStatus.PARSE_ERROR, f"netstat: unexpected line `{line.strip()}`") from None
    return Socket(state, local, local_port, remote, remote_port, inode, depth)
