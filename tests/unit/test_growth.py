"""The leak rule: how often it is right over many series whose cause is known, and what never changes its answer."""

from collections.abc import Callable
from math import inf, isfinite, nan
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcptop.analysis import trend
from mcptop.analysis.growth import LEAST_SAMPLES, Growth, growth, last_segment, time_to
from tests.unit import series
from tests.unit.series import MIB

MEMORY = 0.5 * MIB / 60
FILES = 2 / 60
MANY = 200


def judged(make: Callable[[Random], series.Series], least: float, many: int = MANY) -> list[Growth]:
    rng = Random(1)
    found = [each for each in (growth(*make(rng), least) for _ in range(many)) if each is not None]
    assert len(found) == many
    return found


def memory(shape: series.Shape, window_s: float, many: int = MANY, **noise: float) -> list[Growth]:
    return judged(lambda rng: series.memory(rng, window_s, shape, **noise), MEMORY, many)


def share(found: list[Growth], verdict: str) -> float:
    return sum(getattr(each, verdict) for each in found) / len(found)


@pytest.mark.parametrize("noise_mib", [0.2, 2.0])
@pytest.mark.parametrize("window_s", [30, 60, 120])
def test_healthy_noise_with_a_memory_is_no_leak(window_s: int, noise_mib: float) -> None:
    found = memory(series.steady, window_s, 1000, noise_mib=noise_mib)
    assert share(found, "rising") <= 0.01
    assert share(found, "growing") <= 0.06
    assert share(found, "levelling_off") <= 0.03


def test_a_quiet_series_is_known_to_be_flat_when_the_window_is_long_enough() -> None:
    assert share(memory(series.steady, 300), "flat") >= 0.95
    assert share(memory(series.steady, 30, noise_mib=0.01), "flat") == 1
    assert share(memory(series.leak(1), 300), "flat") == 0


@pytest.mark.parametrize(
    ("mib_per_min", "window_s", "recall"),
    [(1, 180, 0.8), (1, 300, 0.95), (5, 30, 0.8), (5, 60, 0.95), (20, 15, 0.95), (20, 60, 0.95)],
)
def test_a_linear_leak_is_seen(mib_per_min: float, window_s: int, recall: float) -> None:
    found = memory(series.leak(mib_per_min), window_s)
    assert share(found, "rising") >= recall
    assert share(found, "levelling_off") <= 0.02
    assert share(found, "sawtooth") == share(found, "falling") == 0


@pytest.mark.parametrize(
    ("per_s", "window_s", "recall"), [(0.3, 60, 0.7), (0.3, 180, 0.95), (1, 60, 0.95), (5, 15, 0.95)]
)
def test_a_leak_that_comes_in_bursts_is_seen(per_s: float, window_s: int, recall: float) -> None:
    found = memory(series.bursts(per_s), window_s, noise_mib=0.05)
    assert share(found, "rising") >= recall
    assert share(found, "levelling_off") <= 0.05


@pytest.mark.parametrize(
    ("period_s", "window_s", "recall"), [(10, 60, 0.95), (15, 60, 0.95), (20, 60, 0.4), (20, 120, 0.95)]
)
def test_a_leak_under_a_collector_that_frees_in_turns_is_seen(period_s: float, window_s: int, recall: float) -> None:
    found = memory(series.leak_under_gc(20, period_s, 10), window_s, noise_mib=0.1)
    assert share(found, "rising") >= recall
    assert share(found, "sawtooth") <= 0.02


@pytest.mark.parametrize("covered", [1.0, 1.5, 2.5])
@pytest.mark.parametrize("window_s", [10, 60, 300])
def test_a_warm_up_levels_off(window_s: int, covered: float) -> None:
    found = memory(series.warm_up(covered), window_s)
    assert share(found, "rising") == 0
    assert share(found, "levelling_off") >= 0.98


def test_a_warm_up_a_little_longer_than_the_window_is_rarely_taken_for_a_leak() -> None:
    found = memory(series.warm_up(0.75), 60)
    assert share(found, "rising") <= 0.1
    assert share(found, "levelling_off") >= 0.8


