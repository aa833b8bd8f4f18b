"""What a dashboard knows of being visited through a browser: whose it is, and that it ends with that."""

from __future__ import annotations

import ctypes
import os
import signal

SERVED = "MCPTOP_SERVED"
"""In the environment of such a dashboard: the process id of the server."""
_PR_SET_PDEATHSIG = 1


def is_visit() -> bool:
    """Whether the reader sits at a browser, and is nobody to write files on this machine for."""
    return bool(os.environ.get(SERVED))


def end_with_server() -> None:
    """Let this process be ended when the server is gone, however it went: nobody would read what is drawn."""
    if not is_visit():
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if str(os.getppid()) != os.environ[SERVED]:  # gone already
        signal.raise_signal(signal.SIGTERM)
