"""Charts: exact size, gaps stay gaps, the limit is drawn where it is."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mcptop import units
from mcptop.model.frame import EMPTY
from mcptop.presentation import charts, row_charts, rows, runs
from mcptop.presentation.charts import Chart
from mcptop.presentation.lens import Lens
from tests.ui import frames

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


def test_a_window_grows_smoothly_and_is_nearly_full():
    windows = [charts.window_for(float(second)) for second in range(2000)]
    assert windows[0] == 30
    assert windows[-1] == 900
    assert all(0 <= after - before <= 60 for before, after in pairwise(windows))
    assert all(second > window - 60 for second, window in enumerate(windows[30:900], 30))


def test_zooming_from_between_two_steps_goes_to_the_next():
    steps = [charts.WINDOWS_S[charts.next_window(90.0, by)] for by in (-1, 1)]
    assert steps == [60, 120]
    assert charts.WINDOWS_S[charts.next_window(30.0, -1)] == 30
    assert charts.WINDOWS_S[charts.next_window(900.0, 1)] == 900


@pytest.mark.parametrize(
    ("value", "least", "top"),
    [(0.03, 0.1, 0.1), (0.11, 0.1, 0.2), (0.35, 0.1, 0.4), (0.2, 0.1, 0.2), (1.37, 0.1, 2.0), (9, 1, 10), (563, 1, 600),
     (0, 1, 1), (float("inf"), 1, 1)],
)  # fmt: skip
def test_the_top_of_a_scale_is_round(value, least, top):
    assert charts.round_top(value, least) == pytest.approx(top)


@given(st.floats(1e-3, 1e12))
def test_the_highest_value_is_on_the_chart_and_fills_some_of_it(value):
    assert value * 0.999 <= charts.round_top(value, 1e-3) <= value * 2.001


@pytest.mark.parametrize("height", range(6, 20))
def test_what_stands_at_the_axis_is_the_top_its_half_and_nothing(height):
    lines = [runs.text_of(line)[: charts.AXIS].strip() for line in charts.draw(chart([0.1] * 60), 60, height)]
    assert [label for label in lines if label] == ["100%", "50%", "0%"]


def test_a_little_cpu_without_a_quota_is_no_flat_line():
    frame = frames.frame(1000, (frames.service("api", frames.instance("api", 0.05, 100)),))
    (row,) = rows.of_services(frame)
    assert runs.text_of(row_charts.use(row, Lens(frame), 120, 9)[1])[60:].lstrip().startswith("10%")
