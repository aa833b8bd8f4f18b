"""Lines of logs on the screen: widths, wraps, tags, hits, times; and the line below them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mcptop.model.log import Entry, Level, What
from mcptop.presentation import logs, runs
from mcptop.presentation.log_status import State, line
from mcptop.presentation.logs import Look, Times, rows, tags, wrapped

PRINTABLE = some.text(some.characters(blacklist_categories=("C", "Z", "M")), max_size=120)


def entry(text: str, level: Level | None = None, **more: object) -> Entry:
    return Entry(7, 1769860800.0, "i", text, level, **({"head": 7} | more))  # type: ignore[arg-type]


@given(PRINTABLE, some.integers(20, 100), some.booleans(), some.sampled_from(Times), some.text("ab日", max_size=2))
def test_no_row_is_wider_than_the_screen(text: str, width: int, wrap: bool, times: Times, words: str) -> None:
    look = Look(times=times, wrap=wrap, words=words)
    found = rows(entry(text, Level.INFO), look, width)
    assert found
    assert all(runs.width(row) <= width for row in found)
    assert wrap or len(found) == 1


@given(PRINTABLE, some.integers(2, 40), some.integers(0, 60))
def test_wrapping_loses_nothing(text: str, room: int, cut: int) -> None:
    parts = wrapped(tuple(part for part in ((text[:cut], "a"), (text[cut:], "b")) if part[0]), room)
    assert "".join(runs.text_of(part) for part in parts) == text
    assert all(runs.width(part) <= room for part in parts)


def test_a_wrapped_line_has_a_bound_and_says_so() -> None:
    found = rows(entry("x" * 8000), Look(wrap=True), 80)
    assert len(found) == logs.MOST_ROWS
    assert runs.text_of(found[-1]).strip() == "… Enter shows the whole line"


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["stack-api-1"], []),
        (["stack-api-1", "stack-api-2"], ["1", "2"]),
        (["stack-api-10", "stack-api-11"], ["10", "11"]),
        (["api", "worker"], ["api", "worker"]),
        (["api-1", "api-1-canary"], ["1", "1-canary"]),
        (["a", "a"], ["a", "a"]),
        (["run.api[22004]", "run.api[22005]"], ["[22004]", "[22005]"]),
    ],
)
def test_replicas_are_called_by_what_makes_them_differ(names: list[str], short: list[str]) -> None:
    found = tags([(str(n), name) for n, name in enumerate(names)])
    assert [text.strip() for text, _ in found.values()] == short
    assert len({runs.cells(text) for text, _ in found.values()}) <= 1


def test_replicas_have_different_colours() -> None:
    found = tags([(str(n), f"api-{n}") for n in range(6)])
    assert len({style for _, style in found.values()}) == 6


def test_hits_are_marked_whatever_their_case() -> None:
    [row] = rows(entry("Pool and pool"), Look(times=Times.OFF, words="pool"), 80)
    assert [text for text, style in row if style == "hit"] == ["Pool", "pool"]
    [row] = rows(entry("Pool and pool"), Look(times=Times.OFF, words="Pool"), 80)
    assert [text for text, style in row if style == "hit"] == ["Pool"]


def test_times_and_letters() -> None:
    [clock] = rows(entry("x", Level.ERROR), Look(), 80)
    assert runs.text_of(clock)[2:] == ":00:00 E x"
    [ago] = rows(entry("x", Level.WARNING), Look(times=Times.AGO, now=1769860890.0), 80)
    assert runs.text_of(ago) == " 1m 30s W x"
    [off] = rows(entry("x"), Look(times=Times.OFF), 80)
    assert runs.text_of(off) == "  x"


def test_what_continues_a_line_is_indented_and_what_is_of_an_earlier_run_dim() -> None:
    [row] = rows(entry("x", Level.ERROR, head=3), Look(times=Times.OFF), 80, is_old=True)
    assert runs.text_of(row) == "    x"
    assert row[-1] == ("x", "dim")


def test_gaps_and_marks() -> None:
    [gap] = rows(entry("", what=What.SKIPPED, count=81_234), Look(times=Times.OFF), 80)
    assert runs.text_of(gap) == "… 81,234 lines skipped …"
    [gap] = rows(entry("", what=What.SKIPPED), Look(times=Times.OFF), 80)
    assert runs.text_of(gap) == "… lines skipped, too many to count …"
    [mark] = rows(entry("restarted: last exit code 137, OOM killed", what=What.START), Look(times=Times.OFF), 80)
    assert runs.text_of(mark) == "── restarted: last exit code 137, OOM killed ──"


def test_a_line_as_text_is_as_it_was_written() -> None:
    assert logs.whole(entry("folded", raw='{"a":1}')).endswith(' {"a":1}')
    assert logs.whole(entry("", what=What.SKIPPED, count=1)).endswith(" … 1 line skipped …")
    assert logs.whole(entry("ended: exit code 3", what=What.MARK)).endswith(" -- ended: exit code 3 --")


@given(some.integers(1, 120), some.text(max_size=30), some.integers(0, 9))
def test_the_last_line_fits(width: int, words: str, hits: int) -> None:
    state = State(False, 3, 100, 20_000, 81_234, True, "15 minutes", Level.WARNING, "api-2", words, None, hits, 4)
    assert runs.width(line(state, width)) == width


def test_the_last_line_tells_what_is_shown_and_what_is_not() -> None:
    state = State(False, 3, 100, 20_000, 81_234, True, "15 minutes", Level.WARNING, "api-2", "pool", 3, 17, 4)
    assert runs.text_of(line(state, 140)).rstrip() == (
        " paused at 3/100  4 marked  /pool 3/17  [ 15 minutes ]  warnings and worse"
        "  only api-2  20,000 kept  81,234+ skipped"
    )
