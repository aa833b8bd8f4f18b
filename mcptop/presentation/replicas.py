"""What a replica is called where its service stands beside it: no more than what tells it from the others."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mcptop.model.frame import Service
from mcptop.model.value import Kind
from mcptop.presentation.runs import safe

_TASK = re.compile(r"(.+\.[^.]+)\.[a-z0-9]{25}")


def short(service: Service, replica: str) -> str:
    """`worker-1` without the project Compose repeats in every name; of processes of one program `[22004]`."""
    if service.kind is Kind.PROCESS:
        return differing(replica, (one.name for one in service.instances))
    name = _without_task(service, safe(replica))
    prefix = f"{service.project}-"
    return name.removeprefix(prefix) if service.project and len(name) > len(prefix) else name


def _without_task(service: Service, name: str) -> str:
    """Swarm's `web.1.TASKID` without the id, where the slot has no other replica."""
    found = _TASK.fullmatch(name)
    if found is None or sum(one.name.startswith(f"{found[1]}.") for one in service.instances) > 1:
        return name
    return found[1].removeprefix(f"{safe(service.project)}_") if service.project else found[1]


def in_words(service: Service, replica: str) -> str:
    """The same in a sentence: `pid 22004`."""
    name = short(service, replica)
    return f"pid {name[1:-1]}" if name.startswith("[") and name.endswith("]") else name


def within(service: Service, replica: str) -> str:
    """The same without the name of the service: `1`."""
    return short(service, replica).removeprefix(f"{safe(service.name)}-")


def whole(service: Service, replica: str) -> str:
    """With the service, where nothing else names it: `worker-1`, `api[22004]`."""
    name = short(service, replica)
    if name.startswith("["):
        return f"{safe(service.name)}{name}"
    # A replica's name says which service it is of, nearly always.
    return name if safe(service.name) in name else f"{safe(service.name)} {name}"


def differing(replica: str, names: Iterable[str]) -> str:
    """The pid alone of `program[pid]` where all of these names are of the same program."""
    program, bracket, pid = replica.rpartition("[")
    if not bracket or not program or not all(name.startswith(program + bracket) for name in names):
        return safe(replica)
    return safe(bracket + pid)
