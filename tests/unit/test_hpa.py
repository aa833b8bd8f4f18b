"""Known answers of Kubernetes' own tests and documentation.

kubernetes/kubernetes, pkg/controller/podautoscaler/horizontal_test.go (TestScalingWithRules,
TestCalculateScaleUpLimitWithScalingRules, TestCalculateScaleDownLimitWithBehaviors,
TestNormalizeDesiredReplicasWithBehavior, TestStoreScaleEvents), and kubernetes/website,
content/en/docs/tasks/run-application/horizontal-pod-autoscale.md.
"""

from __future__ import annotations

from itertools import pairwise

import pytest

from mcptop.analysis import hpa
from mcptop.analysis.hpa import Behavior, Past, Policy, PolicyType, Proposed, Rules, Select
from mcptop.analysis.hpa_course import course

NOW = 10_000.0


def rules(pods: int, pods_s: int, percent: int, percent_s: int, window_s: float, select: Select = Select.MAX) -> Rules:
    policies = []
    if pods:
        policies.append(Policy(PolicyType.PODS, pods, pods_s))
    if percent:
        policies.append(Policy(PolicyType.PERCENT, percent, percent_s))
    return Rules(window_s, tuple(policies), select)


def spread(changes: list[int], over_s: float) -> tuple[tuple[float, int], ...]:
    """Each in the middle of its part of the window before now, as generateEventsUniformDistribution does."""
    part = over_s / len(changes)
    return tuple((NOW - over_s + part * (number + 0.5), change) for number, change in enumerate(changes))


UP, DOWN = hpa.DEFAULT.up, hpa.DEFAULT.down
# name, current, asked, least, most, up, down, ups, downs, replicas, reason
SCALING_WITH_RULES = [
    ("within range", 5, 7, 3, 8, UP, DOWN, [], [], 7, "DesiredWithinRange"),
    ("too few", 3, 1, 2, 8, UP, DOWN, [], [], 2, "TooFewReplicas"),
    ("zero allowed", 1, 0, 0, 10, UP, DOWN, [], [], 0, "DesiredWithinRange"),
    ("maximum before the limit", 20, 1000, 1, 10, UP, DOWN, [], [], 10, "TooManyReplicas"),
    ("more than the maximum", 100, 1000, 100, 150, UP, DOWN, [], [], 150, "TooManyReplicas"),
    ("one percent is one more", 3, 1000, 1, 2000, rules(0, 0, 1, 60, 0), DOWN, [], [], 4, "ScaleUpLimit"),
    ("pods down", 1000, 3, 3, 2000, UP, rules(20, 60, 0, 0, 0), [], [], 980, "ScaleDownLimit"),
    ("default up", 10, 50, 1, 1000, UP, DOWN, [], [], 20, "ScaleUpLimit"),
    ("pods larger than percent", 10, 500, 1, 1000, rules(100, 60, 100, 60, 0), DOWN, [], [], 110, "ScaleUpLimit"),
    ("percent larger than pods", 10, 500, 1, 1000, rules(2, 60, 100, 60, 0), DOWN, [], [], 20, "ScaleUpLimit"),
    ("large pods policy", 10, 50, 1, 1000, rules(100, 60, 0, 0, 0), DOWN, [], [], 50, "DesiredWithinRange"),
    ("pods policy", 10, 50, 1, 1000, rules(30, 60, 0, 0, 0), DOWN, [], [], 40, "ScaleUpLimit"),
    ("percent policy", 10, 50, 1, 1000, rules(0, 0, 200, 60, 0), DOWN, [], [], 30, "ScaleUpLimit"),
    ("down, larger pods", 100, 2, 1, 1000, UP, rules(20, 60, 1, 60, 300), [], [], 80, "ScaleDownLimit"),
    ("down, pods over percent", 100, 2, 1, 1000, UP, rules(2, 60, 1, 60, 300), [], [], 98, "ScaleDownLimit"),
    ("down to the least", 10, 0, 1, 1000, UP, rules(100, 60, 0, 0, 300), [], [], 1, "TooFewReplicas"),
    ("down by all, to five", 10, 2, 5, 1000, UP, rules(0, 0, 100, 60, 300), [], [], 5, "TooFewReplicas"),
    ("down by pods", 10, 2, 1, 1000, UP, rules(5, 60, 0, 0, 300), [], [], 5, "ScaleDownLimit"),
    ("down by half", 10, 5, 1, 1000, UP, rules(0, 0, 50, 60, 300), [], [], 5, "DesiredWithinRange"),
    ("events, pods", 100, 500, 1, 200, rules(300, 60, 0, 0, 0), DOWN, [1, 5, 9], [], 200, "TooManyReplicas"),
    ("events, percent", 100, 500, 1, 200, rules(0, 0, 10000, 60, 0), DOWN, [1, 5, 9], [], 200, "TooManyReplicas"),
    ("events used it up", 100, 500, 1, 1000, rules(5, 120, 0, 0, 0), DOWN, [1, 5, 9], [], 100, "ScaleUpLimit"),
    ("100 - 15 + 150", 100, 500, 1, 1000, rules(150, 120, 0, 0, 0), DOWN, [1, 5, 9], [], 235, "ScaleUpLimit"),
    ("(100 - 15) x 3", 100, 500, 1, 1000, rules(0, 0, 200, 120, 0), DOWN, [1, 5, 9], [], 255, "ScaleUpLimit"),
    ("down, default, events", 10, 5, 1, 1000, UP, DOWN, [], [1, 5, 9], 5, "DesiredWithinRange"),
    ("down far", 100, 0, 1, 1000, UP, rules(115, 120, 0, 0, 300), [], [1, 5, 9], 1, "TooFewReplicas"),
    ("down far, least 5", 100, 0, 5, 1000, UP, rules(130, 120, 0, 0, 300), [], [1, 5, 9], 5, "TooFewReplicas"),
    ("down by all, events", 100, 2, 5, 1000, UP, rules(0, 0, 100, 120, 300), [], [1, 5, 9], 5, "TooFewReplicas"),
    ("100 + 15 - 5", 100, 2, 1, 1000, UP, rules(5, 120, 0, 0, 300), [], [1, 5, 9], 100, "ScaleDownLimit"),
    ("(100 + 12) / 2", 100, 0, 1, 1000, UP, rules(0, 0, 50, 120, 300), [], [2, 4, 6], 56, "ScaleDownLimit"),
    ("117 is more", 100, 0, 1, 1000, UP, rules(0, 0, 10, 120, 300), [], [10, 10, 10], 100, "ScaleDownLimit"),
    ("below zero", 10, 5, 1, 1000, UP, rules(0, 0, 1000, 120, 300), [], [10, 10, 10], 5, "DesiredWithinRange"),
    ("old events", 100, 200, 1, 1000, rules(1000, 60, 0, 0, 0), DOWN, [8, 12, 9, 11], [], 200, "DesiredWithinRange"),
    ("two", 100, 200, 1, 1000, rules(1000, 120, 100, 60, 0), DOWN, [8, 12, 9, 11], [], 200, "DesiredWithinRange"),
    ("down, old events", 100, 5, 1, 1000, UP, rules(1000, 60, 0, 0, 300), [], [8, 12, 9, 11], 5, "DesiredWithinRange"),
]  # fmt: skip


