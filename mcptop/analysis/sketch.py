"""Percentiles of any number of values in little memory, each at most 1 % too high and never too low."""

from __future__ import annotations

from math import ceil, log

ERROR = 0.01
_LOG = log(1 + ERROR)
_LEAST = 1e-6
"""What is smaller counts as 0: a millionth of a core, or a part of a byte."""
_NONE = -(1 << 30)


def bucket_of(value: float) -> int:
    """Where a value is counted."""
    return ceil(log(value) / _LOG) if value >= _LEAST else _NONE


class Sketch:
    """Counts by logarithmic buckets; the largest value is kept as it is."""

    __slots__ = ("_counts", "count", "peak")

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.count = 0
        self.peak: float | None = None

    def add(self, value: float) -> None:
        """A value, not negative."""
        bucket = bucket_of(value)
        self._counts[bucket] = self._counts.get(bucket, 0) + 1
        self.count += 1
        if self.peak is None or value > self.peak:
            self.peak = value

    def percentile(self, share: float) -> float | None:
        """By the nearest rank; None without any value."""
        if self.peak is None:
            return None
        rank, seen = max(1, ceil(share * self.count)), 0
        for bucket in sorted(self._counts):
            seen += self._counts[bucket]
            if seen >= rank:
                # The end of the bucket: whoever sizes by it is on the safe side.
                return min(0.0 if bucket == _NONE else float((1 + ERROR) ** bucket), self.peak)
        return self.peak


def percentile(values: list[float], share: float) -> float | None:
    """The same, exactly, of few values: the one below which that share of them lies, by the nearest rank."""
    return sorted(values)[max(0, ceil(share * len(values)) - 1)] if values else None
