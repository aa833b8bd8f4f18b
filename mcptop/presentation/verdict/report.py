"""The whole report: title, steps, verdict, reasons, advice, evidence."""

from __future__ import annotations

from mcptop.model.diagnosis import Verdict
from mcptop.presentation import runs
from mcptop.presentation.runs import Run, Runs
from mcptop.presentation.verdict import reasons
from mcptop.presentation.verdict.wrap import glued, hanging, styled
from mcptop.verdicts import curves, words
from mcptop.verdicts.words import BADGES, STEPS

MEASURE = 132
"""The eye loses the line on a wider one."""
_SPARK = 24
_ON_GROUND = {"text": "text", "strong": "strong", "figure": "strong", "command": "strong", "place": "accent",
              "label": "muted"}  # fmt: skip
_RAISED = {"text": "head", "strong": "head.strong", "figure": "head.strong", "command": "head.strong",
           "place": "head.accent", "label": "head.muted"}  # fmt: skip


def lines(verdict: Verdict, width: int) -> list[Runs]:
    """The report for a terminal of this width; no line is wider."""
    room = min(width, MEASURE)
    parts = [
        title(verdict, width, room),
        steps(verdict, room),
        verdict_block(verdict, width, room),
        reasons.lines(verdict, room),
        advice(verdict, room),
        evidence(verdict, room),
        hanging(((" ", "text"),), ((_joined(words.cost(verdict)), "dim"),), room),
    ]
    found = [line for part in parts if part for line in (*part, ())]
    return [runs.clip(line, width) for line in found[:-1]]


def title(verdict: Verdict, width: int, room: int) -> list[Runs]:
    """Which playbook looked at whom, and what is known of that."""
    name: Runs = (
        (" mcptop ", "brand"),
        (f" diagnose {words.safe(verdict.playbook)} · ", "head"),
        (words.target(verdict), "head.strong"),
    )
    end: Runs = ((f"{words.finished(verdict)} ", "head.warning" if verdict.cancelled else "head.ok"),)
    is_short = runs.width(name) + runs.width(end) + 2 <= room
    first = runs.spread(name, end, room) if is_short else name
    about = words.about(verdict) if is_short else [words.finished(verdict), *words.about(verdict)]
    more = hanging(((" ", "text"),), ((_joined(about), "muted"),), room)
    return [_ground(first, width), *more] if about else [_ground(first, width)]


def steps(verdict: Verdict, room: int) -> list[Runs]:
    """Every step: how it ended, what it saw, how long it took."""
    if not verdict.evidence:
        return [((" no step was run", "muted"),)]
    found: list[Runs] = []
    names = min(max(runs.cells(words.safe(each.step)) for each in verdict.evidence), 16)
    kinds = min(max(runs.cells(words.safe(each.run)) for each in verdict.evidence), 16) if room >= 100 else 0
    for each in verdict.evidence:
        badge = STEPS[each.status]
        is_off = badge.tone == "dim"
        left: list[Run] = [(f" {badge.symbol} ", badge.tone)]
        left.append((runs.fit(words.safe(each.step), names), "muted" if is_off else "strong"))
        kind = words.safe(each.run) if each.run.replace("-", "_") != each.step else ""
        left.append((f"  {runs.fit(kind, kinds)}" if kinds else "", "dim"))
        says = words.sentence(words.seen(each))
        styles = {**_ON_GROUND, "text": "text" if badge.word and not is_off else "muted", "figure": "muted"}
        told = hanging((*left, ("  ", "text")), styled(says, styles, room // 2), room - 10)
        took = f"{each.duration_s:.1f} s " if not is_off else ""
        found += [runs.spread(told[0], ((took, "dim"),), room) if took else told[0], *told[1:]]
    return found


def verdict_block(verdict: Verdict, width: int, room: int) -> list[Runs]:
    """The answer, on a ground of its own."""
    badge = BADGES[verdict.status]
    head: list[Run] = [(f"{glued(f' {badge.symbol} {badge.word} ')}", f"badge.{badge.tone}"), (glued("  "), "head")]
    if verdict.mechanism is not None:
        head += [(words.safe(verdict.mechanism), f"head.{badge.tone}"), (glued("  "), "head")]
    head.append((glued(words.found(verdict)), "head.muted" if verdict.mechanism is None else "head"))
    indent: Runs = (("    ", "head"),)
    body = hanging(indent, styled(words.sentence(verdict.says), _RAISED, room - 6), room - 2, "head")
    if place := words.where(verdict):
        body += hanging(indent, styled(place, _RAISED, room - 6), room - 2, "head")
    found: list[Runs] = [*hanging((), head, room, "head", 4), (), *body, ()]
    return [_ground(line, width) for line in found]


def advice(verdict: Verdict, room: int) -> list[Runs]:
    """What to do now, how to mend it, and how to see that it is gone. Commands are never cut."""
    found = words.advice(verdict)
    if not found:
        return []
    told: list[Runs] = [reasons.heading("WHAT TO DO")]
    for label, pieces in found:
        left: Runs = (("   ", "text"), (runs.fit(label, 8), "accent.strong"))
        told += hanging(
            left, styled(pieces, _ON_GROUND, room - 12), room - 1, extra=2 if pieces[0].role == "command" else 0
        )
    return told


def evidence(verdict: Verdict, room: int) -> list[Runs]:
    """What was measured over time."""
    drawn = curves.drawn(verdict)
    found: list[Runs] = []
    names = min(max((runs.cells(curve.name) for curve in drawn.shown), default=0), 24)
    for curve in drawn.shown:
        width = min(_SPARK, room // 4)
        near = curve.known[-1] / curve.limit if curve.limit else 0.0
        tone = "critical" if near >= 0.9 else "warning" if near >= 0.75 else _TONES.get(curve.unit, "muted")
        drawing = runs.fit(curves.spark(curve, width), width)
        left: Runs = (("   ", "text"), (runs.fit(curve.name, names), "text"), (f"  {drawing}  ", tone))
        found += hanging(left, ((curves.summary(curve), "muted"),), room - 1)
    for says in curves.rest(drawn):
        found += hanging((("   ", "text"),), ((says, "dim"),), room - 1)
    return [reasons.heading("EVIDENCE"), *found] if found else []


def _joined(facts: list[str]) -> str:
    """One after the other; no line begins with what parts them."""
    return f"{glued(' ·')} ".join(facts)


_TONES = {"bytes": "memory", "cores": "cpu"}


def _ground(line: Runs, width: int) -> Runs:
    """The line on the raised ground, from edge to edge."""
    raised = ((text, "head" if style == "text" else style) for text, style in line)
    return (*raised, (" " * max(0, width - runs.width(line)), "head"))
