"""Moments as people write them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcptop.recording.moment import moment

FIRST, LAST = datetime(2026, 1, 31, 9, 0, tzinfo=UTC), datetime(2026, 1, 31, 12, 0, 0, 400_000, tzinfo=UTC)


def of(text: str) -> datetime | None:
    return moment(text, LAST, FIRST, LAST)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("-5m", LAST - timedelta(minutes=5)),
        ("+30s", FIRST + timedelta(seconds=30)),
        ("-1h 30m", LAST - timedelta(minutes=90)),
        ("-1d2h3m4s", LAST - timedelta(days=1, hours=2, minutes=3, seconds=4)),
    ],
)
def test_steps_go_back_from_the_end_and_on_from_the_beginning(text, at):
    assert of(text) == at


def test_a_time_of_day_is_local_and_the_last_one_there_was():
    at = of("9:05")
    local = LAST.astimezone()
    assert (at.hour, at.minute, at.second) == (9, 5, 0)
    assert timedelta(0) <= local - at.replace(microsecond=0) < timedelta(days=1)


def test_the_second_of_the_end_is_in_it():
    local = LAST.astimezone()
    assert of(f"{local:%H:%M:%S}").date() == local.date()


def test_a_date_may_have_a_zone():
    assert of("2026-01-30T23:59:58Z") == datetime(2026, 1, 30, 23, 59, 58, 999_999, tzinfo=UTC)
    assert of("2026-01-30 23:59").astimezone().hour == 23


@pytest.mark.parametrize(
    "text", ["", "-", "+", "soon", "25:00", "12:60", "2026-13-01 12:00", "-m", "\x00", "9" * 500, "2026"]
)
def test_what_is_no_time(text):
    assert of(text) is None


@given(st.text())
def test_whatever_is_typed_it_is_a_time_or_none(text):
    assert of(text) is None or of(text).tzinfo is not None
