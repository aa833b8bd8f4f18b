"""`netstat`: TCP connections by state and peer, as netstat lists them.

It tells how many connections wait to be accepted, but not how many may.
"""

from __future__ import annotations

from typing import ClassVar

from mcptop.model.diagnosis import StepStatus
from mcptop.playbook.steps.base import StepFailure
from mcptop.playbook.steps.connections import LISTEN, STATES, Socket, endpoint
from mcptop.playbook.steps.listed import Listed

# TCP, listeners too, numbers instead of names, with inodes, no address cut short.
_ARGV = ("netstat", "-t", "-a", "-n", "-e", "-W")


class Netstat(Listed):
    """See the module."""

    name: ClassVar[str] = "netstat"
    argv: ClassVar[tuple[str, ...]] = _ARGV

    @staticmethod
    def parse(data: bytes) -> list[Socket]:
        """The sockets. Raises `StepFailure` for a line it cannot make sense of."""
        return parse(data)


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
