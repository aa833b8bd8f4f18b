"""What the mouse does, and that it can be left to the terminal."""

from __future__ import annotations

import frames
import pytest
from textual import events

from mcptop.ui.screens.dashboard import Dashboard
from mcptop.ui.screens.help import HelpScreen
from mcptop.ui.screens.service import ServiceScreen
from mcptop.ui.screens.sort import SortMenu
from mcptop.ui.widgets.filter_line import FilterLine
from mcptop.ui.widgets.panels import Footer, TabLine
from mcptop.ui.widgets.table import SheetTable

SIZE = (120, 36)


def at(app, widget, word):
    """Where a word stands in a line that can be clicked."""
    line = app.screen.query_one(widget)
    text = "".join(segment.text for segment in line.render_line(0))
    return text.index(word) + 1, 0


async def test_the_wheel_scrolls_the_table_and_leaves_the_cursor(dashboard):
    app, _ = dashboard(frames.crowd(1000))
    async with app.run_test(size=(80, 24)) as pilot:
        table = app.screen.table
        chosen = table.selected.name
        for _ in range(5):
            table.post_message(events.MouseScrollDown(table, 5, 5, 0, 1, 0, False, False, False))
            await pilot.pause()
        assert table.scroll_offset.y > 0
        assert table.selected.name == chosen
        for _ in range(5):
            table.post_message(events.MouseScrollUp(table, 5, 5, 0, -1, 0, False, False, False))
            await pilot.pause()
        assert table.scroll_offset.y == 0


async def test_a_click_on_a_heading_sorts_and_once_more_turns_round(dashboard, screen):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        line = next(line for line in screen(app).splitlines() if "SERVICE" in line)
        where = (line.index("MEM"), 0)
        await pilot.click(SheetTable, offset=where)
        assert (app.screen.sort, app.screen.descending) == ("memory", True)
        await pilot.click(SheetTable, offset=where)
        assert (app.screen.sort, app.screen.descending) == ("memory", False)


async def test_a_click_selects_and_a_second_one_opens(dashboard):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.click(SheetTable, offset=(10, 5))
        assert isinstance(app.screen, Dashboard)
        assert app.screen.table.selected.name == "mcp-api"
        await pilot.click(SheetTable, offset=(10, 5), times=2)
        await pilot.pause()
        assert isinstance(app.screen, ServiceScreen)


async def test_a_click_on_the_mark_folds(dashboard):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.click(SheetTable, offset=(1, 1))
        await pilot.pause()
        assert "mcp-worker" not in [row.name for row in app.screen.table.rows]


@pytest.mark.parametrize(("word", "tab"), [("Pools", "pools"), ("Queues", "queues"), ("Limits", "limits")])
async def test_a_click_on_a_tab_shows_it(word, tab, dashboard):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await pilot.click(TabLine, offset=at(app, TabLine, word))
        assert app.screen.tab.id == tab


async def test_a_click_on_the_footer_does_what_it_says(dashboard):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        await pilot.click(Footer, offset=at(app, Footer, "sort"))
        await pilot.pause()
        assert isinstance(app.screen, SortMenu)
        await pilot.press("escape")
        await pilot.click(Footer, offset=at(app, Footer, "pause"))
        assert app.picture.when.stands_still
        await pilot.click(Footer, offset=at(app, Footer, "filter"))
        assert isinstance(app.focused, FilterLine)
        await pilot.press("escape")
        await pilot.click(Footer, offset=at(app, Footer, "help"))
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)


async def test_a_click_in_the_menu_sorts(dashboard):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("s")
        await pilot.click("#sort-list", offset=(5, 0))
        await pilot.pause()
        assert isinstance(app.screen, Dashboard)
        assert app.screen.sort == "name"


async def test_with_the_help_one_knows_how_to_select_text(dashboard, screen):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=(120, 400)) as pilot:
        await pilot.press("question_mark")
        await pilot.pause()
        assert "hold Shift while you drag" in screen(app)
