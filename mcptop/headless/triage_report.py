"""Who shows a symptom, and what to run next."""

from __future__ import annotations

from collections.abc import Iterator

from mcptop import units
from mcptop.headless import report
from mcptop.headless.pipe import put
from mcptop.model.playbook import Severity
from mcptop.playbook.triage import Problem, Triage
from mcptop.presentation import runs
from mcptop.presentation.runs import Runs
from mcptop.presentation.verdict.wrap import hanging
from mcptop.verdicts.words import safe

_MARKS = {Severity.CRITICAL: ("✖", "critical"), Severity.WARNING: ("▲", "warning"), Severity.NONE: ("●", "ok")}
_NAME = 28


def tell(found: Triage, as_json: bool) -> None:
    """Print it."""
    if as_json:
        report.print_json(found)
    else:
        width, colour = report.look()
        put(report.printed(lines(found, width), width, colour))


def lines(found: Triage, width: int) -> Iterator[Runs]:
    """Two lines a problem: what shows, and the command that says why; then how much was looked at."""
    names = min(max((runs.cells(_name(each)) for each in found.problems), default=0), _NAME)
    for each in found.problems:
        symbol, tone = _MARKS[each.severity]
        left: Runs = ((f" {symbol} ", tone), (runs.fit(_name(each), names), "strong"), ("  ", "text"))
        yield from hanging(left, ((safe(each.says), "text"),), max(width - 1, names + 20))
        # Not wrapped: a command has to survive being copied.
        yield ((" " * (names + 5), "text"), (safe(each.run), "accent"))
    looked = f"{found.services} services looked at for {units.duration(found.seconds)}"
    counted = _count(len(found.problems)) if found.problems or not found.doubt else "cannot tell"
    yield ((f" {looked}: {counted}{f', {found.doubt}' if found.doubt else ''}", "muted"),)


def _name(problem: Problem) -> str:
    return safe(f"{problem.project}/{problem.service}" if problem.project else problem.service)


def _count(number: int) -> str:
    return "nobody shows a symptom" if not number else f"{number} symptom{'' if number == 1 else 's'}"
