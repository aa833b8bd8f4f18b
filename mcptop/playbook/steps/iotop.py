"""`iotop`: what the target reads from and writes to disks, and the share of the time it waits for them.

Since Linux 5.14 the kernel counts waiting only where kernel.task_delayacct is 1, and what it does not count iotop
shows as nothing at all: there, zeros are no evidence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.model.playbook import Safety
from mcptop.playbook.steps.base import Context, Raw, Seconds, StepFailure, now, observed
from mcptop.playbook.steps.series import rounded
from mcptop.playbook.steps.tool_version import version
from mcptop.playbook.steps.two_looks import is_gone, pids_of
from mcptop.sources.kept import contents
from mcptop.units import long_size

_ROW = re.compile(
    r"^\s*(?:\d\d:\d\d:\d\d\s+)?(\d+)\s+\S+\s+\S+\s+([\d.]+)\s+K/s\s+([\d.]+)\s+K/s\s+"
    r"(?:[\d.]+\s*%\s+([\d.]+)\s*%|\S+\s)"
)
_HEAD = re.compile(r"^(?:\d\d:\d\d:\d\d\s+)?\s*Total DISK READ", re.MULTILINE)


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """How long."""

    watch_for: Seconds = msgspec.field(name="for", default=Seconds(3))


class Iotop:
    """See the module."""

    name: ClassVar[str] = "iotop"
    says: ClassVar[str] = "watching its disk I/O"
    safety: ClassVar[Safety] = Safety.PASSIVE
    alongside: ClassVar[bool] = False
    options: ClassVar[type[Struct]] = Options
    emits: ClassVar[Mapping[str, str]] = {
        "read_bytes_per_s": "from disks, all its processes", "write_bytes_per_s": "towards disks",
        "io_share": "share of the time its busiest process waited for them; unknown where the kernel does not count",
    }  # fmt: skip

    def expected_s(self, options: Options) -> float:
        """Its first look is the start of the second."""
        return options.watch_for + 1.0

    def collect(self, context: Context, options: Options) -> Raw:
        """Run it for two looks. Raises `StepFailure`."""
        pids = [word for pid in pids_of(context) for word in ("-p", str(pid))]
        # Batch mode, two looks, whole processes, one unit.
        argv = ["iotop", "-b", "-n", "2", "-d", f"{options.watch_for:g}", "-P", "-k", *pids]
        complaint, output = context.run("iotop.txt", argv, options.watch_for + 15.0, version=version("iotop"))
        says = complaint.decode("utf-8", "replace")
        if output.provenance.exit_code:
            denied = any(word in says for word in ("permitted", "root privileges", "NET_ADMIN"))
            if denied:
                raise StepFailure(StepStatus.PERMISSION_DENIED, "iotop: run as root, or with CAP_NET_ADMIN")
            lines = says.strip().splitlines()
            raise StepFailure(StepStatus.NO_DATA, f"iotop failed: {lines[-1] if lines else 'it said nothing'}")
        if is_gone(context):
            raise StepFailure(StepStatus.TARGET_GONE, "the target has ended")
        counts = contents(f"{context.roots.procfs}/sys/kernel/task_delayacct").strip()
        return (output, observed("task_delayacct", "/proc/sys/kernel/task_delayacct", counts, now(), 0.0))

    def read(self, raw: Raw, options: Options, subject: Subject) -> dict[str, Any]:
        """The second look's figures. Raises `StepFailure`."""
        text = raw[0].data.decode("utf-8", "replace")
        looks = _HEAD.split(text)[1:]
        if len(looks) < 2:
            raise StepFailure(StepStatus.PARSE_ERROR, "iotop: its output is not the expected one")
        rows = {row[1]: row for line in looks[-1].splitlines() if (row := _ROW.match(line))}
        if not rows:
            raise StepFailure(StepStatus.NO_DATA, "iotop does not list the target")
        read, written = (sum(float(row[at]) for row in rows.values()) * 1024 for at in (2, 3))
        shares = [float(row[4]) / 100 for row in rows.values() if row[4] is not None]
        # Before 5.14 there was no such switch: the kernel counted.
        counts = raw[1].data != b"0"
        if not counts and not read and not written:
            raise StepFailure(
                StepStatus.NO_DATA, "iotop shows zeros, and kernel.task_delayacct is 0: sysctl kernel.task_delayacct=1"
            )
        return {
            "read_bytes_per_s": rounded(read),
            "write_bytes_per_s": rounded(written),
            "io_share": rounded(max(shares)) if shares and counts else None,
        }

    def summary(self, values: Mapping[str, Any]) -> str:
        """Both ways."""
        return f"reads {long_size(values['read_bytes_per_s'])}/s, writes {long_size(values['write_bytes_per_s'])}/s"
