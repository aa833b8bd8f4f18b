"""The lines one wants to see, and those of them that were searched for; kept up with the book."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from mcptop.logs.book import LogBook, key_of
from mcptop.model.log import Entry, Key, Level, What
from mcptop.model.value import Value

FIRST: Key = (float("-inf"), 0)
LAST: Key = (float("inf"), 0)
AROUND = 3
"""Lines before and behind a hit."""


class Wanted(Value, frozen=True):
    """What is to be seen."""

    least: Level | None = None
    """At least so bad; from warnings on without lines that do not say."""
    instance: str | None = None
    """Of this one only."""
    words: str = ""
    """What is searched for: plain text, in which only a capital letter makes capitals count."""
    around: bool = False
    """Only what was found, with some lines before and behind."""


def found_in(words: str, text: str) -> bool:
    """Whether a line has what is searched for."""
    return words in text if words != words.lower() else words in text.lower()


class View:
    """`shown` and `hits` are in the book's order."""

    def __init__(self, book: LogBook, wanted: Wanted | None = None) -> None:
        self._book = book
        self.wanted = wanted or Wanted()
        self._passing: list[Entry] = []
        self._near: list[Entry] = []
        """The hits and the lines next to them; kept up while it is wanted."""
        self.shown: list[Entry] = []
        self.hits: list[Entry] = []

    def want(self, wanted: Wanted) -> None:
        """See something else."""
        self.wanted = wanted
        self._near.clear()
        self.follow(FIRST)

    def follow(self, since: Key) -> None:
        """The book changed from here on, and at its beginning."""
        lines, words = self._book.lines, self.wanted.words
        new = [entry for entry in lines[_at(lines, since) :] if self._passes(entry)]
        found = [entry for entry in new if entry.what is What.LINE and found_in(words, entry.text)] if words else []
        first = lines[0].key if lines else LAST
        for kept, more in ((self._passing, new), (self.hits, found)):
            kept[_at(kept, since) :] = more
            if kept and kept[0].key < first:
                del kept[: _at(kept, first)]
        is_narrow = bool(words) and self.wanted.around
        if is_narrow:
            self._follow_near(_at(self._passing, since))
        self.shown = self._near if is_narrow else self._passing

    def at(self, key: Key) -> int:
        """Index in `shown` of the line with this key, or of the next one if that is gone; the last at most."""
        return max(0, min(len(self.shown) - 1, _at(self.shown, key)))

    def hit_from(self, key: Key, by: int) -> Entry | None:
        """The next hit behind a line (1) or before it (-1), round the ends."""
        if not self.hits:
            return None
        at = bisect_right(self.hits, key, key=key_of) if by > 0 else _at(self.hits, key) - 1
        return self.hits[at % len(self.hits)]

    def hit_number(self, key: Key) -> int | None:
        """Which hit a line is, from 1; None if it is none."""
        at = _at(self.hits, key)
        return at + 1 if at < len(self.hits) and self.hits[at].key == key else None

    def _passes(self, entry: Entry) -> bool:
        wanted = self.wanted
        if wanted.instance is not None and entry.instance != wanted.instance:
            return False
        if wanted.least is None or entry.what is not What.LINE:
            return True
        return entry.level >= wanted.least if entry.level is not None else wanted.least <= Level.INFO

    def _follow_near(self, changed: int) -> None:
        """`_passing` is new from this index on, and at its beginning; a hit before it may have new lines behind it."""
        lines, near = self._passing, self._near
        if not self.hits or not lines:
            near.clear()
            return
        del near[: _at(near, lines[max(0, _at(lines, self.hits[0].key) - AROUND)].key)]
        done = max(0, changed - AROUND)
        del near[_at(near, lines[done].key) :]
        for hit in self.hits[_at(self.hits, lines[max(0, done - AROUND)].key) :]:
            at = _at(lines, hit.key)
            near += lines[max(done, at - AROUND) : at + AROUND + 1]
            done = max(done, at + AROUND + 1)


def _at(lines: list[Entry], key: Key) -> int:
    return bisect_left(lines, key, key=key_of)
