"""A follower of a log on a thread, and what it has handed over so far."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from mcptop.sources.log_box import Follower, LogBox, LogError, Mark


class Following:
    """Lines without their times, and marks, in the order they came; `skipped` of them were not handed over."""

    def __init__(self, follower: Follower, lines: int = 100_000) -> None:
        self.follower, self.box = follower, LogBox(lines, 1 << 30)
        self.lines: list[tuple[int, bytes]] = []
        self.marks: list[Mark] = []
        self.skipped = 0
        self.uncounted = False
        self.error: LogError | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> Following:
        return self

    def __exit__(self, *_: object) -> None:
        self.follower.close()
        self.box.close()
        self._thread.join(10)
        assert not self._thread.is_alive(), "a closed follower ends"

    def _run(self) -> None:
        try:
            self.follower.follow(self.box)
        except LogError as error:
            self.error = error

    def until(self, seen: Callable[[Following], object], seconds: float = 30.0) -> None:
        """Wait until that holds."""
        limit = time.monotonic() + seconds
        while self.look() and not seen(self):
            assert time.monotonic() < limit, ([line[-80:] for _, line in self.lines[-5:]], self.marks, self.error)
            self._thread.join(0.01)

    def look(self) -> bool:
        """Take what there is."""
        taken = self.box.take()
        self.skipped += taken.skipped
        self.uncounted |= taken.uncounted
        for item in taken.items:
            if isinstance(item, Mark):
                self.marks.append(item)
            else:
                stream, at, line = item
                self.lines.append((stream, line if at is not None else line.partition(b" ")[2]))
        return True

    @property
    def text(self) -> bytes:
        """All lines."""
        return b"".join(line for _, line in self.lines)

    @property
    def said(self) -> list[str]:
        """What the marks say."""
        return [mark.says for mark in self.marks]

    @property
    def ended(self) -> bool:
        """Whether the follower ended by itself."""
        return not self._thread.is_alive()
