"""What is watched, and under which name. A thing is held weakly: one that is gone is gone from the page.

A type without weak references is held until it says it is over, or until `forget`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from threading import RLock
from typing import Any, NamedTuple
from weakref import ref

from mcptop.instrument.family import Family
from mcptop.instrument.figures import label
from mcptop.instrument.look import Errors, Seen, look
from mcptop.instrument.readers import family_of

_NOBODY = "nothing here can read it"


class _Watched(NamedTuple):
    family: Family
    name: str
    thing: Callable[[], Any]
    also: Callable[[], object]


def _type(thing: Any) -> str:
    # Not through `str`: a type may have one of its own.
    return type.__repr__(type(thing))


def _held(thing: Any) -> Callable[[], Any]:
    try:
        return ref(thing)
    except TypeError:
        return lambda: thing


class Registry:
    """The watched things of one program. May be used from any thread; raises nothing."""

    def __init__(self) -> None:
        self.errors = Errors()
        self._watched: dict[int, _Watched] = {}
        self._lock = RLock()

    def watch(self, thing: Any, name: str | None = None, also: object = None) -> None:
        """Look at a thing from now on, in place of an earlier wish about the same one."""
        with self.errors.caught("watch", _type(thing)):
            family = family_of(thing)
            if family is None:
                raise TypeError(_NOBODY)
            wanted = label(family.name(thing) if name is None else str(name))
            held, also_held = _held(thing), _held(also)
            with self._lock:
                self._drop_gone(thing)
                taken = {each.name for each in list(self._watched.values()) if each.family.kind is family.kind}
                free = next(each for each in _numbered(wanted) if each not in taken)
                self._watched[id(thing)] = watched = _Watched(family, free, held, also_held)
            # Some facts need an earlier look to be told.
            self._look(watched)

    def forget(self, thing: Any) -> None:
        """Look at a thing no more."""
        with self.errors.caught("forget", _type(thing)), self._lock:
            self._drop_gone(thing)

    def look(self) -> list[Seen]:
        """Everything watched, now, in the order in which it was named."""
        with self._lock:
            self._drop_gone()
            known = list(self._watched.values())
        return [seen for watched in known for seen in self._look(watched)]

    def read(self, thing: Any) -> dict[str, float]:
        """A thing's own figures by field, watched or not. Parts with a name of their own are left out."""
        figures: dict[str, float] = {}
        with self.errors.caught("read", _type(thing)):
            if (family := family_of(thing)) is not None:
                for seen in look(family, thing, "", None, self.errors):
                    figures |= {} if seen.name else seen.figures
        return figures

    def _look(self, watched: _Watched) -> list[Seen]:
        thing = self._now(watched)
        return [] if thing is None else look(watched.family, thing, watched.name, watched.also(), self.errors)

    def _drop_gone(self, forgotten: Any = None) -> None:
        # Of a copy: a finaliser of the service's may forget something while this runs.
        for key, watched in list(self._watched.items()):
            thing = self._now(watched)
            if thing is None or thing is forgotten:
                self._watched.pop(key, None)

    def _now(self, watched: _Watched) -> Any:
        """The thing, or None when it is gone."""
        thing, over = watched.thing(), False
        if thing is not None and not isinstance(watched.thing, ref):
            with self.errors.caught(watched.name, "whether it is over"):
                over = watched.family.over(thing)
        return None if over else thing


def _numbered(name: str) -> Iterator[str]:
    yield name
    for number in count(2):
        yield f"{name}-{number}"
