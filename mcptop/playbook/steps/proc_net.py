"""`proc-net`: TCP connections by state and peer, and accept queues against their backlog, from the kernel itself.

By netlink; where the namespace may not be entered by the text of /proc/PID/net, which knows no backlogs.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from mcptop.model.diagnosis import Subject
from mcptop.model.playbook import Safety
from mcptop.playbook.steps import connections, net_look
from mcptop.playbook.steps.base import Context, Output, Raw, now, observed
from mcptop.playbook.steps.connections import Socket
from mcptop.playbook.steps.two_looks import Options, TwoLooks, living
from mcptop.sources import network_look


class ProcNet(TwoLooks):
    """See the module."""

    name: ClassVar[str] = "proc-net"
    says: ClassVar[str] = "looking at its connections"
    safety: ClassVar[Safety] = Safety.PASSIVE
    alongside: ClassVar[bool] = False
    options: ClassVar[type[Struct]] = Options
    emits: ClassVar[Mapping[str, str]] = connections.EMITS

    def collect(self, context: Context, options: Options) -> Raw:
        """Look twice. Raises `StepFailure`."""
        return net_look.collect(context, options.over, lambda number: _sockets(context, number))

    def read(self, raw: Raw, options: Options, subject: Subject) -> dict[str, Any]:
        """Connections by state and peer, and what came."""
        first, second = net_look.read(raw, lambda data: msgspec.json.decode(data, type=list[Socket]))
        return connections.values(first, second)

    def summary(self, values: Mapping[str, Any]) -> str:
        """The states one asks for first."""
        return connections.summary(values)


def _sockets(context: Context, number: int) -> Output:
    began, started_at = time.monotonic(), now()
    pid = living(context)
    found = net_look.sockets_of(network_look.rows(context.roots, pid))
    data = msgspec.json.encode(found)
    namespace = f"net of pid {pid}"
    return observed(f"sockets-{number}.json", "sock_diag", data, started_at, time.monotonic() - began,
                    namespace=namespace)  # fmt: skip
