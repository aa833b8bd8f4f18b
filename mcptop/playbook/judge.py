"""Evidence and a playbook to a verdict. Pure: the same evidence gives the same verdict, byte for byte.

The hypotheses exclude each other, and "nothing of all this" competes with them: each rule that holds adds its weight
(a logarithm of how much more likely that is if the hypothesis holds), and a hypothesis' confidence is its share of the
sum of all exponentials. One without a rule that speaks for it has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import exp
from typing import Any

import msgspec
from msgspec import Struct

from mcptop.model.diagnosis import (
    Argument,
    Culprit,
    Evidence,
    Outcome,
    Run,
    RunnerUp,
    StepStatus,
    Subject,
    Verdict,
    Weighed,
)
from mcptop.model.playbook import Hypothesis, Playbook, Remedy, Rule, Severity
from mcptop.playbook import expressions
from mcptop.playbook.expressions import Unknown

NOTHING = 3.0
"""The weight of "nothing of all this": one strong piece of evidence is as good as none, two are not."""
FOUND = 0.5
"""A verdict needs more than all other explanations together."""
CONFIRMED, PROBABLE = 0.9, 0.7
_ONE_FAMILY = 0.85
"""Most that evidence of a single family can give: confirmed needs two that agree."""
_SUSPECTED = 0.25


class _Scored(Struct, frozen=True):
    hypothesis: Hypothesis
    score: float
    supports: tuple[Argument, ...]
    contradicts: tuple[Argument, ...]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    families: int
    applies: bool


def judge(playbook: Playbook, subject: Subject, evidence: Sequence[Evidence], run: Run) -> Verdict:
    """The verdict. Raises `ExpressionError` for a rule or text that fails on this evidence."""
    names = _names(subject, evidence)
    scored = [_score(each, names, evidence) for each in playbook.hypotheses]
    confidence = _confidences(scored)
    order = sorted((s for s in scored if s.applies), key=lambda s: -confidence[s.hypothesis.id])
    best = order[0] if order and confidence[order[0].hypothesis.id] >= FOUND else None
    status = _status(best, order, confidence, evidence)
    found = best is not None and status is not Outcome.INCONCLUSIVE
    named = best.hypothesis if best is not None else None
    sure = confidence[named.id] if named is not None else 0.0
    return Verdict(
        playbook=playbook.name,
        title=playbook.title,
        target=subject,
        status=status,
        mechanism=named.id if named is not None else None,
        severity=named.severity if named is not None and found else Severity.NONE,
        confidence=sure,
        level=_level(sure, status),
        says=expressions.render(named.says, names) if named is not None else _nothing(status, order, evidence),
        culprit=_culprit(named, subject, names) if named is not None and named.severity is not Severity.NONE else None,
        runner_up=_runner_up(order, confidence) if named is not None else None,
        do=_remedy(named, names) if named is not None else Remedy(),
        hypotheses=tuple(_weighed(each, confidence) for each in order),
        evidence=tuple(evidence),
        started_at=run.started_at,
        duration_s=run.duration_s,
        cost=run.cost,
        cancelled=run.cancelled,
        version=run.version,
    )


def _names(subject: Subject, evidence: Iterable[Evidence]) -> dict[str, Any]:
    """What conditions can see: the values of every step that gave some, and the target."""
    return {
        "target": msgspec.to_builtins(subject),
        **{each.step: each.values for each in evidence if each.status is StepStatus.OK},
    }


def _score(hypothesis: Hypothesis, names: Mapping[str, Any], evidence: Sequence[Evidence]) -> _Scored:
    known = {each.step: each for each in evidence}
    supports, unknown_for, families = _held(hypothesis.supports, names, known)
    contradicts, unknown_against, _ = _held(hypothesis.contradicts, names, known)
    missing = tuple(need for need in hypothesis.needs if expressions.value(need, names) is None)
    score = hypothesis.prior + sum(a.weight for a in supports) - sum(a.weight for a in contradicts)
    return _Scored(
        hypothesis=hypothesis,
        score=score,
        supports=supports,
        contradicts=contradicts,
        missing=missing,
        unknown=tuple(dict.fromkeys((*unknown_for, *unknown_against))),
        families=len(families),
        applies=all(known[step].applies for step in map(_step_of, hypothesis.needs) if step in known),
    )


def _held(
    rules: Iterable[Rule], names: Mapping[str, Any], known: Mapping[str, Evidence]
) -> tuple[tuple[Argument, ...], list[str], set[str]]:
    """The rules that hold, what nobody knows, and the families of evidence those that hold come from."""
    held, unknown, families = [], [], set()
    for rule in rules:
        try:
            if not expressions.holds(rule.condition, names):
                continue
        except Unknown as missing:
            step = known.get(_step_of(str(missing)))
            if step is not None and step.applies:
                unknown.append(str(missing))
            continue
        held.append(Argument(expressions.render(rule.because, names), rule.weight))
        families |= {".".join(name.split(".")[:2]) for name in expressions.names_in(rule.condition, template=False)}
    return tuple(sorted(held, key=lambda argument: -argument.weight)), unknown, families


def _step_of(name: str) -> str:
    return name.partition(".")[0]


def _confidences(scored: Sequence[_Scored]) -> dict[str, float]:
    stands = {s.hypothesis.id: exp(s.score) for s in scored if s.applies and s.supports and not s.missing}
    total = exp(NOTHING) + sum(stands.values())
    return {
        s.hypothesis.id: round(
            min(stands.get(s.hypothesis.id, 0.0) / total, _ONE_FAMILY if s.families < 2 else 0.99), 3
        )
        for s in scored
    }


def _status(
    best: _Scored | None, order: Sequence[_Scored], confidence: Mapping[str, float], evidence: Sequence[Evidence]
) -> Outcome:
    if best is not None and best.hypothesis.severity is not Severity.NONE:
        return Outcome.PROBLEM if best.hypothesis.severity is Severity.CRITICAL else Outcome.WARNING
    troubles = [s for s in order if s.hypothesis.severity is not Severity.NONE]
    blind = any(s.missing for s in troubles) or not any(e.status is StepStatus.OK for e in evidence)
    suspected = any(confidence[s.hypothesis.id] >= _SUSPECTED for s in troubles)
    return Outcome.INCONCLUSIVE if blind or suspected else Outcome.HEALTHY


def _level(sure: float, status: Outcome) -> str | None:
    if status not in (Outcome.PROBLEM, Outcome.WARNING):
        return None
    return "confirmed" if sure >= CONFIRMED else "probable" if sure >= PROBABLE else "watch"


def _nothing(status: Outcome, order: Sequence[_Scored], evidence: Sequence[Evidence]) -> str:
    if status is Outcome.HEALTHY:
        return f"nothing found: none of {len(order)} explanations has evidence"
    failed = [f"{e.step}: {e.message or e.status}" for e in evidence if e.status is not StepStatus.OK and e.applies]
    missing = dict.fromkeys(need for s in order if s.hypothesis.severity is not Severity.NONE for need in s.missing)
    if missing:
        return f"cannot tell: no {', '.join(missing)}" + (f" ({'; '.join(failed)})" if failed else "")
    likely = [s.hypothesis.id for s in order if s.supports and s.hypothesis.severity is not Severity.NONE][:2]
    return f"cannot tell: the evidence for {' or '.join(likely)} is not enough; look longer, or at a busier time"


def _culprit(hypothesis: Hypothesis, subject: Subject, names: Mapping[str, Any]) -> Culprit:
    rule = hypothesis.culprit
    found = {key: expressions.value(text, names) for key in rule.__struct_fields__ if (text := getattr(rule, key))}
    is_other = found.get("service") not in (None, subject.service)
    own = {} if is_other else {
        "container": subject.container,
        "pid": subject.pid,
        "inner_pid": subject.inner_pid,
    }  # fmt: skip
    merged = {"service": subject.service, **own, **{key: each for key, each in found.items() if each is not None}}
    if merged.get("pid") != subject.pid:
        merged.pop("inner_pid", None)
    return msgspec.convert(merged, Culprit, strict=False)


def _remedy(hypothesis: Hypothesis, names: Mapping[str, Any]) -> Remedy:
    do = hypothesis.do
    return Remedy(*(expressions.render(text, names) for text in (do.now, do.fix, do.verify)))


def _runner_up(order: Sequence[_Scored], confidence: Mapping[str, float]) -> RunnerUp | None:
    best = order[0]
    others = [s for s in order[1:] if s.supports] or [s for s in order[1:] if s.contradicts]
    if not others:
        return None
    second = others[0]
    shared = {argument.because for argument in second.supports}
    separating = [argument.because for argument in best.supports if argument.because not in shared]
    because = second.contradicts[0].because if second.contradicts else (separating or [""])[0]
    return RunnerUp(second.hypothesis.id, confidence[second.hypothesis.id], because)


def _weighed(scored: _Scored, confidence: Mapping[str, float]) -> Weighed:
    return Weighed(
        mechanism=scored.hypothesis.id,
        confidence=confidence[scored.hypothesis.id],
        severity=scored.hypothesis.severity,
        supports=scored.supports,
        contradicts=scored.contradicts,
        missing=scored.missing,
        unknown=scored.unknown,
    )
