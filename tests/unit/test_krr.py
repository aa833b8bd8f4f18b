"""The simple strategy of robusta-dev/krr: robusta_krr/strategies/simple.py, core/runner.py, severity_calculator."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcptop.analysis import krr
from mcptop.analysis.krr import Severity
from mcptop.analysis.sketch import ERROR, Sketch, percentile

MIB = 1 << 20


def test_cpu_is_the_largest_95th_percentile_and_never_a_limit() -> None:
    """calculate_cpu_proposal: the largest of the pods; _round_value: up to a thousandth; cpu_min_value 10 m."""
    assert krr.cpu([0.2, 0.4123, 0.1]).value == 0.413
    floored = krr.cpu([0.0041])
    assert (floored.value, floored.has_floor) == (0.01, True)


def test_memory_is_the_peak_and_15_percent_or_25_after_a_kill() -> None:
    """calculate_memory_proposal: max(peak x 1.15, killed limit x 1.25); up to a MB; memory_min_value 100 MB."""
    assert krr.memory([500e6, 800e6]).value == 920e6
    assert krr.memory([800e6], oom_limit=1e9).value == 1250e6
    assert krr.memory([800.0004e6]).value == 921e6
    floored = krr.memory([10e6])
    assert (floored.value, floored.has_floor) == (100e6, True)


def test_how_much_it_takes() -> None:
    """points_required 100, history_range_enough: 3 hours."""
    assert krr.is_enough(100, 3 * 3600)
    assert not krr.is_enough(99, 3 * 3600)
    assert not krr.is_enough(50_000, 3 * 3600 - 1)


@pytest.mark.parametrize(
    ("current", "recommended", "severity"),
    [(None, None, Severity.GOOD), (None, 1.0, Severity.WARNING), (1.0, None, Severity.WARNING),
     (1.0, 0.5, Severity.CRITICAL), (1.0, 1.25, Severity.WARNING), (1.0, 0.89, Severity.OK),
     (1.0, 0.95, Severity.GOOD)],
)  # fmt: skip
def test_severity_of_cpu(current: float | None, recommended: float | None, severity: Severity) -> None:
    assert krr.cpu_severity(current, recommended) is severity


@pytest.mark.parametrize(
    ("apart", "severity"),
    [(500, Severity.CRITICAL), (250, Severity.WARNING), (100, Severity.OK), (99, Severity.GOOD)],
)
def test_severity_of_memory(apart: int, severity: Severity) -> None:
    assert krr.memory_severity(1024.0 * MIB, (1024.0 - apart) * MIB) is severity


@given(st.lists(st.floats(0, 1e12), min_size=1, max_size=300), st.floats(0.01, 1.0))
def test_a_sketch_is_as_near_as_it_says(values: list[float], share: float) -> None:
    sketch = Sketch()
    for value in values:
        sketch.add(value)
    exact = percentile(values, share)
    assert exact is not None
    found = sketch.percentile(share)
    assert found is not None
    assert exact * (1 - 1e-9) - 1e-6 <= found <= exact * (1 + ERROR) * (1 + 1e-9) + 1e-6
    assert (sketch.count, sketch.peak) == (len(values), max(values))


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_one_of_the_values_and_most_lie_at_or_below_it(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert found is not None
    assert sum(value <= found for value in values) >= share * len(values)
