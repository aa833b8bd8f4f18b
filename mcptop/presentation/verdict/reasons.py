"""Why this and not another: every hypothesis with its share, and what speaks for and against it."""

from __future__ import annotations

from mcptop import units
from mcptop.model.diagnosis import Verdict, Weighed
from mcptop.presentation import runs
from mcptop.presentation.runs import Run, Runs
from mcptop.presentation.verdict.wrap import glued, hanging
from mcptop.verdicts import words

_BESIDE = 56
"""So much room arguments need beside the bars; with less they stand below."""
_SIGNS = {"+": "ok", "−": "critical", "?": "warning"}  # noqa: RUF001


def heading(text: str) -> Runs:
    """The name of a part of the report."""
    return ((f" {text}", "muted.strong"),)


def lines(verdict: Verdict, room: int) -> list[Runs]:
    """The hypotheses with an argument, the likeliest first, and how the best differs from the next."""
    found = words.considered(verdict)
    if not found.shown:
        return []
    told = [heading("WHY THIS AND NOT ANOTHER" if verdict.mechanism else "WHAT WAS CONSIDERED")]
    names = min(max(runs.cells(words.safe(each.mechanism)) for each in found.shown), 24)
    bar = 16 if room >= 100 else 10
    for each in found.shown:
        told += _hypothesis(verdict, each, names, bar, room)
    told += _rest(found.silent, "nothing for or against", room)
    told += _rest(found.beyond, "less likely", room)
    if second := words.runner_up(verdict):
        told += hanging((("   ", "text"),), ((second, "text"),), room - 1)
    return told


def _hypothesis(verdict: Verdict, each: Weighed, names: int, bar: int, room: int) -> list[Runs]:
    tone = words.tone(verdict, each)
    is_winner = each.mechanism == verdict.mechanism
    left: list[Run] = [
        ("   ", "text"),
        (runs.fit(words.safe(each.mechanism), names), "strong" if is_winner else "text"),
        ("  ", "text"),
        (runs.fit(units.bar(each.confidence, bar), bar), f"bar.{tone}"),
        (f" {words.share(each.confidence):>5}", tone),
    ]
    beside = room - runs.width(left) - 3
    if beside >= _BESIDE:
        return hanging((*left, ("  ", "text")), _arguments(each, beside), room - 1)
    return [tuple(left), *hanging((("       ", "text"),), _arguments(each, room - 8), room - 1)]


def _arguments(each: Weighed, room: int) -> Runs:
    """One after the other, none of them broken where it fits on a line."""
    found: list[Run] = []
    for sign, text in words.arguments(each):
        whole = glued(text) if runs.cells(text) + 4 <= room else text
        found += [(f" {sign}{glued(' ')}", _SIGNS[sign]), (f"{whole}{glued('  ')}", "muted")]
    return tuple(found)


def _rest(names: tuple[str, ...], says: str, room: int) -> list[Runs]:
    return hanging((("   ", "text"),), ((f"{says}: {', '.join(names)}", "dim"),), room - 1) if names else []
