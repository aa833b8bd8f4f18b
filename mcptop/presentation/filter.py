"""The filter line: plain words and comparisons such as `cpu>50 mem%>80 waiting>0 state=exited`.

Words are substrings of the names, in any case; all parts must hold. What cannot be read as a comparison is
a word: a half-typed filter is never an error.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable

from msgspec import Struct

from mcptop.presentation.figures import Figures, Number

_Check = Callable[["Subject"], bool]
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
_PART = re.compile(r"([a-z%]+)(>=|<=|=|>|<)(.+)", re.DOTALL)
_NUMBER = re.compile(r"([0-9]{1,15}(?:\.[0-9]{0,9})?)([kmgt]?)(?:i?b)?%?")
_POWERS = {"": 1.0, "k": 1024.0, "m": 1024.0**2, "g": 1024.0**3, "t": 1024.0**4}


def _percent(ratio: float | None) -> Number:
    return None if ratio is None else ratio * 100


NUMBERS: dict[str, Callable[[Figures], Number]] = {
    "cpu": lambda f: _percent(f.cores),
    "cpu%": lambda f: _percent(f.cpu_ratio),
    "thr": lambda f: _percent(f.throttled),
    "mem": lambda f: f.working_set,
    "mem%": lambda f: _percent(f.memory_worst),
    "anon": lambda f: f.anon,
    "net": lambda f: f.network,
    "disk": lambda f: f.disk,
    "sock": lambda f: f.established,
    "closewait": lambda f: f.close_wait,
    "fd": lambda f: f.fds,
    "fd%": lambda f: _percent(f.fds_ratio),
    "pids": lambda f: f.pids,
    "restarts": lambda f: f.restarts,
    "oom": lambda f: f.oom_kills,
    "pool%": lambda f: _percent(f.flow.fullest()),
    "waiting": lambda f: f.flow.waiting(),
    "wait": lambda f: f.flow.longest_wait(),
    "queue": lambda f: f.flow.deepest(),
}
"""What a comparison can ask for; a share is in percent, `wait` in seconds."""
WORDS = ("state", "health", "kind", "level")
"""What `=` can ask for by its first letters."""


class Subject(Struct, frozen=True, eq=False):
    """What one row offers to the filter."""

    names: str
    """All its names in lower case, one a line."""
    figures: Figures
    words: dict[str, str]


class Filter(Struct, frozen=True, eq=False):
    """A filter line, read."""

    text: str = ""
    checks: tuple[_Check, ...] = ()

    def __bool__(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.checks)

    def passes(self, subject: Subject) -> bool:
        """Whether the row stays."""
        return all(check(subject) for check in self.checks)


def parse(text: str) -> Filter:
    """Any text is a filter."""
    return Filter(text, tuple(_check(part) for part in text.lower().split()))


def _check(part: str) -> _Check:
    match = _PART.fullmatch(part)
    if match is not None:
        name, sign, wanted = match.groups()
        if name in WORDS and sign == "=":
            return lambda subject: subject.words.get(name, "").startswith(wanted)
        number = _NUMBER.fullmatch(wanted)
        if name in NUMBERS and number is not None:
            return _comparison(name, _OPERATORS[sign], float(number[1]) * _POWERS[number[2]])
    return lambda subject: part in subject.names


def _comparison(name: str, holds: Callable[[float, float], bool], wanted: float) -> _Check:
    value_of = NUMBERS[name]

    def check(subject: Subject) -> bool:
        value = value_of(subject.figures)
        return value is not None and holds(value, wanted)

    return check
