"""Lines that have to say the most important thing at any width: the tabs, whom a tab is about, the axis of time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from mcptop.model.closeup import FileCloseup
from mcptop.model.frame import EMPTY, Service
from mcptop.model.instance import Instance
from mcptop.model.value import Kind
from mcptop.presentation import rows, runs, subject, tabs, time_axis
from mcptop.presentation.judgement import SYMBOLS, Level
from mcptop.presentation.row import View
from mcptop.presentation.tabs import TABS
from mcptop.presentation.time_axis import Mark
from tests.unit.recorded import NOON

WORST = {"pools": Level.WARNING, "queues": Level.CRITICAL}


@pytest.mark.parametrize("tab", TABS, ids=lambda tab: tab.id)
@pytest.mark.parametrize("worst", [{}, WORST], ids=["well", "trouble"])
def test_every_tab_is_on_the_line_down_to_forty_columns(tab, worst):
    for width in range(40, 200):
        line = [runs.text_of(piece) for piece, _ in tabs.pieces(tab.id, worst, width)]
        assert len(line) == len(TABS)
        assert sum(map(len, line)) <= width
        assert f" {tab.key} {tab.short}" in "".join(line)
        assert all(SYMBOLS[level] in "".join(line) for level in worst.values())


def test_the_words_of_the_tabs_are_whole_where_there_is_room():
    assert "9 Limits  0 Inspect" in "".join(runs.text_of(piece) for piece, _ in tabs.pieces("pools", WORST, 120))
    assert " 2 Pool▲ 3 Queue✖ 4 Proc " in "".join(
        runs.text_of(piece) for piece, _ in tabs.pieces("overview", WORST, 78)
    )


def test_whom_it_is_about_is_told_before_what_could_not_be_read():
    (row,) = rows.build(rows.of_services(_frame()), View(None, tree=False))
    closeup = FileCloseup(at=NOON, service="", instances=(), problem="1 of 2 containers: shown to root only " * 5)
    for width in range(50, 400):
        text = runs.text_of(subject.line(row, subject.look(closeup, True), width))
        assert len(text) == width
        assert " worker-with-a-name  " in text
        assert f"looked {datetime.fromtimestamp(NOON.timestamp(), UTC).astimezone():%H:%M:%S} " in text
        assert runs.width(subject.line(None, subject.look(None, False), width)) == width


def test_the_cursor_stands_in_no_word():
    kill = Mark(12.0, "✖", "OOM kill", "critical")
    for cursor_s in range(60):
        text = runs.text_of(time_axis.line(60.0, 60, (kill,), float(cursor_s)))
        assert len(text) == 60
        assert text.count("▲") == 1
        words = text.replace("▲", " ").split()
        assert set(words) <= {"✖", "OOM", "kill", "now", "-30s", "-1m"}


def _frame():
    one = Instance(id="one", name="worker-with-a-name-1")
    return replace(EMPTY, services=(Service("shop", "worker-with-a-name", Kind.CONTAINER, 1, (one,)),))
