"""The filter line: words and comparisons such as `api cpu>50 mem%>80 !state=running (service=ui | service=db)`.

Parts stand side by side when all must hold; `or` or `|` between them means either. What cannot be read as a
comparison is a word, and a note says so: nothing that is typed is ever an error.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from difflib import get_close_matches
from math import isclose

from msgspec import Struct

from mcptop.presentation import filter_fields as fields
from mcptop.presentation.figures import Figures

MOST = 2000
"""Letters that are read; more is nothing one types."""
DEEPEST = 20
"""Brackets inside brackets that are read."""
_Holds = Callable[[float, float], bool]
_OPERATORS: dict[str, _Holds] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_EQUAL = ("=", "==", "!=")
_TOKEN = re.compile(r'[()|]|(?:[^\s()|"]|"[^"]*(?:"|$))+')
_COMPARISON = re.compile(r"([^\s!<>=\"]+)(!=|>=|<=|==|=|>|<)(.*)", re.DOTALL)
_QUOTES = str.maketrans("", "", '"')

Answer = bool | None
"""None: the row does not say. Such a row is not shown, and not by the opposite either."""


class Subject(Struct, frozen=True, eq=False):
    """What one row offers to the filter."""

    names: str
    """All its names in lower case, one a line."""
    figures: Figures
    words: dict[str, str]
    """In lower case; what is absent or empty is unknown."""
    at: datetime | None = None
    """Time of the frame."""


_Check = Callable[[Subject], Answer]


class Note(Struct, frozen=True):
    """A part of the line that was read otherwise than it looks."""

    start: int
    end: int
    says: str


class Filter(Struct, frozen=True, eq=False):
    """A filter line, read."""

    text: str = ""
    check: _Check | None = None
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

    def whole(self) -> _Check | None:
        """All of it; a bracket too many closes nothing."""
        parts = []
        while self._next < len(self._tokens):
            parts.append(self._either())
            self._next += 1
        return _all(parts)

    def _either(self) -> _Check | None:
        """Alternatives, up to the bracket that closes them; a side that is not typed yet is none."""
        ways: list[_Check | None] = []
        parts: list[_Check | None] = []
        while self._next < len(self._tokens) and self._tokens[self._next][0] != ")":
            token, start = self._tokens[self._next]
            self._next += 1
            if token == "|" or token.lower() == "or":
                ways.append(_all(parts))
                parts = []
            elif token.lower() != "and":
                parts.append(self._part(token, start))
        return _any([*ways, _all(parts)])

    def _part(self, token: str, start: int) -> _Check | None:
        bare = token.lstrip("!")
        if not bare and self._next < len(self._tokens) and self._tokens[self._next][0] == "(":
            token, bare = token + "(", "("
            self._next += 1
        check = self._brackets() if bare == "(" else self._simple(bare, start + len(token) - len(bare))
        return _opposite(check) if (len(token) - len(bare)) % 2 else check

    def _brackets(self) -> _Check | None:
        if self._depth >= DEEPEST:
            return None
        self._depth += 1
        check = self._either()
        self._depth -= 1
        self._next += 1
        return check

    def _simple(self, part: str, start: int) -> _Check | None:
        """A comparison, or a word; nothing where the value is still to be typed."""
        lower = part.lower()
        match = _COMPARISON.fullmatch(lower)
        if match is None:
            return _level(operator.ge, fields.LEVELS["warning"]) if lower == "problem" else _word(lower)
        name, sign, wanted = match.groups()
        name, wanted = fields.SAME.get(name, name), wanted.translate(_QUOTES)
        if name not in fields.NAMES:
            self._note(part, start, f"no field `{name[:20]}`{_nearest(name)}; read as text")
            return _word(lower)
        if not wanted:
            self._note(part, start, f"`{name}{sign}` waits for a value")
            return None
        check = _comparison(name, sign, wanted)
        if check is None:
            self._note(part, start, f"`{name}` wants {_expected(name)}; read as text")
            return _word(lower)
        return check

    def _note(self, part: str, start: int, says: str) -> None:
        self.notes.append(Note(start, start + len(part), says))


def _nearest(name: str) -> str:
    near = get_close_matches(name[:20], fields.NAMES, 1)
    return f" ({near[0]}?)" if near else ""


def _expected(name: str) -> str:
    if name in fields.NUMBERS:
        return fields.NUMBERS[name].measure.says
    return " ".join(fields.LEVELS) if name == fields.LEVEL else "= or !="


def _comparison(name: str, sign: str, wanted: str) -> _Check | None:
    """None where this field has no such value."""
    if name == fields.LEVEL:
        rank = fields.level(wanted)
        return None if rank is None else _level(_holds(sign, 0.0), rank)
    field = fields.NUMBERS.get(name)
    value = fields.number(wanted, field.measure) if field is not None else None
    if field is not None and value is not None:
        return _number(field, sign, value)
    if name in fields.WORDS and sign in _EQUAL:
        check = _named(name, fields.ALIASES.get((name, wanted), wanted), whole=sign == "==")
        return _opposite(check) if sign == "!=" else check
    return None


def _holds(sign: str, near: float) -> _Holds:
    if sign not in _EQUAL:
        return _OPERATORS[sign]
    wants_equal = sign != "!="
    return lambda value, wanted: isclose(value, wanted, abs_tol=near) is wants_equal


def _number(field: fields.Field, sign: str, wanted: float) -> _Check:
    holds = _holds(sign, field.measure.near)

    def check(subject: Subject) -> Answer:
        value = field.value(subject.figures, subject.at)
        return None if value is None else holds(value, wanted)

    return check


def _level(holds: _Holds, wanted: float) -> _Check:
    def check(subject: Subject) -> Answer:
        rank = fields.LEVELS.get(subject.words.get(fields.LEVEL, ""))
        return None if rank is None else holds(rank, wanted)

    return check


def _named(name: str, wanted: str, whole: bool) -> _Check:
    def check(subject: Subject) -> Answer:
        value = subject.words.get(name)
        if not value:
            return None
        if whole:
            return wanted in value.split("\n")
        return value.startswith(wanted) if name in fields.BEGIN else wanted in value

    return check


def _word(part: str) -> _Check | None:
    text = part.translate(_QUOTES)
    return (lambda subject: text in subject.names) if text else None


def _opposite(check: _Check | None) -> _Check | None:
    if check is None:
        return None
    return lambda subject: None if (answer := check(subject)) is None else not answer


def _all(parts: Iterable[_Check | None]) -> _Check | None:
    checks = tuple(part for part in parts if part is not None)
    if len(checks) < 2:
        return checks[0] if checks else None

    def check(subject: Subject) -> Answer:
        answer: Answer = True
        for part in checks:
            found = part(subject)
            if found is False:
                return False
            answer = None if found is None else answer
        return answer

    return check


def _any(ways: Iterable[_Check | None]) -> _Check | None:
    checks = tuple(way for way in ways if way is not None)
    if len(checks) < 2:
        return checks[0] if checks else None

    def check(subject: Subject) -> Answer:
        answer: Answer = False
        for way in checks:
            found = way(subject)
            if found:
                return True
            answer = None if found is None else answer
        return answer

    return check


def completion(text: str) -> str | None:
    """The line with the name of a field that its last part begins; None where there is none."""
    last = next(reversed([match[0] for match in _TOKEN.finditer(text[:MOST])]), "").lower().lstrip("!")
    if len(last) < 2 or not text.lower().endswith(last):
        return None
    found = next((name for name in fields.NAMES if name.startswith(last) and name != last), None)
    return None if found is None else text + found[len(last) :]
