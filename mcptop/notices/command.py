"""A notice as a program of the user's: the alert on stdin and in variables, no shell, gone when its time is over."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from mcptop.notices.notice import Notice
from mcptop.sources import command
from mcptop.units import plain


class Command:
    """Runs `argv` for each notice."""

    def __init__(self, argv: Sequence[str], timeout_s: float, environment: Mapping[str, str]) -> None:
        """`environment` is what it gets beside the alert's variables."""
        self._argv = argv
        self._timeout_s = timeout_s
        self._environment = environment
        self.name = f"command {plain(argv[0], 60)}"

    def deliver(self, notice: Notice, over: threading.Event) -> str | None:
        """What went wrong, in one line; None: nothing."""
        environment = {**self._environment, **notice.variables}
        try:
            done = command.run(self._argv, self._timeout_s, over, given=notice.json, environment=environment)
        except command.NotFound:
            return f"{self.name}: not found"
        except (OSError, ValueError) as error:
            return f"{self.name}: cannot be started ({getattr(error, 'strerror', None) or type(error).__name__})"
        if done.timed_out and over.is_set():
            return f"{self.name}: was stopped before its end, as mcptop ended"
        if done.timed_out:
            return f"{self.name}: took longer than {self._timeout_s:g}s, and was stopped"
        return f"{self.name}: ended with code {done.exit_code}" if done.exit_code else None