@pytest.mark.parametrize("case", SCALING_WITH_RULES, ids=[case[0] for case in SCALING_WITH_RULES])
def test_limits_of_kubernetes_own_table(case: tuple) -> None:  # type: ignore[type-arg]
    _, current, asked, least, most, up, down, ups, downs, replicas, reason = case
    past = Past(ups=spread(ups, 120) if ups else (), downs=spread(downs, 120) if downs else ())
    assert hpa.limited(current, asked, Behavior(up, down), past, NOW, least, most) == (replicas, reason)


def test_the_smallest_change_of_two_policies() -> None:
    both = rules(2, 60, 50, 60, 300, Select.MIN)
    assert hpa.limited(1, 100, Behavior(both, DOWN), hpa.EMPTY, NOW, 1, 100) == (2, "ScaleUpLimit")
    assert hpa.limited(5, 1, Behavior(UP, both), hpa.EMPTY, NOW, 1, 100) == (3, "ScaleDownLimit")


def test_disabled_is_no_change() -> None:
    off = Rules(0.0, (Policy(PolicyType.PODS, 4, 60),), Select.DISABLED)
    assert hpa.limited(5, 1, Behavior(UP, off), hpa.EMPTY, NOW, 1, 100) == (5, "ScaleDownLimit")
    assert hpa.limited(5, 9, Behavior(off, DOWN), hpa.EMPTY, NOW, 1, 100) == (5, "ScaleUpLimit")


# asked before as (seconds ago, replicas), current, asked, up window, down window, stabilised
STABILISED = [
    ("nothing before", [], 100, 5, 0, 0, 5),
    ("down", [(120, 4), (60, 5)], 100, 3, 0, 180, 5),
    ("up", [(120, 4), (60, 5)], 1, 7, 300, 0, 4),
    ("no down window", [(120, 1), (60, 2)], 100, 3, 300, 0, 3),
    ("no up window", [(120, 4), (60, 5)], 1, 3, 0, 300, 3),
    ("too old, down", [(600, 10), (540, 9)], 100, 3, 0, 0, 3),
    ("too old, up", [(600, 10), (540, 9)], 1, 100, 0, 0, 100),
    ("some too old, down", [(600, 10), (60, 4), (120, 5), (540, 9)], 100, 3, 0, 180, 5),
    ("some too old, up", [(6000, 10), (60, 6), (120, 5), (180, 9)], 1, 100, 300, 0, 5),
]


