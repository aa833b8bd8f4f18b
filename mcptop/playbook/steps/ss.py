"""`ss`: TCP connections by state and peer, and accept queues against their backlog, as ss lists them."""

from __future__ import annotations

import re
from typing import ClassVar

from mcptop.model.diagnosis import StepStatus
from mcptop.playbook.steps.base import StepFailure
from mcptop.playbook.steps.connections import LISTEN, STATES, Socket, endpoint
from mcptop.playbook.steps.listed import Listed

# TCP, listeners too, numbers instead of names, with inodes.
_ARGV = ("ss", "-t", "-a", "-n", "-e")
_INODE = re.compile(r"\bino:(\d+)")


class Ss(Listed):
    """See the module."""

    name: ClassVar[str] = "ss"
    argv: ClassVar[tuple[str, ...]] = _ARGV

    @staticmethod
    def parse(data: bytes) -> list[Socket]:
        """The sockets. Raises `StepFailure` for a line it cannot make sense of."""
        return parse(data)


def parse(data: bytes) -> list[Socket]:
    """The sockets. Raises `StepFailure` for a line it cannot make sense of."""
    lines = data.decode("utf-8", "replace").splitlines()
    if not lines or "Recv-Q" not in lines[0]:
        raise StepFailure(StepStatus.PARSE_ERROR, "ss: its output is not the expected one")
    # Some columns depend on the version and the options; the state is where its heading says.
    column = lines[0].split().index("State") if "State" in lines[0] else 0
    # Lines that are indented go on about the socket above.
    return [_socket(line, column) for line in lines[1:] if line.strip() and not line[0].isspace()]


def _socket(line: str, column: int) -> Socket:
    fields = line.split()[column:]
    try:
        state = STATES[fields[0].replace("-", "_")]
        (local, local_port), (remote, remote_port) = endpoint(fields[3]), endpoint(fields[4])
        depth, backlog = (int(fields[1]), int(fields[2])) if state == LISTEN else (0, None)
    except (IndexError, KeyError, ValueError):
        raise StepFailure(StepStatus.PARSE_ERROR, f"ss: unexpected line `{line.strip()}`") from None
    inode = _INODE.search(line)
    # Those nobody holds have none.
    return Socket(state, local, local_port, remote, remote_port, int(inode[1]) if inode else 0, depth, backlog)
