"""The lines that are kept: in the order of their times, and never more than a bound of lines and of bytes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from operator import attrgetter

from mcptop.model.log import Entry, Key, What

LINES, BYTES = 20_000, 8 << 20
key_of = attrgetter("key")


class LogBook:
    """Lines of any number of instances, merged by time."""

    def __init__(self, lines: int = LINES, size: int = BYTES) -> None:
        self._most, self._largest = lines, size
        self._size = 0
        self.lines: list[Entry] = []
        self.skipped = 0
        """Lines that were written and never came here, as far as they were counted."""
        self.uncounted = False
        """There were more."""
        self._began: dict[str, float] = {}

    def add(self, entries: Iterable[Entry]) -> Key | None:
        """Put lines where they belong and drop the oldest beyond the bounds; from where on `lines` is new."""
        new = sorted(entries, key=key_of)
        if not new:
            return None
        for entry in new:
            self._note(entry)
        first: Key = new[0].key
        at = len(self.lines)
        if self.lines and self.lines[-1].key > first:
            at = bisect_left(self.lines, first, key=key_of)
        self.lines[at:] = sorted(self.lines[at:] + new, key=key_of) if at < len(self.lines) else new
        self._trim()
        return first

    def is_old(self, entry: Entry) -> bool:
        """Whether it is of an earlier run of its instance."""
        return entry.at < self._began.get(entry.instance, 0.0)

    def group(self, entry: Entry) -> list[Entry]:
        """The line with all that continues it, or that it continues."""
        return [each for each in self.lines if each.head == entry.head]

    def _note(self, entry: Entry) -> None:
        self._size += entry.size
        if entry.what is What.SKIPPED:
            self.skipped += entry.count
            self.uncounted |= not entry.count
        elif entry.what is What.START:
            self._began[entry.instance] = max(entry.at, self._began.get(entry.instance, 0.0))

    def _trim(self) -> None:
        drop = max(0, len(self.lines) - self._most)
        self._size -= sum(entry.size for entry in self.lines[:drop])
        while self._size > self._largest and drop < len(self.lines):
            self._size -= self.lines[drop].size
            drop += 1
        del self.lines[:drop]
