"""One labelled thing with its figures: what families are made of, and what the writer writes."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from mcptop.units import plain

LONGEST = 200
"""Characters of a label's value."""

Figure = tuple[str, float | None]
"""Name of a family, and the value; None: unknown, and the series is absent."""


class Row(NamedTuple):
    """Figures that have all their labels in common."""

    labels: str
    """As a page has them between the braces; empty without any."""
    figures: tuple[Figure, ...]


def text(value: str | None) -> str:
    """A label's value before it is escaped: plain, at most 200 characters, and empty where there is none."""
    return plain(value, LONGEST) if value else ""


@lru_cache(8192)
def label(name: str, value: str | None) -> str:
    r"""`name="value"`, whatever the value is: plain, bounded, with `\` and `"` escaped."""
    clean = text(value)
    if "\\" in clean or '"' in clean:
        clean = clean.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}="{clean}"'


def labels(**values: str | None) -> str:
    """Several, in this order."""
    return ",".join([label(name, value) for name, value in values.items()])
