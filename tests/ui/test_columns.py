"""The menu of columns."""

from __future__ import annotations

import frames
import pytest
from textual.widgets import OptionList

from mcptop.ui.screens.columns import ColumnsMenu
from mcptop.ui.screens.dashboard import Dashboard

SIZES = [(80, 24), (120, 36), (200, 60)]
SIZE = (120, 36)


async def to(pilot, id):
    """Highlight the line of a column."""
    menu = pilot.app.screen.query_one(OptionList)
    menu.highlighted = menu.get_option_index(id)
    await pilot.pause()


def heading(app, screen):
    return next(line for line in screen(app).splitlines() if "SERVICE" in line)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_menu(size, dashboard, snapshot):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=size) as pilot:
        await pilot.press("c", "down", "space", "down", "greater_than_sign")
        await pilot.pause()
        snapshot(app, f"columns-{size[0]}x{size[1]}")


async def test_a_column_that_was_chosen_is_shown_at_once_and_stays(dashboard, screen):
    app, monitor = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("c")
        assert isinstance(app.screen, ColumnsMenu)
        for gone in ("sockets", "fds", "pids", "throttled", "trend"):
            await to(pilot, gone)
            await pilot.press("space")
        await to(pilot, "image")
        await pilot.press("enter")
        for _ in range(20):
            await pilot.press("less_than_sign")
        await to(pilot, "read")
        await pilot.press("space")
        assert app.screen_stack[0].placed[:2] == ["image", "name"]
        await pilot.press("escape")
        monitor.tick(frames.frame(1001))
        await pilot.pause()
        assert isinstance(app.screen, Dashboard)
        assert heading(app, screen).split()[:2] == ["IMAGE", "SERVICE"]
        assert "READ" in heading(app, screen)
        assert "mcp-worker:1.4" in screen(app)
        assert "FD" not in heading(app, screen)


async def test_each_tab_has_its_own_columns(dashboard):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        before = app.screen.placed
        await pilot.press("2", "c")
        await to(pilot, "idle")
        await pilot.press("space", "escape")
        assert "idle" not in app.screen.placed
        await pilot.press("1")
        assert app.screen.placed == before
        await pilot.press("2")
        assert "idle" not in app.screen.placed


async def test_what_has_no_room_says_so_and_the_usual_columns_come_back(dashboard, screen):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=(80, 24)) as pilot:
        usual = app.screen.placed
        await pilot.press("c")
        for id in ("fds", "image", "pressure"):
            await to(pilot, id)
            await pilot.press("space")
        await pilot.pause()
        assert "no room: " in screen(app)
        await pilot.press("r", "escape")
        assert app.screen.placed == usual


async def test_the_last_column_cannot_be_hidden(dashboard):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("c")
        for id in app.screen_stack[0].placed:
            await to(pilot, id)
            await pilot.press("space")
        assert len(app.screen_stack[0].placed) == 1


async def test_a_click_ticks(dashboard):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("c")
        await pilot.click("#columns-list", offset=(6, 1))
        assert "replicas" not in app.screen_stack[0].placed


async def test_every_column_can_be_sorted_by_and_its_cells_have_their_width(dashboard, screen):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=(200, 60)) as pilot:
        for tab in ("overview", "pools", "queues", "limits", "events"):
            app.screen.action_tab(tab)
            for column in app.screen.tab.sheet.columns:
                app.screen._show_columns((column.id, app.screen.tab.sheet.columns[0].id))
                app.screen.action_sort(column.id)
                await pilot.pause()
                assert app.screen.sort == column.id
                assert {len(line) for line in screen(app).splitlines() if line.isascii()} <= {200}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_menu_to_sort_by(size, dashboard, snapshot):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=size) as pilot:
        await pilot.press("s")
        await pilot.pause()
        snapshot(app, f"sort-{size[0]}x{size[1]}")
