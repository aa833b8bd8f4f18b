"""All values of a step as one flat list, for reports that have the room."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mcptop.verdicts.words import safe

MOST = 300
_DEEPEST = 8


def figures(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Dotted names and values; series are left out, they are drawn."""
    found: list[tuple[str, str]] = []
    listed = {key: each for key, each in values.items() if key != "series"}
    for name, value in _flat(listed, "", 0) if listed else ():
        if len(found) == MOST:
            return [*found, ("…", "and more")]
        found.append((safe(name), safe(_shown(value))[:500]))
    return found


def _flat(value: Any, name: str, depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value and depth < _DEEPEST:
        for key, each in value.items():
            yield from _flat(each, f"{name}.{key}" if name else str(key), depth + 1)
    else:
        yield name, value


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return ", ".join(_shown(each) for each in value[:20]) + (", …" if len(value) > 20 else "")
    return str(value)
