"""Hypotheses weighed against each other: rules and evidence to confidence.

The hypotheses exclude each other, and "nothing of all this" competes with them: each rule that holds adds its weight
(a logarithm of how much more likely that is if the hypothesis holds), and a hypothesis' confidence is its share of the
sum of all exponentials. One without a rule that speaks for it has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import exp
from typing import Any

from msgspec import Struct

from mcptop.model.diagnosis import Argument, Evidence
from mcptop.model.playbook import Hypothesis, Rule
from mcptop.playbook import expressions
from mcptop.playbook.expressions import Unknown

NOTHING = 3.0
"""The weight of "nothing of all this": one strong piece of evidence is as good as none, two are not."""
TARGET = "target"
"""What the target goes by in conditions."""
_ONE_FAMILY = 0.85
"""Most that evidence of a single family can give: confirmed needs two that agree."""
_MOST = 0.99


class Scored(Struct, frozen=True):
    """A hypothesis with the rules that hold."""

    hypothesis: Hypothesis
    score: float
    supports: tuple[Argument, ...]
    contradicts: tuple[Argument, ...]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    families: int
    applies: bool


def score(hypothesis: Hypothesis, names: Mapping[str, Any], evidence: Sequence[Evidence]) -> Scored:
    """Weigh one. Raises `ExpressionError` for a rule that fails on this evidence."""
    known = {each.step: each for each in evidence}
    supports, unknown_for, families = _held(hypothesis.supports, names, known)
    contradicts, unknown_against, _ = _held(hypothesis.contradicts, names, known)
    missing = tuple(need for need in hypothesis.needs if expressions.value(need, names) is None)
    score = hypothesis.prior + sum(a.weight for a in supports) - sum(a.weight for a in contradicts)
    return Scored(
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
        looked_at = expressions.names_in(rule.condition, template=False)
        # What the target is, is no evidence that could agree with another.
        families |= {".".join(name.split(".")[:2]) for name in looked_at if _step_of(name) != TARGET}
    return tuple(sorted(held, key=lambda argument: -argument.weight)), unknown, families


def _step_of(name: str) -> str:
    return name.partition(".")[0]


def confidences(scored: Sequence[Scored]) -> dict[str, float]:
    """Of each hypothesis, by its id."""
    scores = {s.hypothesis.id: s.score for s in scored if s.applies and s.supports and not s.missing}
    # All relative to the highest: the sum of a hundred rules is no number any more.
    top = max(NOTHING, *scores.values()) if scores else NOTHING
    stands = {id: exp(score - top) for id, score in scores.items()}
    total = exp(NOTHING - top) + sum(stands.values())
    return {
        s.hypothesis.id: round(
            min(stands.get(s.hypothesis.id, 0.0) / total, _ONE_FAMILY if s.families < 2 else _MOST), 3
        )
        for s in scored
    }
