"""One look at a thing: its figures, whatever happens. What raises is unknown, and is counted and said once.

Everything here runs inside somebody else's service, on private attributes of somebody else's library.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import inf
from threading import Lock
from typing import Any, NamedTuple

from mcptop.instrument.family import Family
from mcptop.instrument.figures import Kind

_log = logging.getLogger("mcptop.instrument")
_SAID_AT_MOST = 100
"""A service may make things without end, each with a name of its own."""


class Seen(NamedTuple):
    """A pool, queue or cache at the moment of the look: only known figures, by field."""

    kind: Kind
    name: str
    figures: Mapping[str, float]


class Errors:
    """Counts what could not be read, and writes the first of each sort to the log."""

    def __init__(self) -> None:
        self.count = 0
        self._said: set[tuple[str, ...]] = set()
        self._lock = Lock()

    @contextmanager
    def caught(self, *what: str) -> Iterator[None]:
        """Nothing leaves this block but what ends the program."""
        try:
            yield
        except Exception as error:
            self.note(error, *what)

    def note(self, error: Exception, *what: str) -> None:
        """One more."""
        with self._lock:
            self.count += 1
            new = what not in self._said and len(self._said) < _SAID_AT_MOST
            if new:
                self._said.add(what)
        if new:
            try:
                # As text: whoever keeps the record would keep the error's frames, and the service's things in them.
                _log.warning("cannot read %s: %s: %s", " ".join(what).strip(), type(error).__name__, str(error))
            except Exception:
                # A handler of the service's, or an error that cannot be printed: it is counted all the same.
                return


def look(family: Family, thing: Any, name: str, also: object, errors: Errors) -> list[Seen]:
    """All parts of a thing, each under its name. `also` is asked for the figures of the thing itself."""
    seen = []
    for suffix, part in _parts(family, thing, name, errors):
        figures = _read(family, part, name, errors)
        if not suffix:
            figures |= _own(family.kind, also, name, errors)
        seen.append(Seen(family.kind, f"{name} {suffix}" if suffix else name, figures))
    return seen


def _parts(family: Family, thing: Any, name: str, errors: Errors) -> list[tuple[str, Any]]:
    parts: list[tuple[str, Any]] = []
    with errors.caught(name):
        parts.extend(family.parts(thing))
    return parts


def _read(family: Family, part: Any, name: str, errors: Errors) -> dict[str, float]:
    figures: dict[str, float] = {}
    for facts in family.facts:
        # Not `caught`: at this place it would be a fifth of what a look costs.
        try:
            figures |= _known(facts(part))
        except Exception as error:
            errors.note(error, name, facts.__name__.strip("_"))
    return figures


def _own(kind: Kind, also: object, name: str, errors: Errors) -> dict[str, float]:
    figures: dict[str, float] = {}
    if also is not None:
        for figure in kind.figures:
            with errors.caught(name, figure.field):
                figures |= _known({figure.field: getattr(also, figure.field, None)})
    return figures


def _known(facts: Mapping[str, float | None]) -> dict[str, float]:
    # A number below 0 is a thing in confusion: SQLAlchemy's after a pool, not its engine, was disposed of.
    return {field: _number(value) for field, value in facts.items() if value is not None and 0 <= value < inf}


def _number(value: float) -> float:
    # Whatever counts as one (a bool, a number of numpy's) as it is written on a page.
    return int(value) if isinstance(value, int) else float(value)
