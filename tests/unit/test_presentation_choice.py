"""Choosing columns: ticks, places, and never none at all."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mcptop.presentation import choice
from mcptop.presentation.columns import SERVICES
from mcptop.presentation.sheet import ON_REQUEST, WIDE

EVERY = ("a", "b", "c", "d")


def test_hidden_columns_stand_behind_their_usual_neighbours():
    assert choice.of(EVERY, ("c", "a")).order == ("c", "d", "a", "b")
    assert choice.of(EVERY, ("b",)).order == ("a", "b", "c", "d")
    assert choice.of(EVERY, ("gone", "d", "d")).shown == ("d",)


def test_a_column_is_shown_and_hidden_in_its_place():
    first = choice.of(EVERY, ("a", "c"))
    assert first.toggled("b").shown == ("a", "b", "c")
    assert first.toggled("b").toggled("b") == first


def test_the_last_column_stays():
    assert choice.of(EVERY, ("a",)).toggled("a").shown == ("a",)


def test_a_column_moves_as_far_as_there_are_places():
    first = choice.of(EVERY, EVERY)
    assert first.moved("b", -1).shown == ("b", "a", "c", "d")
    assert first.moved("b", 1).shown == ("a", "c", "b", "d")
    assert first.moved("a", -1) == first == first.moved("d", 1)


@given(st.lists(st.sampled_from([*EVERY, "gone"])), st.lists(st.tuples(st.sampled_from(EVERY), st.integers(-1, 1))))
def test_whatever_is_done_every_column_is_there_once(shown, steps):
    now = choice.of(EVERY, shown)
    for id, step in steps:
        now = now.moved(id, step) if step else now.toggled(id)
        assert sorted(now.order) == sorted(EVERY)
        assert now.shown or not set(shown) - {"gone"}


def test_chosen_columns_are_shown_at_any_width_as_far_as_there_is_room():
    sheet = SERVICES.chosen(("image", "gone", "name", "pressure"))
    assert [item.column.id for item in sheet.place(200)] == ["image", "name", "pressure"]
    assert [item.column.id for item in sheet.place(34)] == ["image", "name"]
    assert SERVICES.chosen(("gone",)) is SERVICES


def test_columns_on_request_are_not_shown_unasked():
    asked = {column.id for column in SERVICES.columns if column.fits == ON_REQUEST}
    assert {"image", "exit", "read", "received", "project"} <= asked
    assert not asked & {item.column.id for item in SERVICES.place(WIDE * 5)}
