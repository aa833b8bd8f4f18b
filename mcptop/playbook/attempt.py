"""One attempt at one kind of step: it ends in time and in a status, whatever happens in it."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from typing import Any

from mcptop.model.diagnosis import Evidence, StepStatus
from mcptop.model.value import Value
from mcptop.playbook.steps.base import Context, Output, Raw, StepFailure, StepKind
from mcptop.sources.command import NICE
from mcptop.units import plain

_GRACE_S = 3.0
"""What a step may take to come back once it has to; then it is left behind."""
_POLL_S = 0.1


class Attempt(Value, frozen=True):
    """What came of it."""

    evidence: Evidence
    outputs: Raw
    cpu_s: float
    """Of the programs it ran."""


class _Outcome(threading.Thread):
    """The work itself, on a thread of its own: a file system or an engine that hangs must not hold up the rest."""

    def __init__(self, step: str, kind: StepKind, context: Context, options: Any) -> None:
        super().__init__(name=f"mcptop-step-{step}", daemon=True)
        self._kind, self._context, self._options = kind, context, options
        self.raw: tuple[Output, ...] = ()
        self.values: dict[str, Any] = {}
        self.status, self.says, self.applies = StepStatus.OK, "", True

    def run(self) -> None:
        with contextlib.suppress(OSError):
            # Of this thread alone: on a busy machine the target goes first.
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
        try:
            # What was collected is kept even when it cannot be read: a bundle shows it.
            self.raw = self._kind.collect(self._context, self._options)
            self.values = self._kind.read(self.raw, self._options, self._context.subject)
            self.says = self._kind.summary(self.values)
        except BaseException as error:
            self.values = {}
            self.status, self.says = _failure(error, self._kind, self._context)
            self.applies = not isinstance(error, StepFailure) or error.applies


def attempt(step: str, kind: StepKind, context: Context, options: Any) -> Attempt:
    """Collect and read. Comes back a little after the context's deadline, or after it was cancelled, at the latest."""
    began = time.monotonic()
    work = _Outcome(step, kind, context, options)
    work.start()
    is_over = _wait(work, context)
    duration_s = round(time.monotonic() - began, 3)
    if not is_over:
        why = "stopped by the user" if context.cancelled.is_set() else f"no end within {duration_s:.0f} s"
        late = Evidence(step, kind.name, StepStatus.TIMEOUT, f"{why}; it did not come back", duration_s=duration_s)
        return Attempt(late, (), context.cpu_s)
    evidence = Evidence(
        step=step,
        run=kind.name,
        status=work.status,
        message=work.says,
        values=work.values,
        provenance=tuple(output.provenance for output in work.raw),
        duration_s=duration_s,
        applies=work.applies,
    )
    return Attempt(evidence, work.raw, context.cpu_s)


def _wait(work: threading.Thread, context: Context) -> bool:
    """Whether it came back."""
    cancelled_at: float | None = None
    while work.is_alive():
        work.join(_POLL_S)
        now = time.monotonic()
        if cancelled_at is None and context.cancelled.is_set():
            cancelled_at = now
        if now > min(context.deadline, now if cancelled_at is None else cancelled_at) + _GRACE_S:
            return not work.is_alive()
    return True


def _failure(error: BaseException, kind: StepKind, context: Context) -> tuple[StepStatus, str]:
    match error:
        case StepFailure():
            return error.status, error.says
        case ProcessLookupError():
            return StepStatus.TARGET_GONE, "the target has ended"
        case FileNotFoundError() if _has_ended(context):
            return StepStatus.TARGET_GONE, "the target has ended"
        case FileNotFoundError():
            return StepStatus.NO_DATA, plain(str(error))
        case PermissionError():
            return StepStatus.PERMISSION_DENIED, plain(f"{error.filename or kind.name}: not allowed; run as root")
    # A defect in one step must not lose the others' evidence; it is in the report, where it will be seen.
    return StepStatus.PARSE_ERROR, plain(f"defect in mcptop: {type(error).__name__}: {error}")


def _has_ended(context: Context) -> bool:
    pid = context.subject.pid
    return pid is not None and not os.path.exists(f"{context.roots.procfs}/{pid}")
