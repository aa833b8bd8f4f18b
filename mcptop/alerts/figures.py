"""The figures that an own rule can be about: dotted names of the snapshot, their units, how they are read. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any, get_args, get_origin

import msgspec
from msgspec import Struct

from mcptop import units
from mcptop.model.flow import Pool, Queue
from mcptop.model.host import Filesystem, Host
from mcptop.model.instance import Instance

OF: dict[str, type[Struct]] = {
    "instance": Instance, "pool": Pool, "queue": Queue, "disk": Filesystem, "host": Host
}  # fmt: skip
_UNITS = (
    ("_ratio", "ratio"), ("_avg10", "ratio"), ("_bytes_per_s", "bytes/s"), ("_bytes", "bytes"), ("_per_s", "count/s"),
    ("_s", "seconds"), ("cores", "cores"),
)  # fmt: skip


def names(of: str) -> list[str]:
    """All numbers that an instance, pool, ... has."""
    return list(_names(OF[of], ""))


def unit(figure: str) -> str:
    """Units are in the names."""
    return next((found for ending, found in _UNITS if figure.endswith(ending)), "count")


def reader(figure: str) -> Callable[[Any], float | None]:
    """What reads it of its subject; None where it, or what it is part of, is unknown."""
    get = attrgetter(figure)

    def read(subject: Any) -> float | None:
        try:
            found: float | None = get(subject)
        except AttributeError:  # of None: what it would be part of is not known
            return None
        return found

    return read


def text(value: float, unit: str) -> str:
    """With its unit, to be read by people."""
    if unit == "ratio":
        return units.percent(value)
    if unit in ("bytes", "bytes/s"):
        return units.long_size(value) + ("/s" if unit == "bytes/s" else "")
    if unit == "seconds":
        return units.span(value)
    if unit == "count/s":
        return units.rate(value)
    return f"{value:.2f} cores" if unit == "cores" else f"{value:g}"


def _names(kind: type[Struct], prefix: str) -> Iterator[str]:
    for each in msgspec.structs.fields(kind):
        kinds = get_args(each.type) or (each.type,)
        if int in kinds or float in kinds:
            yield prefix + each.name
        for inner in () if get_origin(each.type) is tuple else kinds:  # of many it would not be one number
            if isinstance(inner, type) and issubclass(inner, Struct):
                yield from _names(inner, f"{prefix}{each.name}.")
