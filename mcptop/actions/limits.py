"""Limits as somebody types them: read, checked against what is in force and in use."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from mcptop.actions.errors import ActionError
from mcptop.model.action import ActionTarget, ContainerFacts, Limits
from mcptop.units import long_size, plain

_MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*([bkmg]?)(?:i?b)?", re.IGNORECASE)
_FACTORS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_LEAST_MEMORY = 6 << 20
_LEAST_CPUS = 0.01
_MOST = 1 << 62


def memory_bytes(text: str) -> int | None:
    """512m, 1.5g, 1073741824; None for nothing. Raises `ActionError`."""
    if not text.strip():
        return None
    found = _MEMORY.fullmatch(text.strip())
    if found is None:
        raise ActionError(f"memory: `{plain(text, 20)}` is no size; write it as 512m or 1.5g")
    count = int(float(found[1]) * _FACTORS[found[2].lower()]) if len(found[1]) < 20 else _MOST
    if not _LEAST_MEMORY <= count < _MOST:
        raise ActionError("memory: the engine takes 6m and more; a limit cannot be taken away while it runs")
    return count


def cpus(text: str) -> float | None:
    """Cores: 1.5, 0.25; None for nothing. Raises `ActionError`."""
    if not text.strip():
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < _LEAST_CPUS:
        raise ActionError(f"cpus: `{plain(text, 20)}` is no number of cores; write it as 1.5 (0.01 and more)")
    return round(value, 2)


def limits(memory_text: str, cpus_text: str, facts: ContainerFacts) -> Limits:
    """What to set for one container. Raises `ActionError` where it is no limit, or changes nothing."""
    memory, cores = memory_bytes(memory_text), cpus(cpus_text)
    memory = None if memory == facts.memory_bytes else memory
    cores = None if cores == facts.cpus else cores
    if memory is None and cores is None:
        raise ActionError("nothing changes: write another memory limit or another number of cores")
    return Limits(memory, _swap(memory, facts), cores, facts.cpu_period_us if cores is not None else 0)


def _swap(memory: int | None, facts: ContainerFacts) -> int | None:
    """The limit of memory and swap together: there is as much swap beside the memory as before, often none."""
    if memory is None or facts.memory_swap_bytes <= 0 or not facts.memory_bytes:
        return None
    return memory + max(0, facts.memory_swap_bytes - facts.memory_bytes)


def below_use(targets: Sequence[ActionTarget], wanted: Sequence[Limits]) -> str:
    """A sentence where a memory limit is below what is in use now; empty where none is."""
    for target, each in zip(targets, wanted, strict=True):
        used, most = target.working_set_bytes, each.memory_bytes
        if used is not None and most is not None and most < used:
            return (
                f"{plain(target.name)} has {long_size(used)} in use, more than {long_size(most)}: "
                "the kernel will take memory back by force, and may kill it"
            )
    return ""
