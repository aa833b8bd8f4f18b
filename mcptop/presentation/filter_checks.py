"""What the parts of a filter ask a row: comparisons, words, and these joined and turned round.

A row that does not know answers neither a question nor its opposite.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from datetime import datetime
from math import isclose

from msgspec import Struct

from mcptop.presentation import filter_fields as fields
from mcptop.presentation.figures import Figures

_Holds = Callable[[float, float], bool]
_OPERATORS: dict[str, _Holds] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_EQUAL = ("=", "==", "!=")

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


Check = Callable[[Subject], Answer]


def comparison(name: str, sign: str, wanted: str) -> Check | None:
    """A field, a sign and a value in lower case; None where this field has no such value."""
    if name == fields.LEVEL:
        rank = fields.level(wanted)
        return None if rank is None else _level(_holds(sign, 0.0), rank)
    field = fields.NUMBERS.get(name)
    value = fields.number(wanted, field.measure) if field is not None else None
    if field is not None and value is not None:
        return _number(field, sign, value)
    if name in fields.WORDS and sign in _EQUAL:
        check = _named(name, fields.ALIASES.get((name, wanted), wanted), whole=sign == "==")
        return opposite(check) if sign == "!=" else check
    return None


def _holds(sign: str, near: float) -> _Holds:
    if sign not in _EQUAL:
        return _OPERATORS[sign]
    wants_equal = sign != "!="
    return lambda value, wanted: isclose(value, wanted, abs_tol=near) is wants_equal


def _number(field: fields.Field, sign: str, wanted: float) -> Check:
    holds = _holds(sign, field.measure.near)

    def check(subject: Subject) -> Answer:
        value = field.value(subject.figures, subject.at)
        return None if value is None else holds(value, wanted)

    return check


def _level(holds: _Holds, wanted: float) -> Check:
    def check(subject: Subject) -> Answer:
        rank = fields.LEVELS.get(subject.words.get(fields.LEVEL, ""))
        return None if rank is None else holds(rank, wanted)

    return check


def problem() -> Check:
    """Whether somebody is needed."""
    return _level(operator.ge, fields.LEVELS["warning"])


def _named(name: str, wanted: str, whole: bool) -> Check:
    def check(subject: Subject) -> Answer:
        value = subject.words.get(name)
        if not value:
            return None
        if whole:
            return wanted in value.split("\n")
        return value.startswith(wanted) if name in fields.BEGIN else wanted in value

    return check


def word(text: str) -> Check:
    """Whether one of its names has this text in it."""
    return lambda subject: text in subject.names


def opposite(check: Check | None) -> Check | None:
    """Of what is not there nothing."""
    if check is None:
        return None
    return lambda subject: None if (answer := check(subject)) is None else not answer


def all_of(parts: Iterable[Check | None]) -> Check | None:
    """All that are there must hold; None where none is."""
    known = tuple(part for part in parts if part is not None)
    if len(known) < 2:
        return known[0] if known else None

    def check(subject: Subject) -> Answer:
        answer: Answer = True
        for part in known:
            found = part(subject)
            if found is False:
                return False
            answer = None if found is None else answer
        return answer

    return check


def any_of(ways: Iterable[Check | None]) -> Check | None:
    """One of those that are there must hold; None where none is."""
    known = tuple(way for way in ways if way is not None)
    if len(known) < 2:
        return known[0] if known else None

    def check(subject: Subject) -> Answer:
        answer: Answer = False
        for way in known:
            found = way(subject)
            if found:
                return True
            answer = None if found is None else answer
        return answer

    return check
