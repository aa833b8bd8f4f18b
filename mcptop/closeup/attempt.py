"""One look on a thread of its own, so that one that hangs holds up nothing but itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from mcptop.model.closeup import Closeup


class Attempt:
    """Begins at once, and calls `notice` from its own thread when it is over."""

    def __init__(self, look: Callable[[], Closeup], notice: Callable[[], None]) -> None:
        self._look = look
        self._notice = notice
        self.is_over = False
        self._began = time.monotonic()
        self.closeup: Closeup | None = None
        self.failure = ""
        """Why there is no closeup, of one that raised."""
        self.took_s = 0.0
        self.cpu_s = 0.0
        """What the thread computed."""
        threading.Thread(target=self._run, name="mcptop-look", daemon=True).start()

    def _run(self) -> None:
        try:
            self.closeup = self._look()
        except Exception as error:
            # A defect in one reader must not end the looking; it is on screen, where it will be seen.
            self.failure = f"{type(error).__name__}: {error}"
        self.took_s, self.cpu_s = self.age_s(), time.thread_time()
        self.is_over = True
        self._notice()

    def age_s(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began
