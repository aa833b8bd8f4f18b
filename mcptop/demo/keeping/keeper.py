"""The demo's keeper: a process of its own that starts the stack and outlives its asker just long enough to stop it.

Run as `python -m mcptop.demo.keeping.keeper` with a plan as the first line of stdin. Whatever way the asker ends, the
kernel closes that pipe, and the keeper stops everything and removes its folder. It reports on stdout, one JSON object a
line.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from mcptop.demo.keeping.process_stack import ProcessStack
from mcptop.demo.plan import Plan
from mcptop.demo.stack import Stack, StackError
from mcptop.demo.workspace import Workspace, WorkspaceError, sweep

_CHECK_EVERY_S = 0.5
_PLAN_FILE = "plan.json"


def _tell(event: str, **more: Any) -> None:
    # The asker may be gone; that must not keep us from stopping.
    with contextlib.suppress(OSError):
        os.write(1, json.dumps({"event": event, **more}).encode() + b"\n")


def _make(plan: Plan, workspace: Workspace, asked: Callable[[], bool] = lambda: False) -> Stack:
    if plan.docker is None:
        return ProcessStack(plan, workspace)
    from mcptop.demo.containers.docker_stack import DockerStack

    return DockerStack(plan, workspace, asked)


def _clean(left: Workspace) -> None:
    """What a killed keeper left running: its processes ended with it, its containers did not."""
    with contextlib.suppress(OSError, msgspec.ValidationError, StackError):
        plan = msgspec.json.decode((left.path / _PLAN_FILE).read_bytes(), type=Plan)
        if plan.docker is not None:
            _make(plan, left).stop()


@contextlib.contextmanager
def _asked_to_stop() -> Iterator[int]:
    """A descriptor that becomes readable on SIGTERM, SIGINT or SIGHUP."""
    reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, lambda number, frame: None)
    yield reader


def _asked(stop: int, wait_s: float = 0.0) -> bool:
    """Whether our asker is gone or wants us to stop."""
    return bool(select.select([0, stop], [], [], wait_s)[0])


def _keep(stack: Stack, stop: int) -> None:
    while not _asked(stop, _CHECK_EVERY_S):
        for sentence in stack.check():
            _tell("notice", says=sentence)


def _end(stack: Stack) -> None:
    try:
        stack.stop()
    except StackError as problem:
        _tell("failed", says=str(problem))


def main() -> int:
    """Keep one demo. Exit code 0 after a demo that ran, 1 if it could not start or go on."""
    with _asked_to_stop() as stop:
        plan = msgspec.json.decode(sys.stdin.buffer.readline(), type=Plan)
        sweep(_clean)
        try:
            workspace = Workspace.create()
        except WorkspaceError as problem:
            _tell("failed", says=str(problem))
            return 1
        stack = _make(plan, workspace, lambda: _asked(stop))
        try:
            (workspace.path / _PLAN_FILE).write_bytes(msgspec.json.encode(plan))
            _tell("folder", path=str(workspace.path))
            _tell("ready", services=stack.start())
            _keep(stack, stop)
            return 0
        except (StackError, OSError) as problem:
            _tell("failed", says=str(problem))
            return 1
        finally:
            _end(stack)
            workspace.remove()
            _tell("stopped")


if __name__ == "__main__":
    sys.exit(main())