@pytest.mark.parametrize("window_s", [10, 60, 120])
def test_a_step_is_a_step(window_s: int) -> None:
    found = memory(series.step, window_s)
    assert share(found, "rising") == share(found, "levelling_off") == 0
    assert share(found, "step") >= 0.98


@pytest.mark.parametrize(("part", "least"), [(0.5, 0.85), (0.33, 0.98), (0.1, 0.98)])
@pytest.mark.parametrize("window_s", [10, 60, 300])
def test_a_sawtooth_is_a_sawtooth(window_s: int, part: float, least: float) -> None:
    found = memory(series.sawtooth(part), window_s)
    assert share(found, "rising") == share(found, "step") == 0
    assert share(found, "sawtooth") >= least


@pytest.mark.parametrize("window_s", [10, 60, 120])
def test_a_load_that_comes_and_goes_is_no_leak(window_s: int) -> None:
    found = memory(series.load, window_s)
    assert share(found, "rising") == share(found, "levelling_off") == share(found, "step") == 0


@pytest.mark.parametrize(("per_s", "window_s", "recall"), [(3, 10, 0.8), (3, 15, 0.9), (1, 30, 0.9), (0.5, 60, 0.9)])
def test_open_files_that_are_never_closed_are_seen(per_s: float, window_s: int, recall: float) -> None:
    found = judged(lambda rng: series.count(rng, window_s, per_s), FILES)
    assert share(found, "rising") >= recall
    assert share(found, "levelling_off") <= 0.04


def test_open_files_that_come_and_go_are_no_leak() -> None:
    def pool(rng: Random) -> series.Series:
        at, in_use = series.times(15), 0
        values: list[float | None] = []
        for _ in at:
            in_use = rng.randint(0, 3) if rng.random() < 0.3 else in_use
            values.append(40.0 + in_use)
        return at, values

    assert share(judged(pool, FILES, 500), "rising") <= 0.01


@pytest.mark.parametrize("held", [3, 4, 10])
def test_a_count_that_stands_still_between_its_rises_is_rising(held: int) -> None:
    values = [float(count) for count in (40, 40, 42, 44, 44, 46) for _ in range(held)]
    found = growth([0.5 * number for number in range(len(values))], values, FILES)
    assert found is not None
    assert (found.rising, found.floors_rising, found.floors) == (True, 3, 5)


def test_gaps_change_little() -> None:
    leaking = judged(lambda rng: series.with_gaps(rng, series.memory(rng, 60, series.leak(5))), MEMORY)
    healthy = judged(lambda rng: series.with_gaps(rng, series.memory(rng, 60, series.steady)), MEMORY, 500)
    assert share(leaking, "rising") >= 0.95
    assert share(healthy, "rising") <= 0.01


@pytest.mark.parametrize("window_s", [30, 60, 120])
@pytest.mark.parametrize("rho", [0.0, 0.9])
def test_the_interval_holds_the_true_slope_as_often_as_it_says(window_s: int, rho: float) -> None:
    found = memory(series.leak(5), window_s, 400, rho=rho)
    true = 5 * MIB / 60
    assert sum(each.slope_low_per_s <= true <= each.slope_high_per_s for each in found) / len(found) >= 0.92
    assert all(each.slope_low_per_s <= each.slope_per_s <= each.slope_high_per_s for each in found)


def test_a_noisy_leak_is_not_one_jump() -> None:
    assert share(memory(series.leak(5), 60, noise_mib=1.0), "step") <= 0.05


def test_noise_that_is_little_of_the_whole_is_no_sawtooth() -> None:
    assert share(memory(series.steady, 120, noise_mib=0.8), "sawtooth") == 0


def test_a_few_events_cannot_be_said_to_have_levelled_off() -> None:
    found = judged(lambda rng: series.count(rng, 10, 0.5), FILES)
    assert share(found, "levelling_off") == 0


