"""From evidence to a verdict: weights to confidence, what is missing is never good news, and always the same bytes."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from math import exp
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcptop.model.diagnosis import Evidence, Outcome, Run, StepStatus, Subject, Verdict
from mcptop.model.playbook import Budget, CulpritRule, Hypothesis, Playbook, Remedy, Rule, Severity, Step
from mcptop.playbook.case import encode, verdict_of
from mcptop.playbook.expressions import ExpressionError
from mcptop.playbook.judge import judge
from mcptop.playbook.weigh import NOTHING
from tests.playbook import examples

SUBJECT = Subject("container", "p", "api", "api-1", container="c0ffee", pid=70, inner_pid=7, pids=(70,))
VALUES = {"a": {"t": True, "u": True, "f": False, "n": None, "x": 3, "where": "f.py"}, "b": {"t": True, "low": 0}}


def rules(*given: str | tuple[str, float]) -> tuple[Rule, ...]:
    """Conditions with their weights; each is its own reason."""
    pairs = [each if isinstance(each, tuple) else (each, 1.0) for each in given]
    return tuple(Rule(text, weight, f"because {text}") for text, weight in pairs)


def hypothesis(id: str, *supports: str | tuple[str, float], severity: str = "warning", **more: Any) -> Hypothesis:
    against = rules(*more.pop("against", ()))
    more = {"says": f"it is {id}", "needs": (), **more}
    return Hypothesis(id=id, severity=Severity(severity), supports=rules(*supports), contradicts=against, **more)


def evidence(values: Mapping[str, Mapping[str, Any]] = VALUES, **failed: StepStatus) -> list[Evidence]:
    """Steps that gave these values, and steps that failed."""
    good = [Evidence(step, step, StepStatus.OK, values=dict(each)) for step, each in values.items()]
    return good + [Evidence(step, step, status, f"{status} it is") for step, status in failed.items()]


def judged(
    *hypotheses: Hypothesis, of: Sequence[Evidence] | None = None, subject: Subject = SUBJECT, cancelled: bool = False
) -> Verdict:
    found = evidence() if of is None else of
    steps = tuple(Step(each, each, {}) for each in ("a", "b", "c", "d"))
    playbook = Playbook("test", "Test", ("container",), "cpu", Budget(), steps, hypotheses)
    return judge(playbook, subject, found, Run("2026-01-31T12:00:00Z", 1.25, cancelled=cancelled))


def test_weights_become_confidence_beside_nothing_of_all_this() -> None:
    one, two = ("a.t", 4.0), ("b.t", 2.0)
    found = judged(hypothesis("x", one, two, against=[("a.x == 3", 1.5)]), hypothesis("y", ("a.t", 3.0), prior=0.5),
                   hypothesis("z", ("a.f", 9.0)), hypothesis("w"))  # fmt: skip
    total = exp(NOTHING) + exp(4.5) + exp(3.5)
    confidence = {each.mechanism: each.confidence for each in found.hypotheses}
    assert confidence == {"x": round(exp(4.5) / total, 3), "y": round(exp(3.5) / total, 3), "z": 0.0, "w": 0.0}
    assert (found.mechanism, found.status, found.severity) == ("x", Outcome.WARNING, Severity.WARNING)
    assert (found.confidence, found.says) == (confidence["x"], "it is x")
    weighed = found.hypotheses[0]
    assert [(each.because, each.weight) for each in weighed.supports] == [("because a.t", 4.0), ("because b.t", 2.0)]
    assert [each.because for each in weighed.contradicts] == ["because a.x == 3"]


def test_one_strong_piece_of_evidence_is_not_enough_and_two_are() -> None:
    assert judged(hypothesis("x", ("a.t", NOTHING - 0.1))).mechanism is None
    assert judged(hypothesis("x", ("a.t", NOTHING), ("b.t", NOTHING))).mechanism == "x"


@pytest.mark.parametrize(
    ("weight", "level"), [(3.1, "watch"), (3.9, "probable"), (5.1, "probable"), (5.3, "confirmed"), (9.0, "confirmed")]
)
def test_levels(weight: float, level: str) -> None:
    assert judged(hypothesis("x", ("a.t", weight), ("b.t", 0.001))).level == level


@pytest.mark.parametrize(
    ("supports", "confirmed"),
    [
        ([("a.t", 10.0)], False),
        ([("a.t", 5.0), ("a.t == true", 5.0), ("not not a.t", 1.0)], False),
        ([("a.t and target.name == 'api-1'", 10.0)], False),
        ([("true", 10.0)], False),
        ([("a.t", 5.0), ("a.u", 5.0)], True),
        ([("a.t and b.t", 10.0)], True),
        ([("a.t", 5.0), ("b.f", 5.0)], False),
    ],
)
def test_evidence_of_one_family_confirms_nothing(supports: list[tuple[str, float]], confirmed: bool) -> None:
    found = judged(hypothesis("x", *supports))
    assert found.mechanism == "x"
    assert (found.level == "confirmed", found.confidence > 0.85) == (confirmed, confirmed)


def test_a_hundred_rules_are_no_number_too_large() -> None:
    found = judged(hypothesis("x", *[("a.t and b.t", 10.0)] * 100), hypothesis("y", ("a.t", 4.0)))
    assert (found.mechanism, found.confidence) == ("x", 0.99)


@pytest.mark.parametrize("needs", ["c", "c.value", "a.n", "a.nobody", "b.low.deeper"])
def test_a_trouble_that_could_not_be_looked_for_is_not_cleared(needs: str) -> None:
    found = judged(hypothesis("x", ("c.t", 5.0), needs=(needs,)), of=evidence(c=StepStatus.TIMEOUT))
    assert (found.status, found.mechanism, found.severity) == (Outcome.INCONCLUSIVE, None, Severity.NONE)
    assert found.hypotheses[0].missing == (needs,)
    assert found.says == f"cannot tell: no {needs} (c: timeout it is)"
    assert (found.level, found.culprit, found.do.now) == (None, None, "")


def test_what_is_missing_does_not_hide_another_trouble() -> None:
    found = judged(hypothesis("x", needs=("c",)), hypothesis("y", ("a.t", 5.0), ("b.t", 2.0), severity="critical"))
    assert (found.status, found.mechanism) == (Outcome.PROBLEM, "y")


def test_one_that_needs_what_is_missing_is_not_found_even_if_all_else_speaks_for_it() -> None:
    found = judged(hypothesis("x", ("a.t", 9.0), ("b.t", 9.0), needs=("c",)))
    assert (found.status, found.mechanism, found.hypotheses[0].confidence) == (Outcome.INCONCLUSIVE, None, 0.0)


@pytest.mark.parametrize("status", [status for status in StepStatus if status is not StepStatus.OK])
def test_no_evidence_at_all_is_not_healthy(status: StepStatus) -> None:
    found = judged(hypothesis("x", ("a.t", 3.0)), of=evidence({}, a=status, b=status))
    assert found.status is Outcome.INCONCLUSIVE
    assert found.says == f"cannot tell: no step gave evidence (a: {status} it is; b: {status} it is)"


def test_healthy_is_what_has_been_looked_at_and_shows_nothing() -> None:
    found = judged(hypothesis("x", ("a.f", 5.0), needs=("a",)), hypothesis("y", ("a.t", 0.5), needs=("b.low",)))
    assert (found.status, found.mechanism) == (Outcome.HEALTHY, None)
    assert found.says == "nothing found: none of 2 explanations has evidence"


def test_a_suspicion_is_neither_found_nor_healthy() -> None:
    found = judged(hypothesis("x", ("a.t", 2.5)))
    assert (found.status, found.mechanism) == (Outcome.INCONCLUSIVE, None)
    assert found.says == "cannot tell: the evidence for x is not enough; look longer, or at a busier time"


def test_a_harmless_explanation_is_healthy() -> None:
    harmless = hypothesis(
        "page-cache", ("a.t", 5.0), ("b.t", 1.0), severity="none", culprit=CulpritRule(file="a.where")
    )
    found = judged(harmless, hypothesis("x", ("a.t", 2.0), needs=("a",)))
    assert (found.status, found.mechanism, found.says) == (Outcome.HEALTHY, "page-cache", "it is page-cache")
    assert (found.severity, found.level, found.culprit) == (Severity.NONE, None, None)


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (hypothesis("x", needs=("c",)), "it is h; beside that one cannot tell: no c"),
        (hypothesis("x", ("a.t", 4.5)), "it is h; beside that one cannot tell: the evidence for x is not enough"),
    ],
)
def test_a_harmless_explanation_clears_no_trouble_that_may_be_there(other: Hypothesis, says: str) -> None:
    found = judged(hypothesis("h", ("a.t", 5.0), ("b.t", 0.1), severity="none"), other)
    assert (found.status, found.mechanism, found.severity) == (Outcome.INCONCLUSIVE, "h", Severity.NONE)
    assert found.says.startswith(says)


def test_who_was_stopped_has_found_something_or_cannot_tell() -> None:
    harmless = hypothesis("h", ("a.t", 5.0), ("b.t", 0.1), severity="none")
    nothing, calm, trouble = (judged(each, cancelled=True) for each in (
        hypothesis("x", ("a.f", 5.0)), harmless, hypothesis("x", ("a.t", 5.0), ("b.t", 1.0), severity="critical")
    ))  # fmt: skip
    assert (nothing.status, nothing.says) == (Outcome.INCONCLUSIVE, "cannot tell: it was stopped after 1.2s")
    assert (calm.status, calm.mechanism) == (Outcome.INCONCLUSIVE, "h")
    assert calm.says == "it is h; beside that one cannot tell: it was stopped after 1.2s"
    assert (trouble.status, trouble.says) == (Outcome.PROBLEM, "it is x")


def test_a_step_that_is_not_for_the_target_is_not_missing() -> None:
    skipped = [*evidence({"a": VALUES["a"]}), Evidence("b", "b", StepStatus.SKIPPED, "not Python", applies=False)]
    found = judged(hypothesis("x", ("b.t", 5.0), needs=("b",)), hypothesis("y", ("a.f", 5.0), ("b.t", 1.0)), of=skipped)
    assert (found.status, [each.mechanism for each in found.hypotheses]) == (Outcome.HEALTHY, ["y"])
    assert found.hypotheses[0].unknown == ()
    only = judged(hypothesis("x", ("b.t", 5.0), needs=("b",)), of=skipped)
    assert (only.status, only.says) == (
        Outcome.INCONCLUSIVE,
        "cannot tell: none of the explanations is for such a target",
    )


def test_what_would_have_helped_is_told() -> None:
    one = hypothesis("x", ("c.t", 5.0), ("a.n > 3", 1.0), ("a.t", 1.0), against=["c.u", "nobody.x"])
    found = judged(one, of=evidence(c=StepStatus.NO_DATA))
    assert found.hypotheses[0].unknown == ("c.t", "a.n", "c.u")


def test_the_runner_up_and_what_separated_them() -> None:
    shared, own = ("a.t", 3.0), ("b.t", 3.0)
    second = hypothesis("y", shared, ("a.u", 1.0))
    found = judged(second, hypothesis("x", shared, own))
    assert found.runner_up is not None
    assert (found.runner_up.mechanism, found.runner_up.because) == ("y", "because b.t")
    assert found.runner_up.confidence == found.hypotheses[1].confidence > 0
    against = judged(hypothesis("x", shared, own), hypothesis("y", shared, against=["a.u", ("b.low == 0", 2.0)]))
    assert against.runner_up is not None
    assert against.runner_up.because == "because b.low == 0"


def test_who_only_has_something_against_it_is_the_runner_up_of_last_resort() -> None:
    best = hypothesis("x", ("a.t", 5.0), ("b.t", 5.0))
    found = judged(hypothesis("z"), hypothesis("y", against=["a.t"]), best)
    assert found.runner_up is not None
    assert (found.runner_up.mechanism, found.runner_up.confidence) == ("y", 0.0)
    assert judged(best, hypothesis("z")).runner_up is None
    assert judged(hypothesis("x", ("a.t", 1.0)), hypothesis("y", ("a.t", 1.0))).runner_up is None


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({}, ("api", "c0ffee", 70, 7, None, None)),
        ({"file": "a.where", "line": "a.x"}, ("api", "c0ffee", 70, 7, "f.py", 3)),
        ({"service": "target.service"}, ("api", "c0ffee", 70, 7, None, None)),
        ({"service": "'db'"}, ("db", None, None, None, None, None)),
        ({"service": "'db'", "pid": "99"}, ("db", None, 99, None, None, None)),
        ({"pid": "71"}, ("api", "c0ffee", 71, None, None, None)),
        ({"service": "c.nobody", "pid": "a.n", "line": "a.where"}, ("api", "c0ffee", 70, 7, None, None)),
        ({"line": "12.0", "file": "[1]"}, ("api", "c0ffee", 70, 7, None, 12)),
        ({"file": "a", "line": "'x'"}, ("api", "c0ffee", 70, 7, None, None)),
    ],
)
def test_the_culprit(rule: dict[str, str], expected: tuple[object, ...]) -> None:
    found = judged(hypothesis("x", ("a.t", 5.0), ("b.t", 5.0), culprit=CulpritRule(**rule))).culprit
    assert found is not None
    assert (found.service, found.container, found.pid, found.inner_pid, found.file, found.line) == expected


def test_texts_have_their_figures_and_unknown_ones_do_not_matter() -> None:
    do = Remedy("restart {{ target.name }}", "look at {{ a.where }}{% if a.n > 3 %} now{% endif %}", "{{ a.n | size }}")
    found = judged(hypothesis("x", ("a.t", 5.0), ("b.t", 5.0), says="{{ a.x * 2 }} of {{ a.n * 2 }}", do=do))
    assert (found.says, found.do.now, found.do.fix) == ("6 of -", "restart api-1", "look at f.py-")
    assert found.do.verify == "-"


def test_a_rule_that_fails_on_the_evidence_says_which() -> None:
    with pytest.raises(ExpressionError, match=r"^`a.where > 3`: TypeError"):
        judged(hypothesis("x", ("a.where > 3", 1.0)))


def test_the_order_of_the_evidence_does_not_matter() -> None:
    found = evidence(c=StepStatus.TIMEOUT, d=StepStatus.NO_DATA)
    for hypotheses in (
        [hypothesis("x", ("a.t", 4.0), ("b.t", 1.0)), hypothesis("y", ("a.t", 3.0), needs=("c",))],
        [hypothesis("x", needs=("c", "d.x"))],
    ):
        expected = encode(judged(*hypotheses, of=found))
        for seed in range(6):
            shuffled = random.Random(seed).sample(found, len(found))
            assert encode(judged(*hypotheses, of=shuffled)) == expected


def test_of_equals_the_first_in_the_playbook_is_named() -> None:
    same = [("a.t", 5.0), ("b.t", 1.0)]
    found = judged(hypothesis("x", *same), hypothesis("y", *same), hypothesis("z", *same))
    assert [each.mechanism for each in found.hypotheses] == ["x", "y", "z"]


@pytest.mark.parametrize("name", examples.ALL)
def test_the_same_evidence_gives_the_same_bytes(name: str) -> None:
    assert len({encode(verdict_of(examples.ALL[name])) for _ in range(3)}) == 1


conditions = st.sampled_from(["a.t", "a.u", "b.t", "a.f", "a.n", "c.x > 1", "b.low == 0", "a.t and b.t", "a.n or b.t"])
pairs = st.lists(st.tuples(conditions, st.floats(0.1, 10)), max_size=4)
made = st.builds(
    lambda supports, against, prior, severity, needs: (supports, against, prior, severity, needs),
    pairs, pairs, st.floats(-3, 3), st.sampled_from(["none", "warning", "critical"]),
    st.lists(st.sampled_from(["a", "b.low", "c", "a.n"]), max_size=1),
)  # fmt: skip


def of(number: int, parts: tuple[Any, ...], *more: tuple[str, float]) -> Hypothesis:
    supports, against, prior, severity, needs = parts
    return hypothesis(
        f"h{number}", *supports, *more, against=against, prior=prior, severity=severity, needs=tuple(needs)
    )


@settings(deadline=None)
@given(st.lists(made, min_size=1, max_size=4), st.data())
def test_what_speaks_for_a_hypothesis_never_lowers_its_confidence(parts: list[Any], data: st.DataObject) -> None:
    chosen = data.draw(st.integers(0, len(parts) - 1))
    extra = data.draw(st.tuples(st.sampled_from(["a.t", "b.t", "b.low == 0"]), st.floats(0.1, 10)))
    failed = evidence(c=StepStatus.TIMEOUT)
    before = judged(*(of(at, each) for at, each in enumerate(parts)), of=failed)
    after = judged(*(of(at, each, *([extra] if at == chosen else [])) for at, each in enumerate(parts)), of=failed)

    def confidence(verdict: Verdict) -> dict[str, float]:
        return {each.mechanism: each.confidence for each in verdict.hypotheses}

    old, new = confidence(before), confidence(after)
    assert new[f"h{chosen}"] >= old[f"h{chosen}"]
    assert all(new[key] <= old[key] for key in old if key != f"h{chosen}")


@settings(deadline=None)
@given(st.lists(made, max_size=4))
def test_every_verdict_holds_together(parts: list[Any]) -> None:
    found = judged(*(of(at, each) for at, each in enumerate(parts)), of=evidence(c=StepStatus.TIMEOUT))
    confidence = [each.confidence for each in found.hypotheses]
    assert confidence == sorted(confidence, reverse=True)
    assert all(0 <= each <= 0.99 for each in confidence)
    assert sum(confidence) < 1.002
    named = found.hypotheses[0] if found.mechanism else None
    assert (named is None) == (found.confidence < 0.5)
    if found.status in (Outcome.PROBLEM, Outcome.WARNING):
        assert named is not None
        assert named.supports
        assert not named.missing
        assert (named.severity is Severity.CRITICAL) == (found.status is Outcome.PROBLEM)
    if found.status is Outcome.HEALTHY:
        assert not any(each.missing for each in found.hypotheses if each.severity is not Severity.NONE)
