"""`proc-files`: open descriptors by kind, what is deleted and what grows, from /proc alone."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from mcptop.model.diagnosis import Subject
from mcptop.model.playbook import Safety
from mcptop.playbook.steps import open_files
from mcptop.playbook.steps.base import Context, Output, Raw, now, observed
from mcptop.playbook.steps.open_files import Look
from mcptop.playbook.steps.two_looks import Options, TwoLooks, twice


class ProcFiles(TwoLooks):
    """See the module."""

    name: ClassVar[str] = "proc-files"
    says: ClassVar[str] = "looking at its open files"
    safety: ClassVar[Safety] = Safety.PASSIVE
    alongside: ClassVar[bool] = False
    options: ClassVar[type[Struct]] = Options
    emits: ClassVar[Mapping[str, str]] = open_files.EMITS

    def collect(self, context: Context, options: Options) -> Raw:
        """Look twice. Raises `StepFailure`."""
        return twice(context, options.over, lambda number: descriptors(context, number))

    def read(self, raw: Raw, options: Options, subject: Subject) -> dict[str, Any]:
        """What is open, and what came."""
        before, after = (msgspec.json.decode(output.data, type=Look) for output in raw)
        return open_files.values(before, after)

    def summary(self, values: Mapping[str, Any]) -> str:
        """How many, and how near to the limit."""
        return open_files.summary(values)


def descriptors(context: Context, number: int) -> Output:
    """One look at all descriptors, with what only /proc knows: positions and limits. Raises `StepFailure`."""
    began, started_at = time.monotonic(), now()
    data = msgspec.json.encode(open_files.look(context, began))
    return observed(f"descriptors-{number}.json", "/proc/PID/fd", data, started_at, time.monotonic() - began)
