"""What a follower of a log hands over: lines as they were written, marks between them, and the box they wait in.

The box is bounded. What is new drops what is old, and the box counts it: who reads it late misses lines, and knows
how many. Nothing is parsed before it is taken out, so a line that is dropped has cost next to nothing.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple, Protocol

from mcptop.model.value import Value

_MOST_MARKS = 20


class Stream(IntEnum):
    """Where a program wrote a line to; the numbers are the engine's."""

    OUT = 1
    ERR = 2


class Mark(NamedTuple):
    """Something that happened to the log between two lines."""

    at: float
    """Unix seconds."""
    says: str
    starts: bool = False
    """A run of the program begins here: what is older is of an earlier one."""


Raw = tuple[int, float | None, bytes]
"""Stream, Unix seconds (None: the line begins with the time), and the line as it was written."""


class LogError(Exception):
    """A log cannot be followed; one line: whose, why, what to do."""


class Window(Value, frozen=True):
    """How far back a log is read at first."""

    seconds: float | None = None
    """None: whatever the age."""
    lines: int = 20_000


class Follower(Protocol):
    """Puts the lines of one log into a box, on the thread that calls `follow`."""

    def follow(self, box: LogBox) -> None:
        """Until the log ends for ever, or `close`. Raises `LogError`."""

    def look_again(self) -> None:
        """Somebody saw the target restart: find out now. From any thread."""

    def close(self) -> None:
        """End `follow`; from any thread, also before it began."""


class Taken(NamedTuple):
    """What was in a box."""

    skipped: int
    """Lines that were dropped before the first of `items`."""
    uncounted: bool
    """More than these were left out, nobody knows how many."""
    items: list[Raw | Mark]


class LogBox:
    """Lines between a follower and its reader; both may call from any thread."""

    def __init__(self, lines: int = 500, size: int = 1 << 20) -> None:
        """At most `lines` lines and `size` bytes; of what may wait (`put_past`) four times as many lines."""
        self.lines, self.size = lines, size
        self._items: deque[Raw | Mark] = deque()
        self._marks: deque[Mark] = deque(maxlen=_MOST_MARKS)
        self._bytes = self._skipped = 0
        self._uncounted = self._closed = False
        self._changed = threading.Condition()

    def put(self, items: Iterable[Raw | Mark], skipped: int = 0, uncounted: bool = False) -> None:
        """Add what was written now, after `skipped` lines that are left out."""
        with self._changed:
            if skipped or uncounted:
                self._drop(len(self._items))
                self._skipped += skipped
                self._uncounted |= uncounted
            self._add(items)
            while len(self._items) > self.lines or self._bytes > self.size:
                self._drop(1)

    def put_past(self, items: Iterable[Raw | Mark]) -> None:
        """Add what was written before; waits for room, for nothing of it may be lost."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._has_room)
            self._add(items)

    def take(self) -> Taken:
        """All there is."""
        with self._changed:
            taken = Taken(self._skipped, self._uncounted, [*self._marks, *self._items])
            self._items.clear()
            self._marks.clear()
            self._bytes = self._skipped = 0
            self._uncounted = False
            self._changed.notify_all()
            return taken

    def close(self) -> None:
        """Nobody waits for room any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def _has_room(self) -> bool:
        return len(self._items) < 4 * self.lines and self._bytes < self.size

    def _add(self, items: Iterable[Raw | Mark]) -> None:
        for item in items:
            self._items.append(item)
            self._bytes += _size(item)

    def _drop(self, count: int) -> None:
        """The oldest lines. Marks stay, and tell by their time where they belong."""
        for _ in range(count):
            item = self._items.popleft()
            self._bytes -= _size(item)
            if isinstance(item, Mark):
                self._marks.append(item)
            else:
                self._skipped += 1


def _size(item: Raw | Mark) -> int:
    return 64 if isinstance(item, Mark) else 64 + len(item[2])
