"""`ss`: TCP connections by state and peer, and accept queues against their backlog, as ss lists them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from msgspec import Struct

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.model.playbook import Safety
from mcptop.playbook.steps import connections, net_look
from mcptop.playbook.steps.base import Context, Raw, StepFailure
from mcptop.playbook.steps.connections import LISTEN, STATES, Socket, endpoint
from mcptop.playbook.steps.two_looks import Options, TwoLooks

# TCP, listeners too, numbers instead of names, with inodes.
_ARGV = ("ss", "-t", "-a", "-n", "-e")
_INODE = re.compile(r"\bino:(\d+)")


class Ss(TwoLooks):
    """See the module."""

    name: ClassVar[str] = "ss"
    says: ClassVar[str] = "listing its connections"
    safety: ClassVar[Safety] = Safety.PASSIVE
    alongside: ClassVar[bool] = False
    options: ClassVar[type[Struct]] = Options
    emits: ClassVar[Mapping[str, str]] = connections.EMITS

    def collect(self, context: Context, options: Options) -> Raw:
        """Run it twice, in the target's network namespace. Raises `StepFailure`."""
        return net_look.collect(
            context, options.over, lambda number: net_look.inside(context, f"ss-{number}.txt", _ARGV)
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
