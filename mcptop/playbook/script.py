"""A script of the user's own as the target: started for the diagnosis, ended with it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time

from mcptop.model.playbook import Step
from mcptop.playbook.subjects import NoSubject

_SETTLE_S = 0.3
_GRACE_S = 2.0
_PROFILE_S = "20s"

_PROFILERS = {
    "memory": (("lines", "memory-profiler"), ("allocations", "memray")),
    "cpu": (("functions", "cprofile"),),
}
"""Focus of a playbook -> the steps, by id and kind, that run the script once more under a profiler."""


class Script:
    """One run of it, in a process group of its own; its output goes nowhere."""

    def __init__(self, path: str) -> None:
        """Starts it. Raises `NoSubject` when it ends at once."""
        self._process = subprocess.Popen(
            [sys.executable, path],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(_SETTLE_S)
        if self._process.poll() is not None:
            raise NoSubject(f"{path}: ended at once, with exit code {self._process.returncode}; nothing to watch")

    @property
    def pid(self) -> int:
        """Of its first process."""
        return self._process.pid

    def stop(self) -> None:
        """End it and whatever it started."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE_S)
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def profilers(focus: str, path: str) -> tuple[Step, ...]:
    """The steps that profile the script. Raises `NoSubject` for a playbook no profiler is for."""
    if focus not in _PROFILERS:
        known = ", ".join(sorted(_PROFILERS))
        raise NoSubject(f"--script: no profiler looks at {focus}; playbooks about {known} have some")
    options = {"script": path, "for": _PROFILE_S}
    return tuple(Step(id, kind, options) for id, kind in _PROFILERS[focus])
