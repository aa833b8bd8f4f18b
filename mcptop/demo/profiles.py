"""The guide's three resource profiles: the .env files beside the Compose file, read."""

from __future__ import annotations

from importlib import resources

PROFILES = ("dev", "small", "large")

_PREFIX = {"mcp-api": "API", "mcp-worker": "WORKER", "model-runner": "MODEL", "ui": "UI"}


def variables(profile: str) -> dict[str, str]:
    """Variable -> value of a profile, such as `MODEL_MEMORY_LIMIT` -> `2g`."""
    text = (resources.files("mcptop.demo.containers") / "compose" / f"{profile}.env").read_text(encoding="utf-8")
    lines = (line.strip() for line in text.splitlines())
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def limits(profile: dict[str, str], service: str) -> dict[str, str]:
    """What one service is told about its own limits."""
    prefix = _PREFIX.get(service)
    if prefix is None:
        return {}
    return {"MEMORY_LIMIT": profile[f"{prefix}_MEMORY_LIMIT"], "CPU_LIMIT": profile[f"{prefix}_CPU_LIMIT"]}
