"""The guide's three resource profiles, as .env files: the only place for their values."""

from __future__ import annotations

from importlib import resources

PROFILES = ("dev", "small", "large")
"""The smallest first."""
PREFIXES = {"mcp-api": "API", "mcp-worker": "WORKER", "model-runner": "MODEL", "ui": "UI"}
"""The guide's services, and what their variables begin with."""
RESERVED = {"MODEL": ("1g", "0.5"), "API": ("512m", "0.5"), "WORKER": ("512m", "0.5"), "UI": ("128m", "0.1")}
"""Its reservations of memory and CPU, the same in every profile; it has none for the ui, these are ours."""
_FACTORS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def text(profile: str) -> str:
    """The file as it is."""
    return (resources.files(__package__) / f"{profile}.env").read_text(encoding="utf-8")


def variables(profile: str) -> dict[str, str]:
    """Variable -> value of a profile, such as `MODEL_MEMORY_LIMIT` -> `2g`."""
    lines = (line.strip() for line in text(profile).splitlines())
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def memory(profile: str, service: str) -> float:
    """The memory limit of one of the guide's services, in bytes. Raises `KeyError`."""
    return in_bytes(variables(profile)[f"{PREFIXES[service]}_MEMORY_LIMIT"])


def cores(profile: str, service: str) -> float:
    """The CPU limit of one of the guide's services. Raises `KeyError`."""
    return float(variables(profile)[f"{PREFIXES[service]}_CPU_LIMIT"])


def in_bytes(size: str) -> float:
    """`512m`, `1g` as Compose reads them."""
    size = size.lower()
    return float(size.rstrip("bkmg")) * _FACTORS[size[-1] if size[-1].isalpha() else ""]
