"""Counters to rates: resets, gaps, first samples; and series that stand still."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcptop import rates
from mcptop.analysis import trend
from mcptop.history import GROUP_METRICS, History, Until
from mcptop.model.snapshot import Counters, Reading, Traffic


def test_a_rate_needs_two_readings_time_and_no_reset() -> None:
    assert rates.per_second(None, 5, 1) is None
    assert rates.per_second(5, None, 1) is None
    assert rates.per_second(5, 5, 0) is None
    assert rates.per_second(9, 5, 1) is None
    assert rates.per_second(5, 9, 2) == 2


@given(st.floats(0, 1e12), st.floats(0, 1e12), st.floats(-10, 1e6))
def test_no_rate_is_negative_or_infinite(old: float, new: float, seconds: float) -> None:
    found = rates.per_second(old, new, seconds)
    assert found is None or 0 <= found < inf


def test_cpu_against_its_quota_with_throttling_beside_it() -> None:
    old = Reading(1.0, None, 10.0, 0.5, 100, 10)
    new = Reading(3.0, 1.0, 11.0, 0.5, 120, 20)
    cpu = rates.cpu(old, new, None)
    assert (cpu.cores, cpu.limit_cores, cpu.limit_ratio, cpu.throttled_ratio) == (0.5, 0.5, 1.0, 0.5)


def test_the_rate_is_over_the_time_since_the_last_look_not_since_the_last_change() -> None:
    old = Reading(read_at=1.0, cpu_usage_s=10.0)
    assert rates.cpu(old, Reading(read_at=11.0, previous_at=10.0, cpu_usage_s=11.0), None).cores == 1.0


def test_without_a_quota_nothing_is_throttled_because_nothing_can_be() -> None:
    cpu = rates.cpu(Reading(1.0, None, 1.0), Reading(2.0, 1.0, 2.0), None)
    assert (cpu.limit_cores, cpu.limit_ratio, cpu.throttled_ratio) == (None, None, None)


def test_a_restarted_container_has_no_rate_for_that_interval() -> None:
    assert rates.cpu(Reading(1.0, None, 100.0), Reading(2.0, 1.0, 0.5), None).cores is None


def test_network_sums_all_interfaces_or_the_uplinks_only() -> None:
    old = Counters(1.0, (Traffic("eth0", 0, 0), Traffic("docker0", 0, 0)))
    new = Counters(2.0, (Traffic("eth0", 100, 10), Traffic("docker0", 100, 10), Traffic("eth1", 5, 5)))
    assert rates.network(old, new).rx_bytes_per_s == 200
    assert rates.network(old, new, frozenset({"eth0"})).rx_bytes_per_s == 100
    assert [i.rx_bytes_per_s for i in rates.network(old, new).interfaces] == [100, 100, None]


def test_a_block_device_counts_from_its_first_byte() -> None:
    disk = rates.disk(Counters(1.0, ()), Counters(2.0, (Traffic("vda", 4096, 0),)))
    assert (disk.read_bytes_per_s, disk.write_bytes_per_s) == (4096, 0)
    assert rates.disk(None, Counters(2.0, (Traffic("vda", 4096, 0),))).read_bytes_per_s is None


def fill(history: History, values: list[float | None]) -> None:
    for tick, value in enumerate(values):
        history.begin(float(tick))
        history.add("a", GROUP_METRICS, (value, None))


def test_history_keeps_the_last_ticks_and_shows_gaps() -> None:
    history = History(4)
    fill(history, [1, None, 3, 4, 5, 6])
    assert Until(history).tail("a", "cpu.cores", 10) == [3, 4, 5, 6]
    assert Until(history).times(10) == [2, 3, 4, 5]
    assert Until(history).tail("a", "cpu.cores", 2) == [5, 6]
    assert Until(history).tail("a", "memory.working_set", 2) == [None, None]
    assert Until(history).tail("b", "cpu.cores", 2) == [None, None]


def test_history_as_before_is_the_same_value_and_absence_is_a_gap() -> None:
    history = History(10)
    fill(history, [1])
    for _ in range(3):
        history.begin(0.0)
        history.repeat("a")
    history.begin(0.0)
    history.begin(0.0)
    history.add("a", GROUP_METRICS, (2.0, None))
    assert Until(history).tail("a", "cpu.cores", 10) == [1, 1, 1, 1, None, 2]


def test_a_frame_keeps_seeing_the_history_as_it_was() -> None:
    history = History(5)
    fill(history, [1, 2])
    seen = Until(history)
    fill(history, [3, 4])
    assert seen.tail("a", "cpu.cores", 5) == [1, 2]
    fill(history, [5, 6, 7])
    assert seen.tail("a", "cpu.cores", 5) == []


@given(st.lists(st.one_of(st.none(), st.integers(0, 1000), st.just("same"), st.just("away")), max_size=60))
def test_history_equals_a_plain_list(steps: list[object]) -> None:
    history, expected, times = History(16), list[float | None](), [float(at) for at in range(len(steps))]
    for at, step in zip(times, steps, strict=True):
        history.begin(at)
        if step == "same":
            history.repeat("a")
            expected.append(expected[-1] if expected else None)
        elif step == "away":
            expected.append(None)
        else:
            assert step is None or isinstance(step, int)
            history.add("a", GROUP_METRICS, (step, 0.0))
            expected.append(step)
    # What comes after an absence cannot be "as before": there is no before.
    for position, step in enumerate(steps):
        if step == "same" and position and (steps[position - 1] == "away" or expected[position - 1] is None):
            expected[position] = None
    assert list(Until(history).tail("a", "cpu.cores", 16)) == expected[-16:]
    for count in range(20):
        assert list(Until(history).tail("a", "cpu.cores", count)) == expected[-min(count, 16) :] * bool(count)
        assert list(Until(history).times(count)) == times[-min(count, 16) :] * bool(count)


def test_the_trend_is_not_moved_by_a_spike() -> None:
    times = [float(t) for t in range(300)]
    values: list[float | None] = [1000 + 10 * t for t in times]
    values[150] = 1e9
    values[200] = None
    assert trend.slope(times, values) == pytest.approx(10, rel=0.2)
    assert trend.slope(times[:50], values[:50]) is None
    assert trend.slope(times, [5.0] * 300) == 0
