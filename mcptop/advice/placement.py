"""Where what is needed stands among the guide's three profiles."""

from __future__ import annotations

from collections.abc import Mapping

from mcptop.advice import profiles
from mcptop.advice.sized import cores, mib
from mcptop.model.value import Value

_SLACK = 1.001


class Place(Value, frozen=True):
    """Of one limit, or of all together."""

    profile: str | None
    """The smallest that holds it; None: it is more than the largest."""
    says: str


def memory(service: str, needed: float) -> Place:
    """Of a memory limit of one of the guide's services."""
    return _place({name: profiles.memory(name, service) for name in profiles.PROFILES}, needed)


def cpu(service: str, needed: float) -> Place:
    """Of a CPU limit of one of the guide's services."""
    return _place({name: profiles.cores(name, service) for name in profiles.PROFILES}, needed)


def whole(needed: Mapping[str, tuple[float | None, float | None]]) -> Place | None:
    """Of memory and cores of several of the guide's services; None without any figure."""
    found: list[tuple[int, str, Place]] = []
    for service, (bytes_, cores_) in needed.items():
        prefix = profiles.PREFIXES[service]
        if bytes_ is not None:
            place = memory(service, bytes_)
            found.append((_rank(place), f"{prefix}_MEMORY_LIMIT {mib(bytes_)}", place))
        if cores_ is not None:
            place = cpu(service, cores_)
            found.append((_rank(place), f"{prefix}_CPU_LIMIT {cores(cores_)}", place))
    if not found:
        return None
    rank, what, place = max(found, key=lambda each: (each[0], each[2].says.startswith("between")))
    return Place(place.profile, f"{place.says} (by {what})" if rank else place.says)


def _rank(place: Place) -> int:
    return len(profiles.PROFILES) if place.profile is None else profiles.PROFILES.index(place.profile)


def _place(values: Mapping[str, float], needed: float) -> Place:
    names = list(profiles.PROFILES)
    fitting = next((name for name in names if needed <= values[name] * _SLACK), None)
    if fitting is None:
        return Place(None, f"more than {names[-1]}")
    at = names.index(fitting)
    if at == 0 or needed >= values[fitting] / _SLACK:
        return Place(fitting, fitting)
    return Place(fitting, f"between {names[at - 1]} and {fitting}")
