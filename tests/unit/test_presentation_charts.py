"""Charts: exact size, gaps stay gaps, the limit is drawn where it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mcptop import units
from mcptop.model.frame import EMPTY
from mcptop.presentation import charts, runs
from mcptop.presentation.charts import Chart
from mcptop.presentation.lens import Lens

VALUES = st.lists(st.one_of(st.none(), st.floats(0, 1e12)), max_size=400)


def chart(values, top=1.0, limit=None, window=60.0, tick=0) -> Chart:
    lens = Lens(replace(EMPTY, number=tick), window)
    return Chart(values, lens, top, units.percent, limit, style="chart.cpu")


@given(VALUES, st.integers(-5, 120), st.integers(-2, 20), st.integers(0, 5000))
def test_a_chart_is_exactly_as_large_as_asked_or_not_there(values, width, height, tick):
    lines = charts.draw(chart(values, top=1e6, limit=9e5, window=300.0, tick=tick), width, height)
    assert len(lines) in (0, height)
    assert all(runs.width(line) == width for line in lines)


def test_a_gap_is_empty_and_zero_is_not():
    values = [0.0] * 20 + [None] * 20 + [0.0] * 20
    bottom = runs.text_of(charts.draw(chart(values), 30 + charts.AXIS + 1 + charts.TAIL, 4)[2])
    plot = bottom[charts.AXIS + 1 : -charts.TAIL]
    assert plot == "⣀" * 10 + " " * 10 + "⣀" * 10


def test_what_was_before_the_history_is_a_gap():
    lines = charts.draw(chart([1.0] * 30), 30 + charts.AXIS + 1 + charts.TAIL, 4)
    plot = runs.text_of(lines[0])[charts.AXIS + 1 : -charts.TAIL]
    assert plot == " " * 15 + "⣿" * 15


def test_the_limit_has_a_line_and_a_name():
    lines = [runs.text_of(line) for line in charts.draw(chart([0.1] * 60, limit=1.0), 60, 8)]
    assert lines[0].startswith("  100%▕┄┄┄")
    assert lines[0].rstrip().endswith("limit")
    assert not any("┄" in line for line in lines[1:])


def test_a_limit_above_the_picture_is_not_drawn_at_its_edge():
    assert not any("limit" in runs.text_of(line) for line in charts.draw(chart([0.1], limit=2.0), 60, 8))


@pytest.mark.parametrize("tick", [1000, 1001, 1002, 1005])
def test_a_peak_keeps_its_height_while_it_moves(tick):
    values: list[float | None] = [0.0] * 900
    values[500 - (tick - 1000)] = 1.0
    assert charts.resample(chart(values, window=900.0, tick=tick), 100).count(1.0) == 1


def test_the_time_axis():
    axis = runs.text_of(charts.draw(chart([], window=900.0), 60, 5)[-1])
    assert axis.split() == ["-15m", "-7m", "30s", "now"]
