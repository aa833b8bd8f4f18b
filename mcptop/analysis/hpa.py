"""What the Kubernetes HorizontalPodAutoscaler would do, a round of its loop at a time. The caller keeps the time.

Metrics ask for numbers of replicas (`hpa_metrics`), `wanted` answers with one number, and the caller, where it really
scales, tells so:

    behavior = GUIDE                                    # or Behavior(up=Rules(...), down=Rules(...)), or DEFAULT
    past = EMPTY                                        # one for each service, kept by the caller
    every LOOP_S seconds:
        asked = [utilization(current, pods, 70, behavior.tolerance),     # CPU against the reservation, in percent
                 share(current, queue_depth, 100, behavior.tolerance)]   # 100 waiting for each replica
        decided = wanted(current, asked, behavior, past, now, least=2, most=10)
        past = decided.past                             # now holds what was asked for
        if decided.replicas != current:                 # scale to decided.replicas; when that worked:
            past = scaled(past, behavior, now, current, decided.replicas)
        print(decided.says)                             # "would go 3 -> 5: 140 % of the reservation / 70 % = ..."

`now` is any clock in seconds that does not jump. A metric without an answer (`Proposed.replicas` is None) never removes
replicas. An EMPTY past counts as if the present number had been asked for just now, so a window is waited for from the
start; what would happen if the load stayed as it is tells `hpa_course.course`.
The rules are those of kubernetes/kubernetes, pkg/controller/podautoscaler/horizontal.go, for one with a `behavior`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from math import ceil

from mcptop.analysis.hpa_metrics import Pod, Proposed, Tolerance, average, is_ready, share, total, utilization
from mcptop.model.value import Value

__all__ = [
    "DEFAULT", "EMPTY", "GUIDE", "LOOP_S", "Behavior", "Decision", "Past", "Pod", "Policy", "PolicyType", "Proposed",
    "Rules", "Select", "Tolerance", "average", "is_ready", "scaled", "share", "total", "utilization", "wanted",
]  # fmt: skip

LOOP_S = 15.0


class PolicyType(StrEnum):
    """Of what a policy is a number."""

    PODS = "Pods"
    PERCENT = "Percent"


class Select(StrEnum):
    """Which of several policies counts: the largest change, the smallest, or no change at all."""

    MAX = "Max"
    MIN = "Min"
    DISABLED = "Disabled"


class Policy(Value, frozen=True):
    """At most so much change within a period."""

    type: PolicyType
    value: int
    period_s: float


class Rules(Value, frozen=True):
    """One direction."""

    window_s: float
    """The stabilisation window: of what was asked for within it, the most cautious counts."""
    policies: tuple[Policy, ...]
    select: Select = Select.MAX
    tolerance: float = 0.1


class Behavior(Value, frozen=True):
    """Both directions."""

    up: Rules
    down: Rules

    @property
    def tolerance(self) -> Tolerance:
        """For the metrics."""
        return Tolerance(self.up.tolerance, self.down.tolerance)


DEFAULT = Behavior(
    up=Rules(0.0, (Policy(PolicyType.PODS, 4, 15.0), Policy(PolicyType.PERCENT, 100, 15.0))),
    down=Rules(300.0, (Policy(PolicyType.PERCENT, 100, 15.0),)),
)
GUIDE = Behavior(
    up=Rules(60.0, (Policy(PolicyType.PODS, 2, 60.0),)), down=Rules(300.0, (Policy(PolicyType.PODS, 1, 60.0),))
)
"""The guide's: two more a minute after a minute, one less a minute after five."""


class Past(Value, frozen=True):
    """What was asked for and done before, as (seconds, replicas) and (seconds, how many more or less)."""

    asked: tuple[tuple[float, int], ...] = ()
    ups: tuple[tuple[float, int], ...] = ()
    downs: tuple[tuple[float, int], ...] = ()


EMPTY = Past()


class Decision(Value, frozen=True):
    """One round."""

    replicas: int
    """To be had now."""
    asked: int
    """What the metrics ask for, before windows, policies and bounds."""
    reason: str
    """Kubernetes' own word: DesiredWithinRange, ScaleUpLimit, TooManyReplicas, ScaleDownStabilized, ..."""
    says: str
    past: Past