def test_a_leak_under_deep_teeth_is_no_sawtooth() -> None:
    found = memory(series.leak_under_gc(5, 10, 10), 60, noise_mib=0.1)
    assert share(found, "rising") >= 0.5
    assert share(found, "growing") >= 0.95
    assert share(found, "sawtooth") <= 0.05


def test_what_jumped_at_the_end_is_not_flat() -> None:
    found = growth([float(t) for t in range(48)], [100.0 * MIB] * 46 + [150.0 * MIB] * 2, MEMORY)
    assert found is not None
    assert (found.step, found.flat) == (True, False)


@pytest.mark.parametrize(("shape", "rising"), [(series.steady, 0.0), (series.leak(20), 0.95)])
def test_one_spike_neither_makes_nor_hides_a_leak(shape: series.Shape, rising: float) -> None:
    def spiked(rng: Random) -> series.Series:
        at, values = series.memory(rng, 60, shape)
        values[rng.randrange(len(values))] = 900.0 * MIB
        return at, values

    assert share(judged(spiked, MEMORY), "rising") == pytest.approx(rising, abs=0.05)


def test_growth_below_what_matters_is_not_growth() -> None:
    at = [float(t) for t in range(60)]
    values = [100.0 * MIB + 2 * MIB / 60 * t for t in at]
    expected = {(MEMORY, 0.0): True, (MEMORY, 0.015): True, (MEMORY, 0.05): False, (3 * MIB / 60, 0.0): False}
    for (least, relative), rising in expected.items():
        found = growth(at, values, least, relative)
        assert found is not None
        assert (found.rising, found.growing) == (rising, rising)
    assert (found.flat, found.relative) == (True, pytest.approx(2 * 59 / 60 / 100))


def test_a_constant_is_flat_and_nothing_else() -> None:
    found = growth(range(10), [7.0] * 10, 0.0)
    assert found is not None
    assert (found.slope_per_s, found.slope_low_per_s, found.slope_high_per_s) == (0, 0, 0)
    assert found.flat
    others = ("rising", "growing", "levelling_off", "sawtooth", "step", "falling")
    assert not any(getattr(found, name) for name in others)
    assert found.late_ratio is None


def test_too_little_is_no_answer() -> None:
    few: list[float | None] = [float(value) for value in range(LEAST_SAMPLES - 1)]
    assert growth(range(len(few)), few, 0.1) is None
    assert growth(range(len(few) + 3), [*few, None, nan, inf], 0.1) is None
    assert growth([5.0] * 20, [float(value) for value in range(20)], 0.1) is None
    assert growth(range(len(few) + 1), [*few, 7.0], 0.1) is not None


def test_the_time_to_a_limit_at_the_slope_at_soonest_and_at_latest() -> None:
    found = growth([float(t) for t in range(60)], [100.0 + t for t in range(60)], 0.1)
    assert found is not None
    wide = msgspec.structs.replace(found, slope_per_s=2.0, slope_low_per_s=-1.0, slope_high_per_s=4.0, last=160.0)
    assert time_to(200.0, wide) == (20.0, 10.0, None)
    assert time_to(160.0, wide) == (0.0, 0.0, 0.0)
    falling = msgspec.structs.replace(wide, slope_per_s=-2.0, slope_low_per_s=-3.0, slope_high_per_s=-1.0)
    assert time_to(200.0, falling) == (None, None, None)


def test_only_what_lies_after_the_last_break_counts() -> None:
    at, values = [0.0, 1.0, 2.0, 3.0], [5.0, None, 1.0, 2.0]
    assert last_segment(at, values, []) == (at, values)
    assert last_segment(at, values, [2.0, 0.5]) == ([2.0, 3.0], [1.0, 2.0])
    assert last_segment(at, values, [9.0]) == ([], [])


sample = st.none() | st.floats() | st.integers(-50, 50).map(float)
whole = st.lists(st.none() | st.integers(0, 10**6).map(float), min_size=8, max_size=80)


