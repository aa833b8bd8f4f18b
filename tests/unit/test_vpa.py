"""Known answers of the Vertical Pod Autoscaler's own tests.

kubernetes/autoscaler, vertical-pod-autoscaler/pkg/recommender: util/histogram_options_test.go, util/histogram_test.go,
util/decaying_histogram_test.go, logic/estimator_test.go, logic/recommender_test.go, model/container_test.go.
"""

from __future__ import annotations

import pytest

from mcptop.analysis import vpa
from mcptop.analysis.histogram import Exponential, Histogram

HOUR, START, MIB = 3600.0, 1_234_567_890.0, float(1 << 20)


class Linear:
    """The buckets of their tests: 0 to 10, each 1 wide."""

    count = 11

    def find(self, value: float) -> int:
        return min(max(0, int(value)), self.count - 1)

    def start(self, bucket: int) -> float:
        return float(bucket)


def filled(*samples: tuple[float, float, float], half_life_s: float | None = HOUR) -> Histogram:
    """Value, weight, time."""
    histogram = Histogram(Linear(), half_life_s, 1e-15)
    for value, weight, at in samples:
        histogram.add(value, at, weight)
    return histogram


def test_exponential_buckets() -> None:
    """TestExponentialHistogramOptions."""
    buckets = Exponential(500.0, 40.0, 1.5)
    assert [buckets.start(number) for number in range(buckets.count)] == [0.0, 40.0, 100.0, 190.0, 325.0, 527.5]
    assert [buckets.find(value) for value in (-1.0, 39.99, 40.0, 100.0, 900.0)] == [0, 0, 1, 2, 5]


@pytest.mark.parametrize("half_life_s", [None, HOUR])
def test_percentiles(half_life_s: float | None) -> None:
    """TestPercentiles; TestNoDecay: at one moment nothing decays."""
    histogram = filled(*((float(n), float(n), START) for n in range(1, 5)), half_life_s=half_life_s)
    found = [histogram.percentile(share / 10) for share in range(11)]
    assert found == [2, 2, 3, 3, 4, 4, 4, 5, 5, 5, 5]


def test_an_empty_histogram_knows_nothing() -> None:
    assert filled().percentile(0.5) is None


def test_decay() -> None:
    """TestSimpleDecay, TestLongtermDecay: twenty half-lives leave a little, a hundred and one leave nothing."""
    simple = filled((2, 1000, START), (1, 1, START + 20 * HOUR))
    assert (simple.percentile(0.999), simple.percentile(1.0)) == (2, 3)
    assert filled((2, 1, START), (1, 1, START + 101 * HOUR)).percentile(1.0) == 2


def test_percentiles_of_what_decays() -> None:
    """TestDecayingHistogramPercentiles."""
    histogram = filled(*((float(n), float(n), START + (n - 1) * HOUR) for n in range(1, 5)))
    found = [histogram.percentile(share) for share in (0.0, 0.02, 0.03, 0.10, 0.11, 0.34, 0.35, 1.0)]
    assert found == [2, 2, 3, 3, 4, 4, 5, 5]


def test_what_is_taken_back() -> None:
    """TestEmptyHistogram: a bucket with less than epsilon is empty."""
    histogram = Histogram(Linear(), None, 1.0)
    histogram.add(1.0, weight=2.5)
    histogram.subtract(1.0, weight=1.0)
    assert histogram.percentile(0.5) == 2
    histogram.subtract(1.0, weight=1.0)
    assert histogram.percentile(0.5) is None


def test_percentiles_of_cpu_and_memory_within_a_bucket() -> None:
    """TestPercentileEstimator: within 5 %."""
    cpu, memory = vpa.cpu_histogram(), vpa.memory_histogram()
    for number in (1.0, 2.0, 3.0):
        cpu.add(number)
        memory.add(number * 1e9)
    assert cpu.percentile(0.2) == pytest.approx(1.0, rel=0.05)
    assert memory.percentile(0.5) == pytest.approx(2e9, rel=0.05)


