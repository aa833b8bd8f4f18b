"""Evidence and a playbook to a verdict. Pure: the same evidence gives the same verdict, byte for byte.

What is most likely is said; what could not be looked at is never good news.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from mcptop.model.diagnosis import (
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
from mcptop.model.playbook import Hypothesis, Playbook, Remedy, Severity
from mcptop.playbook import expressions, weigh
from mcptop.playbook.weigh import TARGET, Scored
from mcptop.units import duration, plain

FOUND = 0.5
"""A verdict needs more than all other explanations together."""
CONFIRMED, PROBABLE = 0.9, 0.7
_SUSPECTED = 0.25


def judge(playbook: Playbook, subject: Subject, evidence: Sequence[Evidence], run: Run) -> Verdict:
    """The verdict. Raises `ExpressionError` for a rule or text that fails on this evidence."""
    places = {step.id: at for at, step in enumerate(playbook.steps)}
    evidence = sorted(evidence, key=lambda each: places.get(each.step, len(places)))
    names = _names(subject, evidence)
    scored = [weigh.score(each, names, evidence) for each in playbook.hypotheses]
    confidence = weigh.confidences(scored)
    order = sorted((s for s in scored if s.applies), key=lambda s: -confidence[s.hypothesis.id])
    best = order[0] if order and confidence[order[0].hypothesis.id] >= FOUND else None
    status = _status(best, order, confidence, evidence, run)
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
        says=_says(named, status, names, order, evidence, run),
        culprit=_culprit(named, subject, names) if named is not None and named.severity is not Severity.NONE else None,
        runner_up=_runner_up(order, confidence) if named is not None else None,
        do=_remedy(named, names, playbook.name, subject) if named is not None else Remedy(),
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
        TARGET: msgspec.to_builtins(subject),
        **{each.step: each.values for each in evidence if each.status is StepStatus.OK},
    }


def _status(
    best: Scored | None, order: Sequence[Scored], confidence: Mapping[str, float], evidence: Sequence[Evidence],
    run: Run,
) -> Outcome:  # fmt: skip
    if best is not None and best.hypothesis.severity is not Severity.NONE:
        return Outcome.PROBLEM if best.hypothesis.severity is Severity.CRITICAL else Outcome.WARNING
    troubles = _troubles(order)
    blind = not order or any(s.missing for s in troubles) or not any(e.status is StepStatus.OK for e in evidence)
    suspected = any(confidence[s.hypothesis.id] >= _SUSPECTED for s in troubles)
    return Outcome.INCONCLUSIVE if blind or suspected or run.cancelled else Outcome.HEALTHY


def _troubles(order: Sequence[Scored]) -> list[Scored]:
    return [s for s in order if s.hypothesis.severity is not Severity.NONE]


def _level(sure: float, status: Outcome) -> str | None:
    if status not in (Outcome.PROBLEM, Outcome.WARNING):
        return None
    return "confirmed" if sure >= CONFIRMED else "probable" if sure >= PROBABLE else "watch"


def _says(
    named: Hypothesis | None, status: Outcome, names: Mapping[str, Any], order: Sequence[Scored],
    evidence: Sequence[Evidence], run: Run,
) -> str:  # fmt: skip
    if named is None and status is Outcome.HEALTHY:
        return f"nothing found: none of {len(order)} explanations has evidence"
    if named is None:
        return f"cannot tell: {_in_the_way(order, evidence, run)}"
    says = expressions.render(named.says, names)
    if status is not Outcome.INCONCLUSIVE:
        return says
    return f"{says.rstrip('.')}; beside that one cannot tell: {_in_the_way(order, evidence, run)}"


def _in_the_way(order: Sequence[Scored], evidence: Sequence[Evidence], run: Run) -> str:
    failed = [f"{e.step}: {e.message or e.status}" for e in evidence if e.status is not StepStatus.OK and e.applies]
    missing = dict.fromkeys(need for s in _troubles(order) for need in s.missing)
    if missing:
        return f"no {', '.join(missing)}" + (f" ({'; '.join(failed)})" if failed else "")
    if not order:
        return "none of the explanations is for such a target"
    if run.cancelled:
        return f"it was stopped after {duration(run.duration_s)}"
    likely = [s.hypothesis.id for s in _troubles(order) if s.supports][:2]
    if likely:
        return f"the evidence for {' or '.join(likely)} is not enough; look longer, or at a busier time"
    return f"no step gave evidence ({'; '.join(failed)})" if failed else "no step gave evidence"


def _culprit(hypothesis: Hypothesis, subject: Subject, names: Mapping[str, Any]) -> Culprit:
    rule = hypothesis.culprit
    texts = {key: getattr(rule, key) for key in rule.__struct_fields__}
    found = {key: _part(key, expressions.value(text, names)) for key, text in texts.items() if text}
    known = {key: each for key, each in found.items() if each is not None}
    is_other = known.get("service", subject.service) != subject.service
    own = {} if is_other else {
        "container": subject.container,
        "pid": subject.pid,
        "inner_pid": subject.inner_pid,
    }  # fmt: skip
    merged = {"service": subject.service, **own, **known}
    if merged.get("pid") != subject.pid:
        merged.pop("inner_pid", None)
    return msgspec.convert(merged, Culprit)


def _part(key: str, value: Any) -> str | int | None:
    """A part of a culprit as what it has to be; what it cannot be is not known."""
    if key not in ("pid", "line"):
        return plain(str(value)) if isinstance(value, (str, int, float)) else None
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _remedy(hypothesis: Hypothesis, names: Mapping[str, Any], playbook: str, subject: Subject) -> Remedy:
    """What to do; whether it helped is verified by the same diagnosis, unless the playbook knows better."""
    do = hypothesis.do
    now, fix, verify = (expressions.render(text, names) for text in (do.now, do.fix, do.verify))
    if not verify and hypothesis.severity is not Severity.NONE:
        name = f"{subject.project}/{subject.service}" if subject.project else subject.service
        verify = f"mcptop diagnose {playbook} --service {shlex.quote(plain(name))}"
    return Remedy(now, fix, verify)


def _runner_up(order: Sequence[Scored], confidence: Mapping[str, float]) -> RunnerUp | None:
    best = order[0]
    others = [s for s in order[1:] if s.supports] or [s for s in order[1:] if s.contradicts]
    if not others:
        return None
    second = others[0]
    shared = {argument.because for argument in second.supports}
    separating = [argument.because for argument in best.supports if argument.because not in shared]
    because = second.contradicts[0].because if second.contradicts else (separating or [""])[0]
    return RunnerUp(second.hypothesis.id, confidence[second.hypothesis.id], because)


def _weighed(scored: Scored, confidence: Mapping[str, float]) -> Weighed:
    return Weighed(
        mechanism=scored.hypothesis.id,
        confidence=confidence[scored.hypothesis.id],
        severity=scored.hypothesis.severity,
        supports=scored.supports,
        contradicts=scored.contradicts,
        missing=scored.missing,
        unknown=scored.unknown,
    )
