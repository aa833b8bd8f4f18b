"""What Textual alone would end the dashboard for."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
from pathlib import Path

import frames
import pytest
from textual import events
from textual.command import CommandPalette
from textual.drivers import linux_driver
from textual.drivers._writer_thread import WriterThread
from textual.screen import Screen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from mcptop.ui import textual_mends
from mcptop.ui.screens.columns import ColumnsMenu
from mcptop.ui.screens.sort import SortMenu
from mcptop.ui.screens.views import NameOfView


async def test_a_page_down_in_a_list_without_a_line_of_room(dashboard):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=(3, 1)) as pilot:
        await pilot.press("colon")
        await pilot.pause()
        assert isinstance(app.screen, CommandPalette)
        await pilot.press("pagedown", "pageup", "escape")
        await pilot.pause()
        assert app.is_running


def test_a_list_that_was_never_drawn_stays_where_it_is():
    textual_mends.apply()
    OptionList(Option("one"), Option("two"))._move_page(1)


def test_bytes_that_are_no_utf_8_are_replaced():
    textual_mends.apply()
    decode = linux_driver.getincrementaldecoder("utf-8")().decode
    assert decode(b"\xe9a\xff") == "\ufffda\ufffd"
    assert decode(b"\xe2\x82") + decode(b"\xac") == "\u20ac", "a letter may come in two parts"
    assert codecs.getincrementaldecoder is not linux_driver.getincrementaldecoder


async def test_a_palette_that_is_made_narrower_than_a_letter(dashboard):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("colon")
        await pilot.pause()
        for width in (6, 4, 2, 1, 80):
            await pilot.resize_terminal(width, 8)
            await pilot.pause()
        assert app.is_running


def test_a_terminal_that_is_gone_does_not_keep_the_writer_from_its_end():
    textual_mends.apply()
    with contextlib.suppress(OSError), Path("/dev/full").open("w") as gone:
        writer = WriterThread(gone)
        writer.start()
        for _ in range(200):
            # What `write` does, with an end: a writer that died leaves the queue full.
            writer._queue.put("line\n", timeout=30)
        writer._queue.put(None, timeout=30)
        writer.join(timeout=30)
        assert not writer.is_alive()


@pytest.fixture
def slow(monkeypatch):
    """Every screen takes its time until it has widgets."""

    async def later(screen, event):
        await asyncio.sleep(0.3)

    monkeypatch.setattr(Screen, "_on_compose", later, raising=False)


async def test_a_screen_that_is_left_twice_is_left_once(dashboard):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("v")
        menu = app.screen
        for _ in range(3):
            menu.dismiss(None)
        await pilot.pause()
        assert len(app.screen_stack) == 1
        assert app.is_running


async def test_keys_that_come_before_a_screen_has_widgets_are_for_it(dashboard, slow):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=(120, 36)) as pilot:
        app.screen.action_columns()
        key = events.Key("greater_than_sign", ">")
        key._set_forwarded()  # it comes up from the table, which had no use for it
        app.post_message(key)
        await pilot.pause(1.0)
        menu = app.screen
        assert isinstance(menu, ColumnsMenu)
        assert menu.query_one("#columns-list", OptionList).highlighted == 1, "it was moved down"


async def test_a_screen_that_is_left_before_it_has_widgets(dashboard, slow):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(NameOfView("", ()))
        app.screen.dismiss(None)
        await pilot.pause(1.0)
        assert len(app.screen_stack) == 1
        await pilot.press("s")
        assert isinstance(app.screen, SortMenu), "it goes on"