def wanted(
    current: int,
    asked: Iterable[Proposed],
    behavior: Behavior = DEFAULT,
    past: Past = EMPTY,
    now: float = 0.0,
    *,
    least: int = 1,
    most: int = 10,
) -> Decision:
    """How many replicas there should be now. `asked`: of each metric, one at least."""
    if current == 0:
        return Decision(0, 0, "ScalingDisabled", "none runs, so nothing is scaled", past)
    if not least <= current <= most:
        bound = most if current > most else least
        word = "TooManyReplicas" if current > most else "TooFewReplicas"
        return Decision(bound, bound, word, f"{current} is not within {least} and {most}", past)
    proposals = tuple(asked)
    largest = max((each for each in proposals if each.replicas is not None), key=_replicas, default=None)
    unknown = next((each for each in proposals if each.replicas is None), None)
    if largest is None or (unknown is not None and _replicas(largest) < current):
        says = unknown.says if unknown is not None else "no metric to go by"
        return Decision(current, current, "FailedGetMetric", f"stays {current}: {says}", past)
    number = _replicas(largest)
    if not past.asked:
        past = Past(((now, current),), past.ups, past.downs)
    kept = Past((*_recent(past.asked, now, _window(behavior)), (now, number)), past.ups, past.downs)
    steady = stabilised(current, number, behavior, past, now)
    replicas, reason = limited(current, steady, behavior, past, now, least, most)
    if replicas == steady and steady != number:
        reason = "ScaleUpStabilized" if number >= current else "ScaleDownStabilized"
    return Decision(replicas, number, reason, _says(current, number, steady, replicas, reason, largest.says), kept)


def scaled(past: Past, behavior: Behavior, now: float, before: int, after: int) -> Past:
    """The past with one change made; those too old for every policy go."""
    if after > before:
        ups = _recent(past.ups, now, _period(behavior))
        return Past(past.asked, (*ups, (now, after - before)), past.downs)
    downs = _recent(past.downs, now, _period(behavior))
    return Past(past.asked, past.ups, (*downs, (now, before - after)))


def stabilised(current: int, number: int, behavior: Behavior, past: Past, now: float) -> int:
    """Going up: the lowest that was asked for within the window; going down: the highest."""
    up = min([number, *(asked for at, asked in past.asked if at > now - behavior.up.window_s)])
    down = max([number, *(asked for at, asked in past.asked if at > now - behavior.down.window_s)])
    return min(max(current, up), down)


def limited(
    current: int, number: int, behavior: Behavior, past: Past, now: float, least: int, most: int
) -> tuple[int, str]:
    """Within what the policies and the bounds allow, and the word for what held it back."""
    if number > current:
        allowed = max(current, _limit(current, behavior.up, past, now, is_up=True))
        if number > min(most, allowed):
            return (allowed, "ScaleUpLimit") if most > allowed else (most, "TooManyReplicas")
    elif number < current:
        allowed = min(current, _limit(current, behavior.down, past, now, is_up=False))
        if number < max(least, allowed):
            return (allowed, "ScaleDownLimit") if least < allowed else (least, "TooFewReplicas")
    return number, "DesiredWithinRange"


def _limit(current: int, rules: Rules, past: Past, now: float, *, is_up: bool) -> int:
    """How far one may go from where each policy's period began."""
    if rules.select is Select.DISABLED or not rules.policies:
        return current
    largest_change: Callable[[Iterable[int]], int] = max if is_up else min
    smallest_change: Callable[[Iterable[int]], int] = min if is_up else max
    reached = []
    for policy in rules.policies:
        added, removed = _changed(past.ups, now, policy), _changed(past.downs, now, policy)
        reached.append(_reached(current - added + removed, policy, 1 if is_up else -1))
    return (smallest_change if rules.select is Select.MIN else largest_change)(reached)


def _reached(start: int, policy: Policy, sign: int) -> int:
    if policy.type is PolicyType.PODS:
        return start + sign * policy.value
    end = start * (1 + sign * policy.value / 100)
    # Rounded away from the start, so that a small percentage of few replicas is a change at all.
    return ceil(end) if sign > 0 else int(end)


def _changed(events: Sequence[tuple[float, int]], now: float, policy: Policy) -> int:
    return sum(change for at, change in events if at > now - policy.period_s)


def _recent(what: Sequence[tuple[float, int]], now: float, for_s: float) -> tuple[tuple[float, int], ...]:
    return tuple((at, number) for at, number in what if at > now - for_s)


def _window(behavior: Behavior) -> float:
    return max(behavior.up.window_s, behavior.down.window_s)


def _period(behavior: Behavior) -> float:
    return max((policy.period_s for policy in behavior.up.policies + behavior.down.policies), default=0.0)


def _replicas(proposed: Proposed) -> int:
    return proposed.replicas or 0


_HELD = {
    "ScaleUpLimit": "no more at once", "ScaleDownLimit": "no fewer at once", "TooManyReplicas": "the most allowed",
    "TooFewReplicas": "the least allowed", "ScaleUpStabilized": "not for as long as less was asked for of late",
    "ScaleDownStabilized": "not for as long as more was asked for of late",
}  # fmt: skip


def _says(current: int, number: int, steady: int, replicas: int, reason: str, metric: str) -> str:
    held = f" (asked for {number}: {_HELD[reason]})" if replicas != number and reason in _HELD else ""
    return f"{f'stays {current}' if replicas == current else f'would go {current} -> {replicas}'}{held}: {metric}"
