"""What both py-spy steps share: whether it can be run at all, what its refusals mean, and the target's state after."""

from __future__ import annotations

import contextlib
import os
import re
import signal
from functools import lru_cache

from mcptop.model.diagnosis import StepStatus
from mcptop.playbook.steps.base import Context, Output, StepFailure
from mcptop.sources import command, process_files
from mcptop.sources.kept import contents

_REFUSALS = (
    (r"permission denied|operation not permitted|EPERM|ptrace", StepStatus.PERMISSION_DENIED,
     "may not read that process: run as root, or with CAP_SYS_PTRACE"),
    (r"no such process|failed to open process|process .* not running|check that the process is running",
     StepStatus.TARGET_GONE, "the target has ended"),
    (r"version.*not supported|unsupported version|unknown python version", StepStatus.NO_DATA,
     "this py-spy does not know the target's Python version"),
    (r"failed to find (a )?python|python interpreter|couldn't find|not a python", StepStatus.NO_DATA,
     "cannot find the interpreter: a build it does not know, or more threads than it can follow (about 4,000)"),
)  # fmt: skip
_STOPPED, _ENDED = ("T", "t"), (None, "Z", "X")


@lru_cache(maxsize=1)
def version() -> str | None:
    """Of the py-spy that is here; None without one."""
    try:
        done = command.run(["py-spy", "--version"], 5.0)
    except (command.NotFound, OSError):
        return None
    found = re.search(rb"\d+\.\d+\S*", done.output)
    return found[0].decode() if found else None


def run(context: Context, name: str, arguments: list[str], timeout_s: float) -> tuple[str, Output]:
    """Run py-spy on the target; its complaint and output. Raises `StepFailure`. Leaves no target stopped."""
    pid = context.pid
    if context.subject.python is False:
        raise StepFailure(StepStatus.NO_DATA, f"{context.subject.program or 'the target'} is not Python")
    before = state(context, pid)
    if before in _ENDED:
        raise _gone()
    if before in _STOPPED:
        raise StepFailure(StepStatus.NO_DATA, "the target is stopped (state T): its stacks do not move")
    try:
        complaint, output = context.run(
            name, ["py-spy", *arguments, "--nonblocking", "--pid", str(pid)], timeout_s, version=version()
        )
    finally:
        restore(context, pid)
    says = complaint.decode("utf-8", "replace")
    if output.provenance.exit_code:
        raise _gone() if state(context, pid) in _ENDED else _refused(says)
    return says, output


def state(context: Context, pid: int) -> str | None:
    """The letter of the target's state; None when it is gone."""
    stat = process_files.process_stat(contents(f"{context.roots.procfs}/{pid}/stat"))
    return stat.state if stat else None


def restore(context: Context, pid: int) -> None:
    """A target that runs before has to run after: py-spy has left some stopped when it was killed."""
    if state(context, pid) in _STOPPED:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGCONT)


def _gone() -> StepFailure:
    return StepFailure(StepStatus.TARGET_GONE, "the target has ended")


def _refused(says: str) -> StepFailure:
    for pattern, status, meaning in _REFUSALS:
        if re.search(pattern, says, re.IGNORECASE):
            return StepFailure(status, f"py-spy: {meaning}")
    lines = [line for line in says.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("Error")]
    return StepFailure(StepStatus.NO_DATA, f"py-spy failed: {(errors or lines or ['it said nothing'])[0]}")
