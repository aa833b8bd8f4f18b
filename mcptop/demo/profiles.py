"""The guide's three resource profiles, as the demo's services are told of them."""

from __future__ import annotations

from mcptop.advice.profiles import PREFIXES, PROFILES, variables

__all__ = ["PROFILES", "limits", "variables"]


def limits(profile: dict[str, str], service: str) -> dict[str, str]:
    """What one service is told about its own limits."""
    prefix = PREFIXES.get(service)
    if prefix is None:
        return {}
    return {"MEMORY_LIMIT": profile[f"{prefix}_MEMORY_LIMIT"], "CPU_LIMIT": profile[f"{prefix}_CPU_LIMIT"]}
