"""A signal to a host process, and to no other one that got its pid."""

from __future__ import annotations

import os
import signal

from mcptop.actions.errors import ActionError
from mcptop.sources import process_files
from mcptop.sources.kept import contents


def send(pid: int, start_ticks: int, name: str) -> None:
    """Send the signal called `name` (without SIG) to the process that began at `start_ticks`. Raises `ActionError`.

    The descriptor is of one process for ever. It is taken first and the start compared then: were the pid given to
    another one in between, its start would be another one.
    """
    refuse(pid)
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        raise ActionError(f"process {pid} is gone") from None
    except OSError as error:
        raise ActionError(f"process {pid} cannot be held on to: {error.strerror}") from None
    try:
        _send(descriptor, pid, start_ticks, name)
    finally:
        os.close(descriptor)


def refuse(pid: int) -> None:
    """Raise `ActionError` for processes that nobody means."""
    if pid <= 1:
        raise ActionError("pid 1 keeps this machine or container up: it gets no signal from here")
    if pid == os.getpid():
        raise ActionError(f"process {pid} is mcptop itself")


def _send(descriptor: int, pid: int, start_ticks: int, name: str) -> None:
    # Of our own /proc, whatever tree is shown: the pid is looked up in our own namespace too.
    stat = process_files.process_stat(contents(f"/proc/{pid}/stat"))
    if stat is None:
        raise ActionError(f"process {pid} is gone")
    if stat.start_ticks != start_ticks:
        raise ActionError(f"pid {pid} is another process now: the one on the screen is gone")
    try:
        signal.pidfd_send_signal(descriptor, signal.Signals[f"SIG{name}"])
    except ProcessLookupError:
        raise ActionError(f"process {pid} is gone") from None
    except PermissionError:
        raise ActionError(
            f"not permitted: process {pid} is another user's; run mcptop as that user or as root"
        ) from None
