"""The last line of the pane of logs: what is shown, and what is not."""

from __future__ import annotations

from mcptop.model.log import Level
from mcptop.model.value import Value
from mcptop.presentation import runs
from mcptop.presentation.runs import Run, Runs

LEAST: dict[Level | None, str] = {None: "all levels", Level.INFO: "info and worse", Level.WARNING: "warnings and worse",
                                  Level.ERROR: "errors"}  # fmt: skip
"""The filters of levels, in the order in which a key goes through them."""


_WORDS_WIDTH = 16


class State(Value, frozen=True):
    """What the line tells."""

    follows: bool
    line: int
    """Where the cursor is, from 1; 0 without a line."""
    lines: int
    """Shown."""
    kept: int
    skipped: int
    uncounted: bool
    window: str
    least: Level | None = None
    replica: str | None = None
    words: str = ""
    hit: int | None = None
    hits: int = 0
    marked: int = 0
    """Lines of the marked range."""
    left_out: int = 0
    """Replicas that are not followed."""


def line(state: State, width: int) -> Runs:
    """In the order of what matters; what does not fit is left out whole."""
    place: Run = (
        (" following", "head.ok") if state.follows else (f" paused at {state.line:,}/{state.lines:,}", "head.warning")
    )
    parts: list[Run] = [place]
    if state.left_out:
        parts.append((f"{state.left_out:,} not followed", "head.warning"))
    if state.marked:
        parts.append((f"{state.marked:,} marked", "head.accent"))
    if state.words:
        parts.append((_hits(state), "head.accent" if state.hits else "head.warning"))
    parts.append((f"[ {state.window} ]", "head"))
    parts.append((LEAST[state.least], "head" if state.least is not None else "head.muted"))
    if state.replica is not None:
        parts.append((f"only {state.replica}", "head"))
    parts.append((f"{state.kept:,} kept", "head.muted"))
    if state.skipped or state.uncounted:
        parts.append((f"{state.skipped:,}{'+' if state.uncounted else ''} skipped", "head.warning"))
    return _fitting(parts, width)


def _hits(state: State) -> str:
    words = runs.safe(state.words)
    words = runs.fit(words, min(_WORDS_WIDTH, runs.cells(words)))
    at = "-" if state.hit is None else f"{state.hit:,}"
    return f"/{words} {at}/{state.hits:,}" if state.hits else f"/{words} no hit"


def _fitting(parts: list[Run], width: int) -> Runs:
    kept: list[Run] = []
    for text, style in parts:
        gap = "  " if kept else ""
        if width < runs.cells(gap + text):
            break
        kept += [(gap, "head"), (text, style)]
        width -= runs.cells(gap + text)
    return (*kept, (" " * width, "head"))
