"""From what a follower handed over to lines: their times, their parts put together, and what continues what."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mcptop.logs import text
from mcptop.model.log import Entry, Level, What
from mcptop.sources.log_box import Mark, Raw, Taken
from mcptop.sources.log_stamps import leading, nanoseconds

_TRACEBACK = "Traceback (most recent call last)"
_LINKS = re.compile(
    r"The above exception was|During handling of the above|Caused by: |goroutine \d+ \[|stack backtrace:"
    r"|(?:.{0,80}\] )?(?:DETAIL|HINT|STATEMENT|CONTEXT|QUERY|LOCATION):  "
)
_RAISED = re.compile(r"[A-Za-z_][\w.]*(: |:?\Z)")
"""The last line of a traceback: which exception, and what it says."""


class _Group:
    """What the last line of one stream was, for those that continue it."""

    __slots__ = ("in_traceback", "level", "number")

    def __init__(self) -> None:
        self.number = -1
        self.level: Level | None = None
        self.in_traceback = False

    def continues(self, line: str) -> bool:
        """Whether the line belongs to what is there; remembers where it stands in a traceback."""
        if _TRACEBACK in line[:100]:
            self.in_traceback = True
            return (self.level or Level.DEBUG) >= Level.ERROR
        if self.number < 0:
            return False
        if not line or line[0].isspace():
            return True
        if self.in_traceback and _RAISED.match(line[:200]):
            self.in_traceback = False
            return True
        return _LINKS.match(line) is not None


class LogReader:
    """Makes the lines of one instance; `numbers` counts for all."""

    def __init__(self, instance: str, numbers: Iterator[int]) -> None:
        self._instance, self._numbers = instance, numbers
        self._groups: dict[int, _Group] = {}
        self._parts: dict[int, tuple[float, bytes, int]] = {}
        self._last = 0.0

    def read(self, taken: Taken, now: float) -> list[Entry]:
        """The lines of what was taken, at this time (Unix seconds)."""
        found: list[Entry] = []
        if taken.skipped or taken.uncounted:
            self._parts.clear()
            self._groups.clear()
            found.append(self._skipped(taken, now))
        for item in taken.items:
            if isinstance(item, Mark):
                found += [*self._unfinished(), self._mark(item)]
            elif (entry := self._entry(item, now)) is not None:
                found.append(entry)
        return found

    def note(self, says: str, now: float) -> Entry:
        """A mark of our own: why there is nothing to read."""
        return self._mark(Mark(now, says))

    def _mark(self, mark: Mark) -> Entry:
        number = next(self._numbers)
        what = What.START if mark.starts else What.MARK
        return Entry(number, mark.at, self._instance, text.harmless(mark.says), what=what, head=number)

    def _skipped(self, taken: Taken, now: float) -> Entry:
        number = next(self._numbers)
        first = next((item for item in taken.items if not isinstance(item, Mark)), None)
        at = now if first is None else self._timed(first, now)[0]
        count = 0 if taken.uncounted else taken.skipped
        return Entry(number, at, self._instance, "", what=What.SKIPPED, head=number, count=count)

    def _entry(self, raw: Raw, now: float) -> Entry | None:
        at, line = self._timed(raw, now)
        self._last = at
        whole = self._whole(raw[0], at, line)
        if whole is None:
            return None
        return self._line(raw[0], *whole)

    def _unfinished(self) -> list[Entry]:
        """The last words of a program that ended before it ended its line."""
        parts, self._parts = self._parts, {}
        return [self._line(stream, *part) for stream, part in parts.items()]

    def _line(self, stream: int, at: float, line: bytes, lost: int) -> Entry:
        said, number = text.said(line, lost), next(self._numbers)
        group = self._groups.setdefault(stream, _Group())
        if said.raw is None and group.continues(said.text):
            return Entry(number, at, self._instance, said.text, group.level, head=group.number)
        group.number, group.level = number, said.level
        group.in_traceback = group.in_traceback and said.text.startswith(_TRACEBACK)
        return Entry(number, at, self._instance, said.text, said.level, head=number, raw=said.raw)

    def _timed(self, raw: Raw, now: float) -> tuple[float, bytes]:
        """Its time, and the line without what only tells that."""
        _, at, line = raw
        if at is None:
            stamp, _, rest = line.partition(b" ")
            nanos = nanoseconds(stamp)
            return (self._last or now, line) if nanos is None else (nanos / 10**9, rest)
        if at > now - 1:
            return at, line
        # Of what was there before, lines tell their times; those that do not belong to the one before.
        own = leading(line[:40])
        return (self._last or at) if own is None else min(own, at), line

    def _whole(self, stream: int, at: float, line: bytes) -> tuple[float, bytes, int] | None:
        """The line with the parts before it, and how many bytes of it are lost; None while more will come."""
        began, before, lost = self._parts.pop(stream, (at, b"", 0))
        ended = line.endswith(b"\n")
        line = before + line.rstrip(b"\r\n") if ended else before + line
        if len(line) > text.LONGEST:
            line, lost = line[: text.LONGEST], lost + len(line) - text.LONGEST
        if ended:
            return began, line, lost
        self._parts[stream] = began, line, lost
        return None
