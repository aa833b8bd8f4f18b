"""The shape of a reader: a family of types, the parts such a thing has, and the facts that can be read of each part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from mcptop.instrument.figures import Kind

Facts = Mapping[str, float | None]
"""Figures by field; None and what is missing is unknown."""


def itself(thing: Any) -> Iterable[tuple[str, Any]]:
    """A thing of one part."""
    return (("", thing),)


def never(thing: Any) -> bool:
    """It is over when it is gone."""
    return False


class Family(NamedTuple):
    """Things that are read alike. Its functions may raise whatever they like: what raises is unknown."""

    kind: Kind
    name: Callable[[Any], str]
    """What such a thing is called when nobody gave it a name."""
    facts: tuple[Callable[[Any], Facts], ...]
    """Each is read for itself, so that one attribute that is gone does not take the others with it."""
    parts: Callable[[Any], Iterable[tuple[str, Any]]] = itself
    """What stands after the thing's name ("" for nothing), and what is read."""
    over: Callable[[Any], bool] = never
    """Asked only of things that cannot be held weakly: whether it was closed, and so may go."""


def named(name: str) -> Callable[[Any], str]:
    """The same name for all of a family."""
    return lambda thing: name


def limited(bound: int | None) -> int | None:
    """A bound, or None where 0, -1 or a number nobody reaches stands for "without"."""
    return bound if bound is not None and 0 < bound < 2**31 - 1 else None


def unanswered(futures: Iterable[Any]) -> int:
    """How many callers behind these futures still wait; those that were woken or gave up may still be listed."""
    return sum(1 for future in list(futures) if not future.done())
