"""Lines of styled text: what a run is, and how wide it is on a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from rich.cells import cell_len, set_cell_size

from mcptop import units

Run = tuple[str, str]
"""A text and the name of its style."""
Runs = tuple[Run, ...]
"""One line, or one part of it."""


@lru_cache(maxsize=8192)
def safe(text: str, limit: int = 120) -> str:
    """A name from a container made harmless; the same names come with every frame."""
    return units.plain(text, limit)


def cells(text: str) -> int:
    """Width in terminal cells; wide characters count twice."""
    return len(text) if text.isascii() else cell_len(text)


def width(runs: Iterable[Run]) -> int:
    """Width of a line in terminal cells."""
    return sum(cells(text) for text, _ in runs)


def fit(text: str, room: int, align: str = "left") -> str:
    """The text in exactly `room` cells: padded, or cut with an ellipsis where letters would be lost."""
    if room <= 0:
        return ""
    taken = cells(text)
    if taken > room:
        return set_cell_size(text, room - 1) + "…"
    gap = " " * (room - taken)
    return gap + text if align == "right" else text + gap


def clip(runs: Iterable[Run], room: int) -> Runs:
    """The line cut to at most `room` cells."""
    kept: list[Run] = []
    for text, style in runs:
        taken = cells(text)
        if taken > room:
            if room > 0:
                kept.append((fit(text, room), style))
            elif kept and text.strip():
                # Nothing of it fits, and yet it has to be seen that there is more.
                last, of_last = kept[-1]
                kept[-1] = (set_cell_size(last, cells(last) - 1) + "…", of_last)
            break
        kept.append((text, style))
        room -= taken
    return tuple(kept)


def spread(left: Runs, right: Runs, room: int) -> Runs:
    """Both ends of a line; the right end goes first when there is no room for both."""
    taken = width(left) + width(right)
    if taken + 1 > room:
        return clip(left, room)
    return (*left, (" " * (room - taken), "text"), *right)


def text_of(runs: Iterable[Run]) -> str:
    """The line without its styles."""
    return "".join(text for text, _ in runs)
