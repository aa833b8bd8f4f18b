"""The filter line: words and comparisons such as `api cpu>50 mem%>80 !state=running (service=ui | service=db)`.

Parts stand side by side when all must hold; `or` or `|` between them means either. What cannot be read as a
comparison is a word, and a note says so: nothing that is typed is ever an error.
"""

from __future__ import annotations

import re
from difflib import get_close_matches

from msgspec import Struct

from mcptop.presentation import filter_checks as checks
from mcptop.presentation import filter_fields as fields
from mcptop.presentation.filter_checks import Check
from mcptop.presentation.filter_checks import Subject as Subject

MOST = 2000
"""Letters that are read; more is nothing one types."""
DEEPEST = 20
"""Brackets inside brackets that are read."""
_TOKEN = re.compile(r'[()|]|(?:[^\s()|"]|"[^"]*(?:"|$))+')
_COMPARISON = re.compile(r"([^\s!<>=\"]+)(!=|>=|<=|==|=|>|<)(.*)", re.DOTALL)
_QUOTES = str.maketrans("", "", '"')


class Note(Struct, frozen=True):
    """A part of the line that was read otherwise than it looks."""

    start: int
    end: int
    says: str


class Filter(Struct, frozen=True, eq=False):
    """A filter line, read."""

    text: str = ""
    check: Check | None = None
    notes: tuple[Note, ...] = ()

    def __bool__(self) -> bool:
        """Whether it leaves anything out."""
        return self.check is not None

    def passes(self, subject: Subject) -> bool:
        """Whether the row stays."""
        return self.check is None or self.check(subject) is True


NOTHING = Filter()


def parse(text: str) -> Filter:
    """Any text is a filter."""
    reader = _Reader([(match[0], match.start()) for match in _TOKEN.finditer(text[:MOST])])
    return Filter(text, reader.whole(), tuple(reader.notes))


class _Reader:
    """Reads tokens from left to right, once."""

    def __init__(self, tokens: list[tuple[str, int]]) -> None:
        self._tokens, self._next, self._depth = tokens, 0, 0
        self.notes: list[Note] = []

    def whole(self) -> Check | None:
        """All of it; a bracket too many closes nothing."""
        parts = []
        while self._next < len(self._tokens):
            parts.append(self._either())
            self._next += 1
        return checks.all_of(parts)

    def _either(self) -> Check | None:
        """Alternatives, up to the bracket that closes them; a side that is not typed yet is none."""
        ways: list[Check | None] = []
        parts: list[Check | None] = []
        while self._next < len(self._tokens) and self._tokens[self._next][0] != ")":
            token, start = self._tokens[self._next]
            self._next += 1
            if token == "|" or token.lower() == "or":
                ways.append(checks.all_of(parts))
                parts = []
            elif token.lower() != "and":
                parts.append(self._part(token, start))
        return checks.any_of([*ways, checks.all_of(parts)])

    def _part(self, token: str, start: int) -> Check | None:
        bare = token.lstrip("!")
        if not bare and self._next < len(self._tokens) and self._tokens[self._next][0] == "(":
            token, bare = token + "(", "("
            self._next += 1
        check = self._brackets() if bare == "(" else self._simple(bare, start + len(token) - len(bare))
        return checks.opposite(check) if (len(token) - len(bare)) % 2 else check

    def _brackets(self) -> Check | None:
        if self._depth >= DEEPEST:
            return None
        self._depth += 1
        check = self._either()
        self._depth -= 1
        self._next += 1
        return check

    def _simple(self, part: str, start: int) -> Check | None:
        """A comparison, or a word; nothing where the value is still to be typed."""
        lower = part.lower()
        match = _COMPARISON.fullmatch(lower)
        if match is None:
            return checks.problem() if lower == "problem" else _text(lower)
        name, sign, wanted = match.groups()
        name, wanted = fields.SAME.get(name, name), wanted.translate(_QUOTES)
        if name not in fields.NAMES:
            self._note(part, start, f"no field `{name[:20]}`{_nearest(name)}; read as text")
            return _text(lower)
        if not wanted:
            self._note(part, start, f"`{name}{sign}` waits for a value")
            return None
        check = checks.comparison(name, sign, wanted)
        if check is None:
            self._note(part, start, f"`{name}` wants {_expected(name)}; read as text")
            return _text(lower)
        return check

    def _note(self, part: str, start: int, says: str) -> None:
        self.notes.append(Note(start, start + len(part), says))


def _text(part: str) -> Check | None:
    text = part.translate(_QUOTES)
    return checks.word(text) if text else None


def _nearest(name: str) -> str:
    near = get_close_matches(name[:20], fields.NAMES, 1)
    return f" ({near[0]}?)" if near else ""


def _expected(name: str) -> str:
    if name in fields.NUMBERS:
        return fields.NUMBERS[name].measure.says
    return " ".join(fields.LEVELS) if name == fields.LEVEL else "= or !="


def completion(text: str) -> str | None:
    """The line with the name of a field that its last part begins; None where there is none."""
    last = next(reversed([match[0] for match in _TOKEN.finditer(text[:MOST])]), "").lower().lstrip("!")
    if len(last) < 2 or not text.lower().endswith(last):
        return None
    found = next((name for name in fields.NAMES if name.startswith(last) and name != last), None)
    return None if found is None else text + found[len(last) :]
