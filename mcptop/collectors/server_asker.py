"""Asks one server again and again, in a thread of its own."""

from __future__ import annotations

import threading
import time
from typing import Any, NamedTuple, Protocol

from mcptop.sources.server import ServerError

_SELDOM_S = 30.0
"""A server that fails is asked less and less often, but never less often than this."""


class Asked(Protocol):
    """A way to ask one server."""

    def look(self, container: str | None) -> Any:
        """One view; in this container where the server is asked inside one. Raises `ServerError`."""

    def close(self) -> None:
        """Give back what is held."""


class Outcome(NamedTuple):
    """How the last look ended: with a view, or with an error of one line."""

    view: Any
    read_at: float
    """Monotonic seconds."""
    error: str | None


def pause_s(every_s: float, failures: int) -> float:
    """Seconds until the next look after so many failures in a row."""
    return min(every_s * 2.0 ** min(failures, 10), max(every_s, _SELDOM_S))


class Asker(threading.Thread):
    """Asks again and again and keeps the newest outcome."""

    def __init__(self, title: str, asked: Asked, every_s: float) -> None:
        super().__init__(name=f"mcptop-{title}", daemon=True)
        self._asked = asked
        self._every_s = every_s
        self._ended = threading.Event()
        self._woken = threading.Event()
        self._failures = 0
        self._container: str | None = None
        self.since: float | None = None
        """When the look that is under way began."""
        self.outcome: Outcome | None = None

    def ask_in(self, container: str | None) -> None:
        """From now on look in this container, and soon if it is another one."""
        if container != self._container:
            self._container = container
            if self.is_alive():
                self._woken.set()

    def run(self) -> None:
        while not self._ended.is_set():
            self._look()
            self._woken.wait(pause_s(self._every_s, self._failures))
            self._woken.clear()
        self._asked.close()

    def _look(self) -> None:
        self.since = time.monotonic()
        try:
            view, error = self._asked.look(self._container), None
        except ServerError as failed:
            view, error = None, str(failed)
        except Exception as defect:
            # Of this server only; its message may hold anything, the address with the password too.
            view, error = None, f"defect in mcptop: {type(defect).__name__}"
        self._failures = 0 if error is None else self._failures + 1
        self.outcome = Outcome(view, time.monotonic(), error)
        self.since = None

    def end(self) -> None:
        """Have the thread close what it holds and end; one that is stuck in a call ends with the process."""
        self._ended.set()
        self._woken.set()
        if self.is_alive():
            self.join(timeout=0.5)
