"""A shell in a container, by the real docker program: which one there is, and the way in."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Callable

from msgspec.structs import replace

from mcptop.actions import commands
from mcptop.actions.errors import ActionError
from mcptop.model.action import Action

_ASK_S = 10.0
_ENGINE_FAILED = 125
_NO_PROGRAM = (126, 127)

Which = Callable[[str], str | None]


def find(action: Action, which: Which = shutil.which) -> Action:
    """The action with bash where the container has it, else sh. Raises `ActionError` without a docker program."""
    plain_shell = replace(action, argv=("sh",))
    if which("docker") is None:
        command = commands.shown(commands.argv(plain_shell, action.targets[0]))
        raise ActionError(f"there is no docker program on PATH; elsewhere: {command}")
    asked = [word for word in _argv(replace(action, argv=("bash", "--version"))) if word != "-it"]
    try:
        done = subprocess.run(asked, stdin=subprocess.DEVNULL, capture_output=True, timeout=_ASK_S)
    except (OSError, subprocess.TimeoutExpired):
        return plain_shell
    return replace(action, argv=("bash",)) if done.returncode == 0 else plain_shell


def enter(action: Action) -> tuple[bool, str]:
    """Run it in the foreground of this terminal until it ends; whether there was one, and what came of it."""
    try:
        code = subprocess.call(_argv(action))
    except OSError as error:
        return False, f"docker cannot be run: {error.strerror}"
    if code < 0:
        return False, f"the docker program was ended by {signal.Signals(-code).name}"
    if code == _ENGINE_FAILED:
        return False, "docker could not open it: exit code 125"
    if code in _NO_PROGRAM:
        return False, f"exit code {code}: its last command, or the container has no {action.argv[0]}"
    return True, f"exit code {code}"


def _argv(action: Action) -> list[str]:
    return list(commands.argv(action, action.targets[0]))
