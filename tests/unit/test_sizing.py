"""Limits by what was seen: raised on little evidence, and never lowered on it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcptop.analysis import sizing
from mcptop.analysis.sizing import Advice

MIB = 1 << 20


@pytest.mark.parametrize(
    ("used_mib", "limit_mib", "kills", "advice", "wanted_mib"),
    [
        (400, None, 0, Advice.SET, 464),
        (480, 512, 0, Advice.RAISE, 560),
        (300, 512, 0, Advice.KEEP, 352),
        (100, 512, 0, Advice.KEEP, 128),
        (300, 512, 2, Advice.RAISE, 640),
    ],
)
def test_memory(used_mib, limit_mib, kills, advice, wanted_mib):
    values = [float(used_mib * MIB)] * 200
    sized = sizing.memory(values, limit_mib and limit_mib * MIB, kills)
    assert (sized.advice, sized.wanted) == (advice, wanted_mib * MIB)


@pytest.mark.parametrize(
    ("used", "limit", "held_back", "advice", "wanted"),
    [
        (0.5, None, None, Advice.KEEP, 0.6),
        (0.5, 0.5, 0.4, Advice.RAISE, 0.7),
        (0.5, 0.5, None, Advice.KEEP, 0.6),
        (0.2, 2.0, None, Advice.KEEP, 0.25),
    ],
)
def test_cpu(used, limit, held_back, advice, wanted):
    sized = sizing.cpu([used] * 200, limit, held_back)
    assert (sized.advice, sized.wanted) == (advice, pytest.approx(wanted))


def test_a_few_samples_are_no_advice():
    few = sizing.memory([float(MIB)] * 99, 512 * MIB, 0)
    assert (few.advice, few.wanted, few.because) == (Advice.UNKNOWN, None, "not enough data: 99 of 100 samples")
    assert sizing.cpu([None] * 500, 1.0, 0.9).advice is Advice.UNKNOWN


@given(st.lists(st.none() | st.floats(0, 1e13), max_size=300), st.none() | st.floats(1, 1e13), st.integers(0, 3))
def test_nothing_is_lowered_however_little_was_used(values, limit, kills):
    sized = sizing.memory(values, limit, kills)
    assert sized.advice in (Advice.KEEP, Advice.UNKNOWN) or limit is None or (sized.wanted or 0) > limit
    assert sized.wanted is None or sized.wanted >= max(v for v in values if v is not None)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_one_of_the_values_and_most_lie_at_or_below_it(values, share):
    found = sizing.percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
