"""The labels that tell services and replicas apart: plain, bounded, and no two alike."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import NamedTuple

from mcptop.exposition.row import LONGEST, text
from mcptop.model.frame import Service
from mcptop.model.instance import Instance
from mcptop.model.value import Kind

_PID = re.compile(r"\[\d+\]$")
_ID_LENGTH = 12


class Names(NamedTuple):
    """What a service and its replicas are called. Compares by value: equal names give equal lines."""

    project: str
    service: str
    kind: str
    replicas: tuple[str, ...]
    """In the order of the instances."""
    is_only_kind: bool
    """Whether no service before it has the same project and name: the guide's families have no `kind`."""


def of_services(services: Iterable[Service]) -> dict[str, Names]:
    """Service key -> names. Two services that would read the same get a part of their key's digest behind the name."""
    found: dict[str, Names] = {}
    taken: set[tuple[str, str, str]] = set()
    without_kind: set[tuple[str, str]] = set()
    for service in services:
        project, name, kind = text(service.project), text(service.name), service.kind.value
        key = service.key
        while (project, name, kind) in taken:
            name, key = extended(text(service.name), _digest(key)), _digest(key)
        taken.add((project, name, kind))
        found[service.key] = Names(project, name, kind, of_replicas(service), (project, name) not in without_kind)
        without_kind.add((project, name))
    return found


def of_replicas(service: Service) -> tuple[str, ...]:
    """By name; of several with one name also the id or pid. A process is its program while it is the only one."""
    short = [_without_pid(one.name) if service.kind is Kind.PROCESS else text(one.name) for one in service.instances]
    names = _distinct(short, [text(one.name) for one in service.instances])
    names = _distinct(
        names, [extended(name, _identity(one)) for name, one in zip(names, service.instances, strict=True)]
    )
    return tuple(
        _distinct(names, [extended(name, _digest(one.id)) for name, one in zip(names, service.instances, strict=True)])
    )


def replica_of(service: Service, names: Names) -> Mapping[str | None, str]:
    """Name of an instance, as pools and queues have it -> its label; None, of the service as a whole, is empty."""
    pairs = zip(reversed(service.instances), reversed(names.replicas), strict=True)
    return {None: "", **{one.name: label for one, label in pairs}}


def _distinct(names: list[str], longer: list[str]) -> list[str]:
    """The longer form of those that are there more than once."""
    if len(set(names)) == len(names):
        return names
    count = Counter(names)
    return [more if count[name] > 1 else name for name, more in zip(names, longer, strict=True)]


def _without_pid(name: str) -> str:
    return text(_PID.sub("", name) or name)


def _identity(instance: Instance) -> str:
    return str(instance.pid) if instance.pid is not None and instance.image is None else instance.id[:_ID_LENGTH]


def _digest(key: str) -> str:
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def extended(name: str, more: str) -> str:
    """Both, within the bound: it is the name that is cut."""
    more = text(f" {more}")
    return name[: LONGEST - len(more)] + more
