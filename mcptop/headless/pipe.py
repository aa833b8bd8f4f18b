"""Commands whose reader may go away."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from mcptop.exit_status import ExitStatus


def guard_pipe(run: Callable[[], ExitStatus]) -> ExitStatus:
    """Run a command; a reader that closed the pipe has seen enough, and that is no error."""
    try:
        return run()
    except BrokenPipeError:
        # Python flushes stdout once more at exit; give it somewhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitStatus.OK
