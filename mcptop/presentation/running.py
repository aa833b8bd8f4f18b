"""A diagnosis while it runs: whom it looks at, how far every step is, how long it will take. Pure.

Stands where the report's first lines will stand, so that little moves when it is finished.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from mcptop.model.diagnosis import StepStatus
from mcptop.presentation import runs
from mcptop.presentation.runs import Run, Runs
from mcptop.presentation.verdict.report import MEASURE
from mcptop.presentation.verdict.wrap import hanging
from mcptop.verdicts.words import STEPS, safe

_WORKING = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_TURNS_PER_S = 4
_BAR = 16
_WIDE = 100
_SECONDS = 8
_WIDEST = 16


class StepView(Struct, frozen=True):
    """One step, whether it was begun or not."""

    step: str
    run: str
    """The kind of step."""
    status: StepStatus | None = None
    """None until it has ended."""
    says: str = ""
    began: float | None = None
    """On the clock that `now` is of; None before."""
    expected_s: float = 0.0
    duration_s: float | None = None


def title(playbook: str, who: str, end: Run, width: int) -> Runs:
    """Which playbook looks at whom, and at the right end what is known of that, where there is room for it."""
    room = min(width, MEASURE)
    name, tail = _ends(playbook, who, end)
    line = runs.spread(name, tail, room) if _is_short(playbook, who, end, room) else runs.clip(name, room)
    raised = ((text, "head" if style == "text" else style) for text, style in line)
    return (*raised, (" " * max(0, width - runs.width(line)), "head"))


def _ends(playbook: str, who: str, end: Run) -> tuple[Runs, Runs]:
    name: Runs = ((" mcptop ", "brand"), (f" diagnose {safe(playbook)} · ", "head"), (safe(who), "head.strong"))
    return name, ((f"{end[0]} ", end[1]),)


def _is_short(playbook: str, who: str, end: Run, room: int) -> bool:
    name, tail = _ends(playbook, who, end)
    return runs.width(name) + runs.width(tail) + 2 <= room


def below_title(playbook: str, who: str, end: Run, facts: Sequence[str], width: int) -> list[Runs]:
    """The facts, after what the title had no room for."""
    room = min(width, MEASURE)
    told = facts if _is_short(playbook, who, end, room) else [end[0], *facts]
    return _wrapped(((" ", "text"),), (" · ".join(told), "muted"), room)


def left(expected_s: float, elapsed_s: float) -> Run:
    """How long it will still take."""
    rest = expected_s - elapsed_s
    return (f"about {rest:.0f}s left", "head.accent") if rest >= 0.5 else ("almost done", "head.accent")


def steps(views: Sequence[StepView], width: int, now: float) -> list[Runs]:
    """One line a step, in the columns of the report."""
    room = min(width, MEASURE)
    names = min(max((runs.cells(safe(each.step)) for each in views), default=0), _WIDEST)
    kinds = min(max((runs.cells(safe(each.run)) for each in views), default=0), _WIDEST) if room >= _WIDE else 0
    return [_step(view, names, kinds, room, now) for view in views]


def failure(says: str, width: int) -> list[Runs]:
    """Why there will be no verdict."""
    return [(), *_wrapped(((" ✖ ", "critical"),), (safe(says), "text"), min(width, MEASURE))]


def _wrapped(first: Runs, line: Run, room: int) -> list[Runs]:
    return [runs.clip(each, room) for each in hanging(first, (line,), room - 1)]


def _step(view: StepView, names: int, kinds: int, room: int, now: float) -> Runs:
    elapsed = max(0.0, now - view.began) if view.began is not None else 0.0
    symbol, tone, text = _state(view, elapsed)
    line: list[Run] = [(f" {symbol} ", tone), (runs.fit(safe(view.step), names), text)]
    kind = safe(view.run) if view.run.replace("-", "_") != view.step else ""
    line.append((f"  {runs.fit(kind, kinds)}" if kinds else "", "dim"))
    end = _progress(view, elapsed, room >= _WIDE)
    says = f"  {_says(view)}"
    shown = runs.fit(says, max(0, room - runs.width(line) - runs.width(end)))
    line.append((shown, "muted" if view.status in (None, StepStatus.OK, StepStatus.SKIPPED) else "text"))
    return runs.clip((*line, *end), room)


def _state(view: StepView, elapsed: float) -> tuple[str, str, str]:
    """Symbol, its style, and the style of the name."""
    if view.status is not None:
        badge = STEPS[view.status]
        return badge.symbol, badge.tone, "muted" if badge.tone == "dim" else "strong"
    if view.began is None:
        return "·", "dim", "muted"
    return _WORKING[int(elapsed * _TURNS_PER_S) % len(_WORKING)], "accent", "strong"


def _says(view: StepView) -> str:
    word = STEPS[view.status].word if view.status is not None else ""
    says = safe(view.says)
    return f"{word}: {says}" if word and says else word or says


def _progress(view: StepView, elapsed: float, is_wide: bool) -> Runs:
    """The time it took; while it runs the share of what is expected as well."""
    if view.began is None or view.status is StepStatus.SKIPPED:
        return ((" " * _SECONDS, "text"),)
    took = f"{view.duration_s if view.duration_s is not None else elapsed:.1f} s ".rjust(_SECONDS)
    if view.status is not None or not is_wide or view.expected_s <= 0:
        return ((took, "dim" if view.status is not None else "text"),)
    done = round(min(1.0, elapsed / view.expected_s) * _BAR)
    return (("  " + "━" * done, "cpu"), ("─" * (_BAR - done), "faint"), (took, "text"))