@given(st.lists(st.tuples(st.floats(), sample), max_size=60), st.floats(0, 1e9), st.floats(0, 1))
def test_no_series_raises(samples: list[tuple[float, float | None]], least: float, relative: float) -> None:
    found = growth([t for t, _ in samples], [v for _, v in samples], least, relative)
    assert found is None or isfinite(found.slope_per_s + found.slope_low_per_s + found.slope_high_per_s)
    assert found is None or found.growing or not found.rising


@given(st.lists(sample, min_size=8, max_size=60))
def test_no_value_is_too_large(values: list[float | None]) -> None:
    found = growth(range(len(values)), values, 1.0)
    assert found is None or isfinite(found.slope_per_s + found.slope_low_per_s + found.slope_high_per_s)


@given(whole, st.floats(0, 100), st.floats(0, 0.5))
def test_what_is_said_fits_together(values: list[float | None], least: float, relative: float) -> None:
    found = growth(range(len(values)), values, least, relative)
    if found is None:
        assert sum(value is not None for value in values) < LEAST_SAMPLES
        return
    assert found.lowest <= min(found.first, found.last) <= max(found.first, found.last) <= found.highest
    assert 0 <= found.floors_rising <= found.floors == 5
    assert not (found.rising and (not found.growing or found.levelling_off or found.step or found.sawtooth))
    assert not (found.falling and found.growing)


@given(whole, st.integers(-(10**6), 10**6), st.integers(0, 10**6))
def test_a_constant_on_top_changes_no_slope(values: list[float | None], above: int, later: int) -> None:
    one = growth(range(len(values)), values, 1.0)
    other = growth([t + later for t in range(len(values))], [None if v is None else v + above for v in values], 1.0)
    same = ("samples", "span_s", "slope_per_s", "slope_low_per_s", "slope_high_per_s", "late_ratio", "floors_rising",
            "rising", "growing", "levelling_off", "flat", "step", "falling")  # fmt: skip
    assert (one is None) == (other is None)
    assert [getattr(one, name, None) for name in same] == [getattr(other, name, None) for name in same]


@given(whole, st.sampled_from([2.0**-10, 0.5, 4.0, 2.0**20]))
def test_another_unit_changes_no_verdict(values: list[float | None], factor: float) -> None:
    one = growth(range(len(values)), values, 1.0)
    other = growth(range(len(values)), [None if v is None else v * factor for v in values], factor)
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        scaled = ("first", "last", "lowest", "highest", "slope_per_s", "slope_low_per_s", "slope_high_per_s")
        assert [getattr(one, name) * factor for name in scaled] == [getattr(other, name) for name in scaled]
        rest = [name for name in Growth.__struct_fields__ if name not in scaled]
        assert [getattr(one, name) for name in rest] == [getattr(other, name) for name in rest]


@given(whole)
def test_upside_down_growing_is_falling(values: list[float | None]) -> None:
    one = growth(range(len(values)), values, 1.0)
    other = growth(range(len(values)), [None if v is None else -v for v in values], 1.0)
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert (one.slope_per_s, one.growing, one.flat) == (-other.slope_per_s, other.falling, other.flat)
        assert one.step == other.step


def test_fewer_points_than_five_have_no_interval() -> None:
    line = [(float(t), 2.0 * t) for t in range(5)]
    assert trend.uncertainty(line[:4], 2.0) is None
    assert trend.uncertainty(line, 2.0) == 0
    assert trend.uncertainty([(1.0, value) for _, value in line], 0.0) is None
    assert trend.theil_sen(line[:1]) is None


def test_little_beside_what_it_holds_is_flat() -> None:
    """Half a megabyte a minute in two gigabytes: for a small process that is growth."""
    times = list(range(60))
    for start, flat in ((2048 * MIB, True), (50 * MIB, False)):
        found = growth(times, [start + 2 * MEMORY * at for at in times], MEMORY, least_relative=0.001)
        assert found is not None
        assert (found.flat, found.growing, found.rising) == (flat, not flat, not flat)