@pytest.mark.parametrize("case", STABILISED, ids=[case[0] for case in STABILISED])
def test_windows_of_kubernetes_own_table(case: tuple) -> None:  # type: ignore[type-arg]
    _, before, current, asked, up_s, down_s, replicas = case
    behavior = Behavior(Rules(up_s, UP.policies), Rules(down_s, DOWN.policies))
    past = Past(asked=tuple((NOW - ago, number) for ago, number in before))
    assert hpa.stabilised(current, asked, behavior, past, NOW) == replicas


def test_eighty_replicas_go_by_ten_percent_then_by_four() -> None:
    """The documentation: 80, 72, and 7.2 is rounded up to 8; below 40 by four at a time."""
    down = Rules(0.0, (Policy(PolicyType.PODS, 4, 60), Policy(PolicyType.PERCENT, 10, 60)))
    steps = [replicas for _, replicas in course(80, 10, Behavior(UP, down), least=1, most=100)]
    assert steps[:3] == [72, 64, 57]
    last = [before - after for before, after in pairwise(steps) if before <= 40]
    assert len(last) > 5
    assert set(last[:-1]) == {4}
    assert steps[-1] == 10


def test_changes_of_a_period_are_counted_once_each() -> None:
    """TestStoreScaleEvents: what is older than the longest period goes when a change is made."""
    behavior = Behavior(rules(10, 60, 100, 30, 0), rules(10, 60, 100, 30, 0))
    before = ((NOW - 61, 9), (NOW - 59, 6), (NOW - 29, 8))
    after = hpa.scaled(Past(ups=before, downs=before), behavior, NOW, 10, 15)
    assert after.ups == ((NOW - 59, 6), (NOW - 29, 8), (NOW, 5))
    assert after.downs == before
    assert hpa.scaled(after, behavior, NOW, 15, 10).downs == ((NOW - 59, 6), (NOW - 29, 8), (NOW, 5))


def test_the_guide_from_two_to_ten_takes_four_minutes() -> None:
    assert course(2, 10, hpa.GUIDE, least=2, most=10) == ((60, 4), (120, 6), (180, 8), (240, 10))


def test_the_guide_comes_down_by_one_a_minute_after_five() -> None:
    assert course(5, 2, hpa.GUIDE, least=2, most=10) == ((300, 4), (360, 3), (420, 2))


def test_the_largest_of_several_metrics_counts() -> None:
    decided = hpa.wanted(3, [Proposed(2, "a"), Proposed(5, "b")], past=Past(asked=((NOW - 400, 3),)), now=NOW)
    assert (decided.replicas, decided.says) == (5, "would go 3 -> 5: b")


def test_a_metric_that_fails_blocks_going_down_not_up() -> None:
    """TestNoScaleDownOneMetricInvalid, TestScaleUpOneMetricEmpty."""
    fails = Proposed(None, "something went wrong")
    past = Past(asked=((NOW - 400, 5),))
    down = hpa.wanted(5, [Proposed(3, "cpu"), fails], past=past, now=NOW, least=2, most=6)
    assert (down.replicas, down.reason) == (5, "FailedGetMetric")
    assert hpa.wanted(3, [Proposed(4, "cpu"), fails], past=past, now=NOW, least=2, most=6).replicas == 4
    assert hpa.wanted(3, [fails], past=past, now=NOW).says == "stays 3: something went wrong"


def test_bounds_are_kept_without_any_metric() -> None:
    assert hpa.wanted(1, [Proposed(None, "")], least=2).replicas == 2
    assert hpa.wanted(12, [Proposed(None, "")], most=10).replicas == 10
    assert hpa.wanted(0, [Proposed(5, "")]).replicas == 0


def test_going_down_waits_for_the_window_and_says_so() -> None:
    past = hpa.EMPTY
    for second in range(0, 300, 15):
        decided = hpa.wanted(6, [Proposed(3, "cpu")], hpa.DEFAULT, past, NOW + second)
        past = decided.past
        assert (decided.replicas, decided.reason) == (6, "ScaleDownStabilized")
    assert "asked for 3" in decided.says
    assert hpa.wanted(6, [Proposed(3, "cpu")], hpa.DEFAULT, past, NOW + 300).replicas == 3
