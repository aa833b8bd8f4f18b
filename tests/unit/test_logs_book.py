"""The book and the view of it: bounds, order, numbers that stay, filters and hits that keep up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mcptop.logs.book import LogBook, key_of
from mcptop.logs.view import AROUND, View, Wanted, found_in
from mcptop.model.log import Entry, Key, Level, What

LEVELS = [None, *Level]
BATCHES = some.lists(
    some.lists(
        some.tuples(
            some.integers(0, 50), some.sampled_from("ab"), some.text("xyZ", max_size=4), some.sampled_from(LEVELS)
        ),
        max_size=12,
    ),
    max_size=8,
)


def entries(batch: list[tuple[int, str, str, Level | None]], first: int = 0) -> list[Entry]:
    return [
        Entry(first + n, float(at), who, text, level, head=first + n) for n, (at, who, text, level) in enumerate(batch)
    ]


@given(BATCHES, some.integers(1, 30), some.integers(300, 5000))
def test_lines_are_in_order_and_within_bounds(
    batches: list[list[tuple[int, str, str, Level | None]]], most: int, size: int
) -> None:
    book, every = LogBook(most, size), []
    for batch in batches:
        new = entries(batch, len(every))
        every += new
        book.add(new)
        assert len(book.lines) <= most
        assert sum(entry.size for entry in book.lines) <= size
        assert book.lines == sorted(book.lines, key=key_of)
    newest = sorted(every, key=key_of)[-len(book.lines) :] if book.lines else []
    assert {id(entry) for entry in book.lines} <= {id(entry) for entry in every}
    if len(batches) == 1:
        assert [entry.number for entry in book.lines] == [entry.number for entry in newest]


@given(
    BATCHES,
    some.sampled_from(LEVELS),
    some.sampled_from([None, "a", "b"]),
    some.sampled_from(["", "x", "Z", "yz"]),
    some.booleans(),
)
def test_a_view_that_keeps_up_is_the_view_made_anew(
    batches: list[list[tuple[int, str, str, Level | None]]],
    least: Level | None,
    who: str | None,
    words: str,
    around: bool,
) -> None:
    book, count = LogBook(25, 1 << 20), 0
    view, wanted = View(book), Wanted(least, who, words, around)
    view.want(wanted)
    for batch in batches:
        new = entries(batch, count)
        count += len(new)
        if (since := book.add(new)) is not None:
            view.follow(since)
        fresh = View(book)
        fresh.want(wanted)
        assert view.shown == fresh.shown
        assert view.hits == fresh.hits
        passing = [
            entry
            for entry in book.lines
            if (who is None or entry.instance == who)
            and (
                least is None
                or ((entry.level or Level.INFO) >= least and (entry.level is not None or least <= Level.INFO))
            )
        ]
        assert view.hits == ([entry for entry in passing if found_in(words, entry.text)] if words else [])
        hits = [at for at, entry in enumerate(passing) if found_in(words, entry.text)]
        near = [entry for at, entry in enumerate(passing) if any(abs(at - hit) <= AROUND for hit in hits)]
        assert view.shown == (near if around and words else passing)


def test_one_more_line_costs_no_look_at_all_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = 0

    def counted(entry: Entry) -> Key:
        nonlocal looked
        looked += 1
        return key_of(entry)

    book = LogBook(20_000)
    view = View(book)
    book.add(entries([(n, "a", "hit", None) for n in range(20_000)]))
    view.want(Wanted(words="hit", around=True))
    monkeypatch.setattr("mcptop.logs.view.key_of", counted)
    view.follow(book.add(entries([(20_000, "a", "hit", None)], 20_000)) or (0, 0))
    assert [entry.number for entry in view.shown] == list(range(1, 20_001))
    assert looked < 1000


def test_a_line_is_found_again_after_trimming() -> None:
    book = LogBook(100)
    view = View(book)
    numbered = entries([(n, "a", "x", None) for n in range(300)])
    view.follow(book.add(numbered[:100]) or (0, 0))
    key = view.shown[70].key
    view.follow(book.add(numbered[100:150]) or (0, 0))
    assert view.shown[view.at(key)].number == 70
    view.follow(book.add(numbered[150:]) or (0, 0))
    assert view.shown[view.at(key)].number == 200, "of a line that is gone the next one"


def test_hits_go_round() -> None:
    book = LogBook()
    view = View(book)
    book.add(entries([(n, "a", "hit" if n % 3 == 0 else "no", None) for n in range(9)]))
    view.want(Wanted(words="HIT".lower()))
    assert [entry.number for entry in view.hits] == [0, 3, 6]
    assert [view.hit_number(entry.key) for entry in book.lines[:4]] == [1, None, None, 2]
    forward = [view.hit_from(book.lines[n].key, 1) for n in (0, 4, 7)]
    backward = [view.hit_from(book.lines[n].key, -1) for n in (8, 3, 0)]
    assert [entry and entry.number for entry in forward] == [3, 6, 0]
    assert [entry and entry.number for entry in backward] == [6, 0, 6]
    view.want(Wanted(words="nowhere"))
    assert view.hit_from(book.lines[0].key, 1) is None


def test_only_around_hits() -> None:
    book = LogBook()
    view = View(book)
    book.add(entries([(n, "a", "hit" if n in (20, 22, 60) else "no", None) for n in range(100)]))
    view.want(Wanted(words="hit", around=True))
    assert [entry.number for entry in view.shown] == [
        *range(20 - AROUND, 23 + AROUND),
        *range(60 - AROUND, 61 + AROUND),
    ]


def test_case_counts_where_a_capital_is_searched_for() -> None:
    assert found_in("error", "an ERROR")
    assert found_in("Error", "an Error")
    assert not found_in("Error", "an ERROR")


def test_marks_pass_every_level_and_earlier_runs_are_known() -> None:
    book = LogBook()
    start = Entry(1, 5.0, "a", "restarted", what=What.START, head=1)
    book.add([Entry(0, 4.0, "a", "x", Level.INFO, head=0), start, Entry(2, 6.0, "a", "y", Level.INFO, head=2),
              Entry(3, 4.0, "b", "z", Level.INFO, head=3)])  # fmt: skip
    assert [entry.number for entry in book.lines if book.is_old(entry)] == [0]
    view = View(book)
    view.want(Wanted(least=Level.ERROR))
    assert view.shown == [start]


def test_what_was_skipped_adds_up() -> None:
    book = LogBook(2)
    book.add([Entry(n, float(n), "a", "", what=What.SKIPPED, head=n, count=n) for n in range(1, 6)])
    assert (book.skipped, book.uncounted) == (15, False)
    book.add([Entry(9, 9.0, "a", "", what=What.SKIPPED, head=9)])
    assert (book.skipped, book.uncounted) == (15, True)


def test_a_group_is_a_line_with_what_continues_it() -> None:
    book = LogBook()
    book.add([Entry(n, float(n), "a", "x", head=head) for n, head in enumerate([0, 0, 2, 0, 4])])
    assert [entry.number for entry in book.group(book.lines[3])] == [0, 1, 3]
