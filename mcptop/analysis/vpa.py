"""What the Vertical Pod Autoscaler of Kubernetes would recommend.

Its rules are those of kubernetes/autoscaler, vertical-pod-autoscaler/pkg/recommender: logic/recommender.go,
logic/estimator.go, model/aggregations_config.go and model/container.go. CPU samples count alike, one a minute.
"""

from __future__ import annotations

from math import floor

from mcptop.analysis.histogram import Exponential, Histogram
from mcptop.model.value import Value

DAY_S = 86_400.0
MARGIN = 1.15
FLOOR_CORES, FLOOR_BYTES = 0.025, 250 << 20
OOM_RATIO, OOM_LEAST_BYTES = 1.2, 100 << 20
LOWER, TARGET, UPPER = 0.5, 0.9, 0.95
_MINUTES = 1440


def cpu_histogram() -> Histogram:
    """Of cores: the first bucket is a hundredth wide, each is 5 % larger, and a day is a half-life."""
    return Histogram(Exponential(1000.0, 0.01, 1.05), DAY_S)


def memory_histogram() -> Histogram:
    """Of bytes: the first bucket is 10 MB wide, each is 5 % larger, and a day is a half-life."""
    return Histogram(Exponential(1e12, 1e7, 1.05), DAY_S)


class Estimate(Value, frozen=True):
    """A recommended request, in cores or bytes, and between which bounds the present one may stay."""

    lower: float
    target: float
    upper: float
    raw: float
    """The target before the floor."""
    has_floor: bool
    """The floor is larger than what was estimated: it says nothing about this service."""


def confidence_days(first_at: float, last_at: float, samples: int) -> float:
    """How many days the samples are worth, at one sample a minute: never more than the days between them."""
    return min((last_at - first_at) / DAY_S, samples / _MINUTES)


def multiplied(base: float, days: float, multiplier: float, exponent: float) -> float:
    """A bound by how little is known: base x (1 + multiplier / days) ^ exponent."""
    if days <= 0:
        return float("inf") if exponent > 0 else 0.0
    return float(base * (1 + multiplier / days) ** exponent)


def estimate(usage: Histogram, days: float, floor_: float) -> Estimate | None:
    """By a histogram of CPU use, or of the peaks of memory. None while it is empty."""
    target, lower, upper = usage.percentile(TARGET), usage.percentile(LOWER), usage.percentile(UPPER)
    if target is None or lower is None or upper is None:
        return None
    raw = target * MARGIN
    return Estimate(
        lower=max(floor_, multiplied(lower * MARGIN, days, 0.001, -2.0)),
        target=max(floor_, raw),
        upper=max(floor_, multiplied(upper * MARGIN, days, 1.0, 1.0)),
        raw=raw,
        has_floor=raw < floor_,
    )


def after_oom(used: float) -> float:
    """What is taken for its peak after a kill: a fifth more than it had, and 100 MiB at least."""
    return max(used + OOM_LEAST_BYTES, used * OOM_RATIO)


class MemoryPeaks:
    """The peak of each day of one container, as one sample each. Samples come in the order of time."""

    def __init__(self, usage: Histogram) -> None:
        self._usage = usage
        self._ends: float | None = None
        self._peak = self._oom_peak = 0.0

    def add(self, used: float, at: float, is_oom: bool = False) -> None:
        """Bytes at a time in seconds."""
        if self._ends is None:
            self._ends = at
        if at < self._ends:
            old = max(self._peak, self._oom_peak)
            if not old or used <= old:
                return
            self._usage.subtract(old, self._ends)
        else:
            self._ends += (floor((at - self._ends) / DAY_S) + 1) * DAY_S
            self._peak = self._oom_peak = 0.0
        self._usage.add(used, self._ends)
        if is_oom:
            self._oom_peak = used
        else:
            self._peak = used

    def kill(self, limit: float | None, at: float) -> None:
        """It was killed for lack of memory at that limit. What an earlier kill added does not count again."""
        self.add(after_oom(max(limit or 0.0, self._peak)), at, is_oom=True)
