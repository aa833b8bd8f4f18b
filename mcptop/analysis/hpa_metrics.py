"""How many replicas one metric asks for, as the Kubernetes HorizontalPodAutoscaler computes it.

The arithmetic is that of kubernetes/kubernetes, pkg/controller/podautoscaler: replica_calculator.go and
metrics/utilization.go, integers in thousandths and whole percents included: 24.75 % counts as 24 %.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, isfinite
from typing import NamedTuple

from mcptop.model.value import Value

TOLERANCE = 0.1
CPU_INITIALIZATION_S = 300.0
INITIAL_READINESS_S = 30.0


class Pod(Value, frozen=True):
    """One replica that runs or is about to. What failed or is being deleted is none."""

    value: float | None
    """What it uses, in cores, bytes or the metric's unit; None where the metric is missing."""
    request: float | None = None
    """Its reservation, in the unit of `value`; only `utilization` needs it."""
    is_ready: bool = True


class Tolerance(NamedTuple):
    """The part by which a ratio may differ from 1 without anything being done."""

    up: float = TOLERANCE
    down: float = TOLERANCE

    def covers(self, ratio: float) -> bool:
        """Whether it is close enough to 1."""
        return 1.0 - self.down <= ratio <= 1.0 + self.up


USUAL = Tolerance()


class Proposed(Value, frozen=True):
    """What one metric asks for."""

    replicas: int | None
    """None where it cannot be said; `says` tells why."""
    says: str
    """The arithmetic, in one line."""


def is_ready(said_ready: bool | None, age_s: float | None, since_change_s: float | None = None,
             window_s: float = 60.0) -> bool:  # fmt: skip
    """Whether a replica's CPU counts. `said_ready`: its health check; without one (None) what runs is ready.

    `age_s`: since its start; `since_change_s`: since the health check last said something else (None: since the start);
    `window_s`: over how long its CPU was measured. For other metrics than CPU every replica that runs is ready.
    """
    if age_s is None:
        return False
    since_change_s = age_s if since_change_s is None else since_change_s
    if age_s < CPU_INITIALIZATION_S:
        return said_ready is not False and since_change_s >= window_s
    # One that says no, but was ready once, counts: it is at work, if badly.
    return said_ready is not False or age_s - since_change_s >= INITIAL_READINESS_S


def utilization(current: int, pods: Sequence[Pod], target_percent: int, tolerance: Tolerance = USUAL) -> Proposed:
    """By use against the reservation, in percent of it: a Resource metric with `averageUtilization`."""
    if any(not pod.request for pod in pods):
        return Proposed(None, "a replica has no reservation, so a share of it cannot be computed")
    missing = max(100, target_percent) / 100

    def ratio(values: Sequence[int], of: Sequence[Pod]) -> tuple[float, str]:
        requested = sum(_milli(pod.request or 0.0) for pod in of)
        percent = sum(values) * 100 // requested
        return percent / target_percent, f"{percent} % of the reservation / {target_percent} %"

    return _proposed(current, pods, tolerance, ratio, lambda pod: int(_milli(pod.request or 0.0) * missing))


def average(current: int, pods: Sequence[Pod], target: float, tolerance: Tolerance = USUAL) -> Proposed:
    """By the mean over the replicas: a Pods metric, or a Resource one with `averageValue`."""

    def ratio(values: Sequence[int], of: Sequence[Pod]) -> tuple[float, str]:
        mean = sum(values) // len(values)
        return mean / _milli(target), f"{mean / 1000:g} each / {target:g}"

    return _proposed(current, pods, tolerance, ratio, lambda pod: _milli(target))


def total(current: int, value: float, target: float, ready: int, tolerance: Tolerance = USUAL) -> Proposed:
    """By one figure of the whole: an Object or External metric with `value`. `ready`: replicas that are."""
    ratio = _milli(value) / _milli(target)
    says = f"{value:g} / {target:g} = {ratio:.2f}"
    if current and tolerance.covers(ratio):
        return Proposed(current, f"{says}, within the tolerance")
    replicas = ceil(ratio * ready) if current else ceil(ratio)
    return Proposed(replicas, f"{says}, x {ready if current else 1} = {replicas}")


def share(current: int, value: float, target: float, tolerance: Tolerance = USUAL) -> Proposed:
    """By one figure of the whole, divided among the replicas: an External metric with `averageValue`.

    The depth of a queue is one: `value` waiting, `target` for each replica.
    """
    ratio = _milli(value) / (_milli(target) * current) if current else float("inf")
    if tolerance.covers(ratio):
        return Proposed(current, f"{value:g} / ({target:g} x {current}) = {ratio:.2f}, within the tolerance")
    replicas = ceil(_milli(value) / _milli(target))
    return Proposed(replicas, f"{value:g} / {target:g} each, rounded up = {replicas}")


_Ratio = Callable[[Sequence[int], Sequence[Pod]], tuple[float, str]]
"""Values in thousandths, and the pods they are of, to the ratio and its words."""


def _proposed(
    current: int, pods: Sequence[Pod], tolerance: Tolerance, ratio: _Ratio, full: Callable[[Pod], int]
) -> Proposed:
    """`full`: the value in thousandths that a missing one is taken for before replicas are removed."""
    known = [pod for pod in pods if pod.is_ready and pod.value is not None]
    missing = [pod for pod in pods if pod.value is None]
    unready = [pod for pod in pods if not pod.is_ready and pod.value is not None]
    if not known:
        return Proposed(None, "no replica that is ready has the metric")
    values = [_milli(pod.value or 0.0) for pod in known]
    first, says = ratio(values, known)
    idle = unready if first > 1.0 else []
    if not idle and not missing:
        return _changed(current, first, says, len(known), tolerance)
    # The cautious guess: nobody of whom nothing is known may be the reason for a change.
    guessed = [0 if first > 1.0 else full(pod) for pod in missing]
    counted = [*known, *missing, *idle] if first != 1.0 else known
    again, says = ratio([*values, *(guessed if first != 1.0 else []), *(0 for _ in idle)], counted)
    says += f" ({len(missing)} without the metric, {len(unready)} not ready)"
    if (first < 1.0 < again) or (first > 1.0 > again):
        return Proposed(current, f"{says}: they might turn it round")
    wanted = _changed(current, again, says, len(counted), tolerance)
    if wanted.replicas is not None and (wanted.replicas > current if again < 1.0 else wanted.replicas < current):
        return Proposed(current, f"{says}: they might turn it round")
    return wanted


def _changed(current: int, ratio: float, says: str, count: int, tolerance: Tolerance) -> Proposed:
    says = f"{says} = {ratio:.2f}"
    if tolerance.covers(ratio):
        return Proposed(current, f"{says}, within the tolerance")
    replicas = ceil(ratio * count)
    return Proposed(replicas, f"{says}, x {count} rounded up = {replicas}")


def _milli(value: float) -> int:
    """In thousandths, rounded up as quantities are."""
    return ceil(value * 1000 - 1e-6) if isfinite(value) else 0