def test_confidence() -> None:
    """TestConfidenceMultiplier: nine samples, two minutes apart, are 0.00625 days; 3.14 (1 + 0.1 / 0.00625)^2."""
    days = vpa.confidence_days(0.0, 16 * 60.0, 9)
    assert days == 0.00625
    assert vpa.multiplied(3.14, days, 0.1, 2.0) == pytest.approx(907.46)
    assert vpa.multiplied(3.14e9, days, 0.1, 2.0) == pytest.approx(9.0746e11)
    assert vpa.multiplied(3.14, 0.0, 0.1, 2.0) == float("inf")
    assert vpa.multiplied(3.14, 0.0, 1.0, -1.0) == 0.0


@pytest.mark.parametrize(("days", "factor"), [(0.5, 3.0), (1.0, 2.0), (7.0, 1.14)])
def test_the_upper_bound_by_the_length_of_the_history(days: float, factor: float) -> None:
    """The comment at CreatePodResourceRecommender: 12 h x3, 24 h x2, a week x1.14."""
    usage = vpa.cpu_histogram()
    usage.add(1.0)
    found = vpa.estimate(usage, days, vpa.FLOOR_CORES)
    assert found is not None
    assert found.upper / found.target == pytest.approx(factor, rel=0.01)


def test_margin_and_floor() -> None:
    """TestMarginEstimator (15 % here), TestMinResourcesApplied."""
    usage = vpa.memory_histogram()
    usage.add(1e6)
    found = vpa.estimate(usage, 1.0, vpa.FLOOR_BYTES)
    assert found is not None
    assert (found.target, found.has_floor, found.raw) == (250 * MIB, True, pytest.approx(1.15e7))


class Seen(Histogram):
    """What would be added and taken back."""

    def __init__(self) -> None:
        super().__init__(Linear())
        self.calls: list[tuple[str, float, float]] = []

    def add(self, value: float, at: float = 0.0, weight: float = 1.0) -> None:
        self.calls.append(("+", value, at - START))

    def subtract(self, value: float, at: float = 0.0, weight: float = 1.0) -> None:
        self.calls.append(("-", value, at - START))


def test_one_peak_a_day() -> None:
    """TestAggregateContainerUsageSamples."""
    seen = Seen()
    peaks = vpa.MemoryPeaks(seen)
    for used, days in ((5.0, 0.0), (10.0, 0.5), (2.0, 1.0)):
        peaks.add(used, START + days * vpa.DAY_S)
    day = vpa.DAY_S
    assert seen.calls == [("+", 5.0, day), ("-", 5.0, day), ("+", 10.0, day), ("+", 2.0, 2 * day)]


@pytest.mark.parametrize(
    ("before", "kills", "added"),
    [
        (None, [1000], [1200]),  # TestRecordOOMIncreasedByBumpUp
        (None, [1], [101]),  # TestRecordOOMIncreasedByMin
        (None, [1000, 999, 999, 2000], [1200, 2400]),  # TestRecordOOMDontRunAway
        (3000, [1000], [3000, 3600]),  # TestRecordOOMMaxedWithKnownSample
    ],
)
def test_kills_for_lack_of_memory(before: int | None, kills: list[int], added: list[int]) -> None:
    seen = Seen()
    peaks = vpa.MemoryPeaks(seen)
    if before:
        peaks.add(before * MIB, START)
    for limit in kills:
        peaks.kill(limit * MIB, START)
    assert [value / MIB for sign, value, _ in seen.calls if sign == "+"] == pytest.approx(added)


def test_a_kill_in_a_new_window() -> None:
    """TestRecordOOMInNewWindow."""
    seen = Seen()
    peaks = vpa.MemoryPeaks(seen)
    peaks.add(2000 * MIB, START)
    peaks.kill(1000 * MIB, START + 2 * vpa.DAY_S)
    # The peak of the window before is what it had.
    assert seen.calls[-1] == ("+", pytest.approx(2400 * MIB), 3 * vpa.DAY_S)
