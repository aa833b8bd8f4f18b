"""What lines say: levels, folded JSON, what is made harmless, what continues what, parts put together."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mcptop.logs import levels, text
from mcptop.logs.reader import LogReader
from mcptop.model.log import Entry, Level, What
from mcptop.sources.log_box import Mark, Raw, Taken

D, INFO, W, E, F = Level.DEBUG, Level.INFO, Level.WARNING, Level.ERROR, Level.FATAL
NOON = b"2026-01-31T12:00:00.000000000Z "


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ('INFO:     127.0.0.1:5000 - "GET / HTTP/1.1" 200 OK', INFO),  # uvicorn
        ("WARNING:root:disk is nearly full", W),  # Python
        ("2026-01-31 12:00:00,123 - api.pool - ERROR - no connection left", E),
        ("[2026-01-31 12:00:00 +0000] [7] [CRITICAL] WORKER TIMEOUT (pid:8)", F),  # gunicorn
        ('level=warn msg="slow query" took=3s', W),  # logfmt
        ('time=2026-01-31T12:00:00Z lvl="error" msg=x', E),
        ("W0131 12:00:00.123456       7 server.go:12] late", W),  # glog
        ("E, [2026-01-31T12:00:00.1 #7] ERROR -- : no", E),  # Ruby
        ("2026/01/31 12:00:00 [warn] 7#7: *1 an upstream response is buffered", W),  # nginx
        ("2026/01/31 12:00:00 [notice] 1#1: start worker processes", INFO),
        ("[error] something", E),
        ("2026-01-31 12:00:00.123 UTC [71] LOG:  checkpoint starting: time", INFO),  # PostgreSQL
        ("2026-01-31 12:00:00.123 UTC [71] FATAL:  password authentication failed", F),
        ('2026-01-31 12:00:00.123 UTC [71] ERROR:  relation "x" does not exist at character 15', E),
        ("1:M 31 Jan 2026 12:00:00.123 * Ready to accept connections", INFO),  # Redis
        ("1:M 31 Jan 2026 12:00:00.123 # WARNING overcommit_memory is set to 0", W),
        ("1:C 31 Jan 2026 12:00:00.123 - Accepted", D),
        ("npm ERR! code ELIFECYCLE".replace("ERR!", "err!"), E),
        ("error: could not open it", E),
        ("panic: runtime error: index out of range", F),
        ("<6> [INFO ] padded", INFO),
        ("2026-01-31T12:00:00.1Z  INFO tower_http: finished ERROR=0", INFO),
        ("Traceback (most recent call last):", E),
        ("GET /errors 200 in information mode", None),
        ("the level of water", None),
        ("", None),
    ],
)
def test_levels_in_the_forms_of_programs(line: str, level: Level | None) -> None:
    assert levels.of_text(line) == level


@pytest.mark.parametrize(
    ("fields", "level"),
    [
        ({"level": "warning"}, W),
        ({"severity": "ERROR"}, E),
        ({"levelname": "DEBUG"}, D),
        ({"level": 30}, INFO),  # bunyan, pino
        ({"level": 60}, F),
        ({"levelno": 30}, W),  # Python
        ({"level": 3}, E),  # syslog, GELF
        ({"log.level": "fatal"}, F),
        ({"log": {"level": "warn"}}, W),
        ({"level": True}, None),
        ({"level": None}, None),
        ({"level": "loud"}, None),
        ({"level": 10**30}, F),
    ],
)
def test_levels_of_json(fields: dict[str, object], level: Level | None) -> None:
    assert text.said(json.dumps({"msg": "x", **fields}).encode()).level == level


def test_json_is_folded_to_its_message_and_its_fields() -> None:
    line = b'{"time":"12:00","level":"info","event":"done","took_s":0.25,"who":{"id":[1,2]},"note":"two words","v":0}'
    said = text.said(line)
    assert said.text == 'done took_s=0.25 who={"id":[1,2]} note="two words"'
    assert said.raw == line.decode()


@pytest.mark.parametrize("line", [b"{broken", b"{}", b"[1,2]", b"{" * 5000 + b"}", b'{"a":"\xff"}', b"{1:2}"])
def test_what_only_looks_like_json_stays_as_it_is(line: bytes) -> None:
    said = text.said(line)
    assert said.raw is None
    assert said.text == line.decode("utf-8", "replace")[: 8 << 10]


def test_opened_json_has_a_line_a_field_and_tracebacks_as_such() -> None:
    raw = json.dumps({"msg": "no", "exc": "Traceback:\n  File\nValueError", "n": {"a": 1}})
    assert text.pretty(raw) == ["{", '  "msg": "no",', '  "exc": "Traceback:', "      File", '    ValueError",',
                                '  "n": {', '    "a": 1', "  }", "}"]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("\x1b[31mred\x1b[0m and \x1b[1;38;5;12mblue\x1b[m", "red and blue"),
        ("a\x1b]52;c;aGVsbG8=\x07b", "ab"),
        ("a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\b", "alinkb"),
        ("a\x1b]52;c;never ends", "a"),
        ("a\x9b31mb\x9d52;c;x\x9cc", "abc"),
        ("a\x1b(Bb\x1b7c\x1b", "abc"),
        ("a\x1bP1$r0m\x1b\\b", "ab"),
        ("10%\r50%\r100%", "100%"),
        ("done\r", "done"),
        ("a\tb", "a   b"),
        ("user\u202egnp.exe", "user gnp.exe"),
        ("a\x00b\x07c\x7fd", "a b c d"),
        ("zero\u200bwidth", "zero width"),
        ("[red]no markup[/red]", "[red]no markup[/red]"),
        ("日本語 ok", "日本語 ok"),
    ],
)
def test_what_a_container_writes_is_made_harmless(written: str, shown: str) -> None:
    assert text.said(written.encode()).text == shown


@given(some.binary(max_size=400))
def test_whatever_is_written_becomes_one_harmless_line(line: bytes) -> None:
    said = text.said(line)
    assert said.text.isprintable()
    assert said.raw is None or said.raw.isprintable()
    assert all(part.isprintable() for part in text.pretty(said.raw or said.text))


@given(some.dictionaries(some.text(max_size=8), some.text(max_size=20) | some.integers() | some.none(), max_size=5))
def test_whatever_json_says_is_folded_to_one_harmless_line(fields: dict[str, object]) -> None:
    said = text.said(json.dumps(fields).encode())
    assert said.text.isprintable()
    assert said.text


def test_very_long_lines_are_cut_and_say_so() -> None:
    said = text.said(b"x" * (1 << 20))
    assert len(said.text) < (8 << 10) + 40
    assert said.text.endswith("… 1.0 MiB more")


def read(*lines: bytes | Raw | Mark, skipped: int = 0, uncounted: bool = False) -> list[Entry]:
    items = [(1, None, NOON + line + b"\n") if isinstance(line, bytes) else line for line in lines]
    return LogReader("i", itertools.count()).read(Taken(skipped, uncounted, items), 2e9)


TRACEBACK = (b"Traceback (most recent call last):", b'  File "x.py", line 1, in f', b"    f()", b"",
             b"ValueError: no")  # fmt: skip


def test_a_traceback_belongs_to_the_error_before_it() -> None:
    head, *rest, after = read(b"ERROR:root:failed", *TRACEBACK, b"INFO:root:goes on")
    assert {entry.head for entry in rest} == {head.number}
    assert {entry.level for entry in rest} == {E}
    assert (after.head, after.level) == (after.number, INFO)


def test_a_traceback_behind_another_line_stands_for_itself() -> None:
    before, head, *rest = read(b"INFO:root:fine", *TRACEBACK)
    assert (before.head, head.head, head.level) == (before.number, head.number, E)
    assert {(entry.head, entry.level) for entry in rest} == {(head.number, E)}


def test_a_chain_of_tracebacks_is_one() -> None:
    link = b"During handling of the above exception, another exception occurred:"
    found = read(b"ERROR:root:failed", *TRACEBACK, b"", link, b"", *TRACEBACK, b"next")
    assert {entry.head for entry in found[:-1] if entry.text} == {found[0].number}
    assert found[-1].head == found[-1].number


def test_indented_lines_and_the_details_of_postgresql_belong_to_the_line_before() -> None:
    found = read(
        b"2026-01-31 12:00:00.1 UTC [7] ERROR:  no", b"2026-01-31 12:00:00.1 UTC [7] DETAIL:  because", b"\tand"
    )
    assert [(entry.head, entry.level) for entry in found] == [(found[0].number, E)] * 3


def test_streams_do_not_continue_each_other() -> None:
    found = read((1, None, NOON + b"ERROR: no\n"), (2, None, NOON + b"  warm\n"))
    assert found[1].head == found[1].number


def test_parts_of_a_very_long_line_are_one() -> None:
    [entry] = read((1, None, NOON + b"a" * 3000), (2, None, NOON + b"b"), (1, None, NOON + b"a" * 3000 + b"\r\n"))
    assert entry.text == "a" * 6000


def test_last_words_without_a_line_end_come_before_the_end() -> None:
    first, second, mark = read(b"fine", (1, None, NOON + b"fatal: no"), Mark(2e9, "ended: exit code 1"))
    assert [first.text, second.text, mark.text] == ["fine", "fatal: no", "ended: exit code 1"]
    assert second.level == F


def test_a_traceback_may_be_the_first_thing_that_is_read() -> None:
    found = read(*TRACEBACK, b"next")
    assert [entry.head for entry in found] == [0, 0, 0, 0, 0, 5]


def test_times_to_the_microsecond_and_by_the_line_before() -> None:
    first, second, third = read(
        (1, None, b"2026-01-31T12:00:00.250000000Z hello\n"), (1, None, b"no time\n"), (1, 1.5e9, b"2017-01-01 old\n")
    )
    assert (first.at, first.text) == (1769860800.25, "hello")
    assert (second.at, second.text) == (1769860800.25, "no time")
    assert third.at == 1769860800.25


def test_lines_of_a_file_tell_their_times_as_far_as_these_can_be() -> None:
    [told, cont, future] = read(
        (1, 1.8e9, b"2026-01-31T12:00:00Z x\n"), (1, 1.8e9, b"  y\n"), (1, 1.8e9, b"2099-01-01T00:00:00Z z\n")
    )
    assert [told.at, cont.at, future.at] == [1769860800.0, 1769860800.0, 1.8e9]


def test_what_was_skipped_stands_where_it_is_missing() -> None:
    [gap, line] = read(b"after", skipped=81_234)
    assert (gap.what, gap.count, gap.at) == (What.SKIPPED, 81_234, line.at)
    [gap] = read(skipped=5, uncounted=True)
    assert (gap.what, gap.count) == (What.SKIPPED, 0)


def test_marks_keep_their_times() -> None:
    first, second = read(Mark(5.0, "restarted: last exit code 137, OOM killed", True), Mark(6.0, "a\x1b[31mb"))
    assert (first.what, first.at, first.text) == (What.START, 5.0, "restarted: last exit code 137, OOM killed")
    assert (second.what, second.text) == (What.MARK, "ab")


@given(some.lists(some.tuples(some.sampled_from([1, 2]), some.binary(max_size=60)), max_size=20))
def test_no_line_breaks_the_reading(lines: list[tuple[int, bytes]]) -> None:
    found = read(*((stream, None, line) for stream, line in lines))
    numbers = [entry.number for entry in found]
    assert numbers == sorted(set(numbers))
    assert all(entry.head <= entry.number and entry.text.isprintable() for entry in found)
