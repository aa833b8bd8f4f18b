"""The shell command that does the same as an action, as an argument vector."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from mcptop.model.action import Action, ActionTarget, Limits, Verb
from mcptop.model.closeup import ProcessKey
from mcptop.model.value import Kind
from mcptop.units import plain

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_SHOWN = 1000
_BEST_SHELL = ("sh", "-c", "command -v bash >/dev/null && exec bash; exec sh")
_UNITS = (("g", 1 << 30), ("m", 1 << 20), ("k", 1 << 10))


def docker_service(name: str, identity: str, replicas: int, engine: str | None) -> tuple[str, ...]:
    """The command that lets a Swarm service have so many replicas."""
    whom = name if _NAME.fullmatch(name) else identity
    return ("docker", *(("-H", engine) if engine else ()), "service", "scale", f"{whom}={replicas}")


def argv(action: Action, target: ActionTarget, by_id: bool = False) -> tuple[str, ...]:
    """The command for one of the action's targets: by name as one would type it, by full id to be carried out."""
    if target.kind is not Kind.CONTAINER:
        return ("kill", f"-{action.signal}", str(pid_of(target)))
    if action.verb is Verb.SCALE:
        return docker_service(target.name, target.id, action.replicas or 0, action.engine)
    docker = ("docker", *(("-H", action.engine) if action.engine else ()))
    name = target.id if by_id else name_of(target)
    match action.verb:
        case Verb.SIGNAL:
            return (*docker, "kill", "--signal", action.signal, name)
        case Verb.UPDATE:
            return (*docker, "update", *_options(action.limits[action.targets.index(target)]), name)
        case Verb.SHELL:
            return (*docker, "exec", "-it", name, *_BEST_SHELL)
    return (*docker, str(action.verb), name)


def shown(words: Sequence[str]) -> str:
    """A command as one would type it; for the eye and the clipboard, never for a shell that we start."""
    return plain(shlex.join(words), _SHOWN)


def name_of(target: ActionTarget) -> str:
    """How the docker program is told which container: a name that could be an option or worse is none."""
    return target.name if _NAME.fullmatch(target.name) else target.id[:12]


def pid_of(target: ActionTarget) -> int:
    """Of a host process."""
    return int(target.id.partition("-")[0])


def process_of(target: ActionTarget) -> ProcessKey:
    """A host process and none that gets its pid later."""
    return ProcessKey(pid_of(target), int(target.id.partition("-")[2]))


def memory(count: int) -> str:
    """Bytes as the docker program takes them, exactly: 512m, 1g, 1000b."""
    for unit, factor in _UNITS:
        if count % factor == 0:
            return f"{count // factor}{unit}"
    return f"{count}b"


def quota_us(limits: Limits) -> int:
    """The CPU quota in microseconds a period."""
    return round((limits.cpus or 0.0) * limits.cpu_period_us)


def _options(limits: Limits) -> list[str]:
    words: list[str] = []
    if limits.memory_bytes is not None:
        words += ["--memory", memory(limits.memory_bytes)]
    if limits.memory_swap_bytes is not None:
        words += ["--memory-swap", memory(limits.memory_swap_bytes)]
    if limits.cpus is not None and limits.cpu_period_us:
        words += ["--cpu-period", str(limits.cpu_period_us), "--cpu-quota", str(quota_us(limits))]
    elif limits.cpus is not None:
        words += ["--cpus", f"{limits.cpus:g}"]
    return words
