"""A shell in a container, by the real docker program."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Callable

from mcptop.actions import commands
from mcptop.model.action import Action

_ENGINE_FAILED = 125
_NO_PROGRAM = (126, 127)


def missing(action: Action, which: Callable[[str], str | None] = shutil.which) -> str:
    """Why no shell can be opened from here, in one line; empty where one can."""
    if which("docker") is not None:
        return ""
    return f"there is no docker program on PATH; elsewhere: {commands.shown(commands.argv(action, action.targets[0]))}"


def enter(action: Action) -> tuple[bool, str]:
    """Run it in the foreground of this terminal until it ends; whether there was one, and what came of it."""
    try:
        code = subprocess.call(commands.argv(action, action.targets[0], by_id=True))
    except OSError as error:
        return False, f"docker cannot be run: {error.strerror}"
    if code < 0:
        return False, f"the docker program was ended by {signal.Signals(-code).name}"
    if code == _ENGINE_FAILED:
        return False, "docker could not open it: exit code 125"
    if code in _NO_PROGRAM:
        return False, f"exit code {code}: its last command, or the container has no sh"
    return True, f"exit code {code}"
