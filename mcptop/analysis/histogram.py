"""A histogram whose samples lose weight with age, as the Vertical Pod Autoscaler of Kubernetes keeps one.

Its rules are those of kubernetes/autoscaler, vertical-pod-autoscaler/pkg/recommender/util: histogram.go,
histogram_options.go and decaying_histogram.go. A percentile is the end of the bucket it falls into.
"""

from __future__ import annotations

from math import ceil, floor, ldexp, log
from typing import Protocol

_MOST_EXPONENT = 100
"""Weights grow with time instead of shrinking; before they grow too large all are made smaller."""


class Buckets(Protocol):
    """How values are told apart."""

    count: int

    def find(self, value: float) -> int:
        """The bucket of a value: the first or the last one where it lies outside."""

    def start(self, bucket: int) -> float:
        """Where a bucket begins."""


class Exponential:
    """Each bucket is larger than the one before by the same ratio; the first one begins at 0."""

    def __init__(self, most: float, first: float, ratio: float) -> None:
        self._first, self._ratio = first, ratio
        self.count = ceil(log(most * (ratio - 1) / first + 1) / log(ratio)) + 1

    def find(self, value: float) -> int:
        """The bucket of a value."""
        if value < self._first:
            return 0
        bucket = int(log(value * (self._ratio - 1) / self._first + 1) / log(self._ratio))
        return min(bucket, self.count - 1)

    def start(self, bucket: int) -> float:
        """Where a bucket begins."""
        return self._first * (self._ratio**bucket - 1) / (self._ratio - 1) if bucket else 0.0


class Histogram:
    """Weights by bucket. `half_life_s`: after so long a sample counts half; None: it always counts whole."""

    def __init__(self, buckets: Buckets, half_life_s: float | None = None, epsilon: float = 0.0001) -> None:
        """A bucket with less weight than `epsilon` is empty."""
        self._buckets = buckets
        self._half_life_s = half_life_s
        self._epsilon = epsilon
        self._weights: dict[int, float] = {}
        self._reference = 0.0
        """Seconds; the weight of a sample of that time is its own."""

    def add(self, value: float, at: float = 0.0, weight: float = 1.0) -> None:
        """A sample of the time `at`, in seconds."""
        bucket = self._buckets.find(value)
        factor = self._factor(at)
        self._weights[bucket] = self._weights.get(bucket, 0.0) + weight * factor

    def subtract(self, value: float, at: float = 0.0, weight: float = 1.0) -> None:
        """Take a sample back; no bucket gets less than nothing."""
        bucket = self._buckets.find(value)
        left = self._weights.get(bucket, 0.0) - weight * self._factor(at)
        self._weights[bucket] = left if left > self._epsilon else 0.0

    def percentile(self, share: float) -> float | None:
        """The value that this share of the weight lies below (0..1); None while it is empty."""
        filled = sorted(bucket for bucket, weight in self._weights.items() if weight >= self._epsilon)
        if not filled:
            return None
        threshold, reached, found = share * sum(self._weights.values()), 0.0, filled[-1]
        for bucket in sorted(self._weights):
            if filled[0] <= bucket < filled[-1]:
                reached += self._weights[bucket]
                if reached >= threshold:
                    found = bucket
                    break
        # The last bucket has no end.
        return self._buckets.start(min(found + 1, self._buckets.count - 1))

    def _factor(self, at: float) -> float:
        if self._half_life_s is None:
            return 1.0
        if at - self._reference > self._half_life_s * _MOST_EXPONENT:
            self._shift(at)
        return float(2 ** ((at - self._reference) / self._half_life_s))

    def _shift(self, at: float) -> None:
        """To a whole number of half-lives, so that weights change by powers of two only, without loss."""
        assert self._half_life_s is not None
        reference = floor(at / self._half_life_s + 0.5) * self._half_life_s
        exponent = floor((self._reference - reference) / self._half_life_s + 0.5)
        self._weights = {
            bucket: scaled
            for bucket, weight in self._weights.items()
            if (scaled := ldexp(weight, exponent)) >= self._epsilon
        }
        self._reference = reference
