"""A signal to a host process, and to no other one that got its pid."""

from __future__ import annotations

import os
import signal

from mcptop.actions.errors import ActionError
from mcptop.model.closeup import ProcessKey
from mcptop.sources.process_handle import open_process
from mcptop.sources.procfs import Roots


def send(roots: Roots, process: ProcessKey, name: str) -> None:
    """Send it the signal called `name` (without SIG); `roots` has the /proc it was seen in. Raises `ActionError`."""
    pid = process.pid
    refuse(pid)
    try:
        handle = open_process(roots, process)
    except ProcessLookupError:
        raise ActionError(f"process {pid} is gone: if its pid is used, then by another one") from None
    except OSError as error:
        raise ActionError(f"process {pid} cannot be held on to: {error.strerror or error}") from None
    try:
        signal.pidfd_send_signal(handle, signal.Signals[f"SIG{name}"])
    except ProcessLookupError:
        raise ActionError(f"process {pid} is gone") from None
    except PermissionError:
        raise ActionError(
            f"not permitted: process {pid} is another user's; run mcptop as that user or as root"
        ) from None
    finally:
        os.close(handle)


def refuse(pid: int) -> None:
    """Raise `ActionError` for processes that nobody means."""
    if pid <= 1:
        raise ActionError("pid 1 keeps this machine or container up: it gets no signal from here")
    if pid == os.getpid():
        raise ActionError(f"process {pid} is mcptop itself")
