"""Figures as .env and Compose files write them, and which variable of the guide says what."""

from __future__ import annotations

from math import ceil

from mcptop.advice import profiles
from mcptop.units import plain

MIB = 1 << 20


def memory(value: float) -> str:
    """Bytes as Compose and the guide write them: 1280m; whole gigabytes as 2g."""
    mib = ceil(value / MIB - 1e-6)
    return f"{mib // 1024}g" if mib % 1024 == 0 else f"{mib}m"


def cpus(value: float) -> str:
    """Cores without needless digits: 0.5, 1, 1.25."""
    return f"{value:.3f}".rstrip("0").rstrip(".")


def prefix(service: str) -> str | None:
    """What the guide's variables of a service begin with; None for services it does not know."""
    return profiles.PREFIXES.get(service)


def comment(text: str, limit: int = 300) -> str:
    """One line of a comment, whatever the text holds."""
    return f"# {plain(text, limit)}"
