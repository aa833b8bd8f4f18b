"""The tables of closeups as text, at the widths that must look right; their order, filters, masks and details."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mcptop.model.closeup import Aspect, Closeup, Direction, Fact, FileLine, ProcessCloseup, ProcessLine, SocketLine
from mcptop.model.frame import NoSeries
from mcptop.presentation import runs, sheet
from mcptop.presentation.closeups import detail, files, inspection, masks, processes, sockets
from mcptop.presentation.closeups.masks import HIDDEN, Reveal
from mcptop.presentation.closeups.tables import TABLES
from mcptop.presentation.filter import parse
from mcptop.presentation.judgement import Level
from mcptop.presentation.row import View
from mcptop.presentation.runs import Runs
from mcptop.presentation.sheet import Moment
from mcptop.secret_forms import MASK
from tests.closeup import examples
from tests.closeup.examples import API, CLOSEUPS, NOON

SNAPSHOTS = Path(__file__).parent / "snapshots"
WIDTHS = (80, 120, 200)


def view(aspect: Aspect, tree: bool = True, text: str = "", sort: str | None = None) -> View:
    table = TABLES[aspect]
    chosen = table.sort if sort is None else sort
    column = table.sheet.column(chosen) if chosen else None
    return View(column.sort if column else None, not (column and column.names), parse(text), tree=tree)


def rows(aspect: Aspect, tree: bool = True, text: str = "", sort: str | None = None) -> Sequence[Any]:
    return TABLES[aspect].build(CLOSEUPS[aspect], view(aspect, tree, text, sort))


def picture(aspect: Aspect, width: int) -> str:
    """The table as a tree and flat, and the first row in full."""
    table, closeup = TABLES[aspect], CLOSEUPS[aspect]
    placed = table.sheet.place(width)
    lines: list[Runs] = []
    for tree in (True, False):
        moment = Moment(NOON, NoSeries(), tree)
        found = rows(aspect, tree)
        lines.append(sheet.heading(placed, table.sort, True))
        lines += [((" ", "text"), *sheet.line(row, placed, moment)) for row in found]
        lines.append(())
    first = next(row for row in rows(aspect) if not row.is_heading)
    lines += detail.compose(first, closeup, width, 12)
    return "\n".join(runs.text_of(line).rstrip() for line in lines) + "\n"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("aspect", Aspect)
def test_pictures(aspect, width):
    """MCPTOP_UPDATE_SNAPSHOTS=1 keeps the present ones."""
    path, text = SNAPSHOTS / f"{aspect}-{width}.txt", picture(aspect, width)
    if os.environ.get("MCPTOP_UPDATE_SNAPSHOTS"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
    assert max(runs.cells(line) for line in text.splitlines()) <= width


@pytest.mark.parametrize("aspect", Aspect)
def test_no_line_is_wider_than_the_table(aspect):
    table = TABLES[aspect]
    for width in (*range(10, 130), 199, 300):
        placed = table.sheet.place(width)
        expected = 1 + sum(item.width + 1 for item in placed)
        assert expected <= width
        for tree in (True, False):
            for row in rows(aspect, tree):
                assert runs.width(sheet.line(row, placed, Moment(NOON, NoSeries(), tree))) + 1 == expected


@pytest.mark.parametrize("aspect", Aspect)
def test_the_promised_columns_are_there_at_80(aspect):
    promised = {
        Aspect.PROCESSES: {"name", "pid", "state", "cpu", "memory", "threads", "fds", "command"},
        Aspect.SOCKETS: {"level", "peer", "state", "count", "port", "queue", "unread", "unsent"},
        Aspect.FILES: {"path", "fds", "size", "growth", "pid"},
        Aspect.INSPECT: {"name", "value"},
    }
    table = TABLES[aspect].sheet
    assert promised[aspect] <= {item.column.id for item in table.place(79)}
    assert {item.column.id for item in table.place(199)} == {column.id for column in table.columns}


@pytest.mark.parametrize("aspect", Aspect)
def test_every_column_sorts_and_no_row_is_lost_or_shown_twice(aspect):
    table = TABLES[aspect].sheet
    for tree in (True, False):
        everyone = sorted(row.key for row in rows(aspect, tree))
        assert len(everyone) == len(set(everyone))
        for column in table.columns:
            assert column.sort is not None
            assert sorted(row.key for row in rows(aspect, tree, sort=column.id)) == everyone


def test_a_parent_stands_above_its_children_and_the_busiest_first():
    found = [(row.name, row.depth, row.line.pid) for row in rows(Aspect.PROCESSES) if row.line.instance == API[0]]
    assert found == [
        (API[0], 0, 0), ("gunicorn", 0, 4001), ("gunicorn", 1, 4010), ("convert", 2, 4056), ("ffmpeg", 2, 4055),
        ("gunicorn", 1, 4011),
    ]  # fmt: skip
    assert [row.line.pid for row in rows(Aspect.PROCESSES, tree=False)][:3] == [4110, 4010, 4011]


def test_a_heading_sums_what_is_known():
    heading = rows(Aspect.PROCESSES)[0]
    assert heading.line.cores == pytest.approx(0.633)
    assert heading.line.rss_bytes == (24 + 212 + 198 + 24) << 20
    assert heading.says == "5 processes, 1 zombie"
    assert heading.identity is None


def test_parents_that_name_each_other_lose_no_process():
    odd = replace(examples.PROCESSES, instances=API[:1], lines=(
        examples.process(1, 2, "a"), examples.process(2, 1, "b"), examples.process(3, 3, "self"),
    ))  # fmt: skip
    assert sorted(row.line.pid for row in processes.build(odd, View())) == [1, 2, 3]


def test_a_chain_of_two_thousand_processes_is_a_tree():
    lines = tuple(examples.process(pid, pid - 1, "deep") for pid in range(1, 2001))
    built = processes.build(replace(examples.PROCESSES, instances=API[:1], lines=lines), View())
    assert [row.depth for row in built] == list(range(2000))


@pytest.mark.parametrize(
    ("aspect", "text", "found"),
    [
        (Aspect.PROCESSES, "cpu>50", {4010, 4110}), (Aspect.PROCESSES, "mem>200m", {4010}),
        (Aspect.PROCESSES, "fd>50", {4010}), (Aspect.PROCESSES, "state=Z", {4056}), (Aspect.PROCESSES, "rtsp", {4055}),
        (Aspect.PROCESSES, "4011", {4011}), (Aspect.PROCESSES, "api-2 cpu>1", {4110}),
        (Aspect.PROCESSES, "level=warn", {4056, 4110}), (Aspect.PROCESSES, "up<1m", {4055}),
        (Aspect.PROCESSES, "instance=api-2 !level=warn", {4101}), (Aspect.PROCESSES, "threads>5", {4010, 4011}),
    ],
)  # fmt: skip
def test_filters_of_processes(aspect, text, found):
    for tree in (True, False):
        assert {row.line.pid for row in rows(aspect, tree, text) if not row.is_heading} == found


def names(aspect: Aspect, text: str) -> list[str]:
    return sorted(row.name for row in rows(aspect, True, text) if not row.is_heading)


@pytest.mark.parametrize(
    ("aspect", "text", "found"),
    [
        (Aspect.SOCKETS, "postgres", ["other-project/postgres  [fd00::17]:5432", "postgres  172.18.0.5:5432"]),
        (Aspect.SOCKETS, "state=close_wait", ["redis  172.18.0.6:6379"]),
        (Aspect.SOCKETS, "level=crit", ["*:8000"]), (Aspect.SOCKETS, "closewait>5", ["redis  172.18.0.6:6379"]),
        (Aspect.SOCKETS, "sock>100", ["nginx  172.18.0.9"]), (Aspect.SOCKETS, "5432 fd00", [
            "other-project/postgres  [fd00::17]:5432"]),
        (Aspect.FILES, "state=deleted", ["/tmp/old", "/var/log/app/access.log"]),
        (Aspect.FILES, "mem>1g", [examples.FILES.lines[2].path, "/var/log/app/access.log"]),
        (Aspect.FILES, "kind=sock", ["sockets", "sockets"]), (Aspect.FILES, "fd>5 log", ["/var/log/app/error.log"]),
        (Aspect.INSPECT, "kind=ports", ["8000/tcp"]), (Aspect.INSPECT, "workers", ["WORKERS"]),
    ],
)  # fmt: skip
def test_filters_of_the_others(aspect, text, found):
    assert names(aspect, text) == sorted(found)


def socket(state: str, count: int = 1, port: int = 5432, **more) -> SocketLine:
    to = {"instance": "shop-api-1", "direction": Direction.OPENED, "address": "172.18.0.5", "port": port}
    return SocketLine(**(to | more), state=state, count=count)


def listener(waiting: int) -> SocketLine:
    return socket("LISTEN", direction=Direction.LISTENS, address="*", port=None, accept_queue=waiting, backlog=100)


@pytest.mark.parametrize(
    ("lines", "warned"),
    [
        ((listener(89),), 0),
        ((listener(90),), 1),
        ((socket("CLOSE_WAIT", 4),), 0),
        ((socket("CLOSE_WAIT", 3), socket("CLOSE_WAIT", 2, 6379)), 2),
        ((socket("CLOSE_WAIT", 3), socket("CLOSE_WAIT", 2, instance="shop-api-2")), 0),
        ((socket("SYN_SENT", 2), socket("ESTABLISHED", 9)), 0),
        ((socket("SYN_SENT", 3), socket("ESTABLISHED", 9)), 1),
        ((socket("SYN_SENT", 1), socket("ESTABLISHED", 9, 6379)), 1),
    ],
)
def test_sockets_are_judged_by_the_rules_of_the_overview(lines, warned):
    closeup = replace(examples.SOCKETS, lines=lines)
    found = sockets.build(closeup, View(tree=False))
    assert sum(row.judgement.level >= Level.WARNING for row in found) == warned


def test_what_is_wrong_with_sockets_is_said_in_words():
    said = {row.name: (row.judgement.symbol, row.judgement.reasons) for row in rows(Aspect.SOCKETS, text="level=warn")}
    assert said["redis  172.18.0.6:6379"] == ("▲", ("CLOSE_WAIT: the peer closed, the service did not",))
    assert said["10.9.8.7:443"] == ("▲", ("SYN_SENT: the peer does not answer",))
    assert said["[::1]:9100"][1] == (
        "120 of 128 places in the accept queue are taken: the service does not come to accept",
    )
    assert said["203.0.113.9"][1] == ("3.0 MiB arrived that the service does not read",)
    (full,) = rows(Aspect.SOCKETS, tree=False, text="level=crit")
    assert full.judgement.symbol == "✖"


def test_deleted_files_come_first_with_the_bytes_they_hold():
    found = rows(Aspect.FILES)
    assert (found[0].label, found[0].line.size_bytes, found[0].line.descriptors) == ("deleted, but open", 3 << 30, 3)
    assert found[1].label == "/var/log/app/access.log"
    assert (found[1].judgement.symbol, found[2].judgement.symbol) == ("▲", "◌")


def value(name: str, reveal: Reveal) -> str:
    built = inspection.build(examples.INSPECT, View(), reveal)
    return next(row.value for row in built if row.name == name)


def test_variables_are_masked_until_somebody_asks_and_secrets_until_twice():
    assert [value(name, HIDDEN) for name in ("WORKERS", "DATABASE_URL", "EMPTY", "traefik.auth_token")] == [
        MASK, MASK, "", MASK,
    ]  # fmt: skip
    once = HIDDEN.more()
    assert (value("WORKERS", once), value("DATABASE_URL", once), value("traefik.auth_token", once)) == ("4", MASK, MASK)
    assert value("DATABASE_URL", once.more()) == "postgres://api:pw@db/x"
    assert value("traefik.auth_token", once.more()) == "t0psecret"
    assert [HIDDEN.next, once.next, once.more().next] == ["show all variables but secrets", "show the secrets too", ""]


def test_one_variable_is_shown_by_itself():
    fact = next(fact for fact in examples.INSPECT.lines if fact.name == "DATABASE_URL")
    asked = HIDDEN.one(masks.key_of(fact))
    assert (value("DATABASE_URL", asked), value("WORKERS", asked)) == ("postgres://api:pw@db/x", MASK)


def test_a_mask_tells_nothing_and_a_filter_does_not_look_behind_it():
    short, long = (Fact("environment", "A", text, True) for text in ("x", "x" * 500))
    assert masks.shown(short, HIDDEN) == masks.shown(long, HIDDEN) == MASK
    assert names(Aspect.INSPECT, "t0psecret") == []


def test_the_threads_of_the_chosen_process_and_of_no_other():
    chosen, other = (next(row for row in rows(Aspect.PROCESSES) if row.line.pid == pid) for pid in (4001, 4010))
    text = [runs.text_of(line) for line in detail.compose(chosen, examples.PROCESSES, 100, 8)]
    assert len(text) == 8
    assert "asyncio_0" in text[3]
    assert "41%" in text[3]
    assert text[2].startswith(" THREAD, 5 of 15 ")
    shortest = [runs.text_of(line) for line in detail.compose(chosen, examples.PROCESSES, 100, 4)]
    assert "asyncio_0" in shortest[3], "the busiest one has the line there is"
    assert not any("THREAD" in runs.text_of(line) for line in detail.compose(other, examples.PROCESSES, 100, 8))


TEXTS = st.text(max_size=60) | st.sampled_from(["\x1b[31m", "[red]x[/red]", "a\nb", "‮evil", "数据库", ""])
COUNTS = st.none() | st.integers(0, 1 << 45)
LINES = st.builds(
    ProcessLine, instance=st.sampled_from(API), pid=st.integers(1, 50), start_ticks=COUNTS, inner_pid=COUNTS,
    parent=st.integers(0, 50), name=TEXTS, command=TEXTS, user=st.none() | TEXTS, state=st.sampled_from("RSDZT?"),
    cores=st.none() | st.floats(0, 1000), rss_bytes=COUNTS, threads=COUNTS, fds=COUNTS,
)  # fmt: skip
FILE_LINES = st.builds(
    FileLine, instance=TEXTS, pids=st.lists(st.integers(1, 1 << 22), max_size=4).map(tuple),
    kind=st.sampled_from(["regular", "socket", "pipe", "other"]), path=TEXTS, descriptors=st.integers(1, 10**6),
    size_bytes=COUNTS, position=COUNTS, growth_bytes_per_s=st.none() | st.floats(-1e12, 1e12), deleted=st.booleans(),
)  # fmt: skip


def check(closeup: Closeup, aspect: Aspect, built: Sequence[Any], width: int, tree: bool) -> None:
    table = TABLES[aspect].sheet
    placed = table.place(width)
    for row in built:
        line = sheet.line(row, placed, Moment(NOON, NoSeries(), tree))
        assert runs.text_of(line).isprintable()
        assert runs.width(line) == sum(item.width + 1 for item in placed)
        for shown in detail.compose(row, closeup, width, 9):
            assert runs.text_of(shown).isprintable()
            assert runs.width(shown) <= width


@given(st.lists(LINES, max_size=12), st.integers(40, 220), st.booleans())
def test_whatever_processes_are_called_the_table_holds(lines, width, tree):
    unique = tuple({line.pid: line for line in lines}.values())
    closeup = ProcessCloseup(at=NOON, service="x", instances=API, lines=unique)
    built = processes.build(closeup, view(Aspect.PROCESSES, tree))
    assert sorted(row.line.pid for row in built if not row.is_heading) == sorted(line.pid for line in unique)
    check(closeup, Aspect.PROCESSES, built, width, tree)


@given(st.lists(FILE_LINES, max_size=12), st.integers(40, 220), st.booleans())
def test_whatever_files_are_called_the_table_holds(lines, width, tree):
    closeup = replace(examples.FILES, lines=tuple(lines))
    built = files.build(closeup, view(Aspect.FILES, tree))
    assert len([row for row in built if not row.is_heading]) == len(lines)
    check(closeup, Aspect.FILES, built, width, tree)


@given(TEXTS, TEXTS, st.integers(40, 220))
def test_whatever_facts_and_peers_say_the_table_holds(name, text, width):
    facts = replace(examples.INSPECT, lines=(Fact(name, name, text), Fact("environment", name, text, True)))
    check(facts, Aspect.INSPECT, inspection.build(facts, View()), width, True)
    line = replace(examples.SOCKETS.lines[3], peer=name, address=text, instance=text)
    peers = replace(examples.SOCKETS, lines=(line,))
    check(peers, Aspect.SOCKETS, sockets.build(peers, View()), width, True)


def test_a_command_that_is_cut_says_so():
    line = replace(examples.PROCESSES.lines[0], command="python -m worker " + "--very-long-option " * 20)
    (row,) = processes.build(replace(examples.PROCESSES, lines=(line,), instances=API[:1]), view(Aspect.PROCESSES))
    text = [runs.text_of(each) for each in detail.compose(row, examples.PROCESSES, 60, 8)]
    assert [each.endswith(" …") for each in text[1:3]] == [False, True]
    assert all(runs.cells(each) <= 60 for each in text)
