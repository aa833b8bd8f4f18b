"""The limits of the services as Compose is told them: what the guide says, in the variables it says it with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcptop.advice.profiles import RESERVED
from mcptop.demo.stack import StackError
from mcptop.demo.systems.sizes import parse_bytes


def variables(profile: Mapping[str, str]) -> dict[str, str]:
    """Limits and reservations. Raises `StackError` naming the variable that cannot be read."""
    found = dict(profile)
    for prefix, (memory, cpus) in RESERVED.items():
        limits = (f"{prefix}_MEMORY_LIMIT", f"{prefix}_CPU_LIMIT")
        # A reservation above the limit is an error to the engine.
        reserved = min(parse_bytes(memory), _bytes(limits[0], profile[limits[0]]))
        found[f"{prefix}_MEMORY_RESERVATION"] = str(reserved)
        found[f"{prefix}_CPU_RESERVATION"] = f"{min(float(cpus), _cpus(limits[1], profile[limits[1]])):g}"
    return found


def fit(profile: Mapping[str, str], cpus: int) -> None:
    """Raises `StackError` for a limit that an engine with so many CPUs refuses."""
    for name in (f"{prefix}_CPU_LIMIT" for prefix in RESERVED):
        if _cpus(name, profile[name]) > cpus:
            raise StackError(
                f"{name}={profile[name]}, but the engine has {cpus} CPUs: use --profile dev, or set {name}={cpus}"
            )


def override(limits: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """The Compose file for other limits: service -> `cpus`, `memory`, either or both. Raises `StackError`."""
    return {"services": {service: _service(each) for service, each in limits.items()}}


def _service(limits: Mapping[str, str]) -> dict[str, Any]:
    resources = {"limits": dict(limits), "reservations": dict(limits)}
    if memory := limits.get("memory"):
        _bytes("memory", memory)
    if cpus := limits.get("cpus"):
        _cpus("cpus", cpus)
    return {"deploy": {"resources": resources}} | ({"memswap_limit": memory} if memory else {})


def _bytes(name: str, text: str) -> int:
    try:
        return parse_bytes(text)
    except ValueError as problem:
        raise StackError(f"{name}: {problem}") from None


def _cpus(name: str, text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0.01 <= found < 10_000:
        raise StackError(f"{name}={text}: expected a number of CPUs, such as 0.5")
    return found
