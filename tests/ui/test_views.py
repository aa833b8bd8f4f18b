"""Saved views in the dashboard: saved, listed, opened, and what cannot be is said."""

from __future__ import annotations

import frames
import pytest
from textual.command import CommandPalette
from textual.widgets import Input

from mcptop.config import Settings, views_folder
from mcptop.ui.reach import Reach
from mcptop.ui.screens.dashboard import Dashboard
from mcptop.ui.screens.views import NameOfView, ViewsMenu
from mcptop.ui.widgets.filter_line import FilterLine
from mcptop.views import saved
from mcptop.views.saved import SavedView

SIZES = [(80, 24), (120, 36), (200, 60)]
SIZE = (120, 36)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_menu(size, dashboard, snapshot):
    saved.save(views_folder(), "my pools", SavedView("pools", "waiting>0", "wait", columns=("service", "wait")))
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=size) as pilot:
        await pilot.press("v")
        await pilot.pause()
        snapshot(app, f"views-{size[0]}x{size[1]}")


async def test_what_is_saved_is_what_is_seen_and_comes_back(dashboard):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("M", "I", "t", "plus", "slash", *"mcp", "enter", "c", "space", "escape", "V")
        assert isinstance(app.screen, NameOfView)
        await pilot.press(*"late", "enter")
        await pilot.pause()
        kept = saved.find(views_folder(), "late")
        assert (kept.tab, kept.filter, kept.sort, kept.descending, kept.tree) == (
            "overview", "mcp", "memory", False, False,
        )  # fmt: skip
        assert kept.columns is not None
        assert kept.zoom_s == app.picture.window_s
        await pilot.press("escape", "P", "t", "equals_sign", "2")
        app.screen.action_view("late")
        await pilot.pause()
        assert app.screen.present_view() == kept
        assert app.screen.filter.text == "mcp"


async def test_a_view_is_opened_from_the_menu(dashboard):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("v")
        assert isinstance(app.screen, ViewsMenu)
        await pilot.press("end", "enter")
        await pilot.pause()
        assert isinstance(app.screen, Dashboard)
        assert app.screen.query_one(FilterLine).value == "problem"
        assert [row.name for row in app.screen.table.rows][:1] == ["mcp-worker"]
        await pilot.press("escape")
        assert not app.screen.filter


async def test_a_view_is_in_the_palette(dashboard):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("colon")
        assert isinstance(app.screen, CommandPalette)
        commands = {command.title: command for command in app.get_system_commands(app.screen_stack[0])}
        await pilot.press("escape")
        commands["View memory"].callback()
        await pilot.pause()
        assert app.screen.placed[:3] == ["name", "replicas", "memory"]


async def test_the_dashboard_begins_with_a_view(dashboard):
    app, _ = dashboard(frames.frame(), settings=Settings(view="problems"))
    app.attach((), "mcp-stack")
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert app.screen.query_one(FilterLine).value == "mcp-stack (problem)"
        assert not app.screen.as_tree


async def test_a_view_without_an_order_has_that_of_its_tab(dashboard):
    saved.save(views_folder(), "plain", SavedView())
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("M", "I", "c", "space", "escape", "minus")
        app.screen.action_view("plain")
        await pilot.pause()
        assert app.screen.present_view() == SavedView(sort="cpu")


async def test_a_name_that_is_taken_is_said_before_it_is_replaced(dashboard, screen):
    saved.save(views_folder(), "late", SavedView(filter="old"))
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("V", *"late")
        await pilot.pause()
        assert "Enter replaces the one of this name" in screen(app)
        await pilot.press("escape", "V", *"a/b", "enter")
        await pilot.pause()
        assert "`a/b` cannot be a name" in screen(app)
        assert isinstance(app.screen, NameOfView)
        app.screen.query_one(Input).value = "late"
        await pilot.press("enter")
        await pilot.pause()
        assert saved.find(views_folder(), "late").filter == ""


async def test_in_a_browser_views_are_opened_and_not_saved(dashboard):
    app, _ = dashboard(frames.frame(), reach=Reach(in_browser=True))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("V")
        assert isinstance(app.screen, Dashboard)
        await pilot.press("v", "end", "enter")
        await pilot.pause()
        assert app.screen.query_one(FilterLine).value == "problem"
    assert not views_folder().exists()


async def test_a_file_that_is_no_view_is_one_notice_and_stays(dashboard):
    views_folder().mkdir(parents=True)
    (views_folder() / "broken.toml").write_text("[[")
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("v")
        await pilot.pause()
        (notice,) = app._notifications
        assert "broken.toml: no view" in notice.message
        await pilot.press("escape", "V", *"broken", "enter")
        await pilot.pause()
        assert len(app._notifications) == 1
        assert (views_folder() / "broken.toml").read_text() == "[["


@pytest.mark.parametrize(
    "view",
    [SavedView("nowhere"), SavedView(sort="gone"), SavedView(columns=("gone",)), SavedView(zoom_s=10**9),
     SavedView(filter="\x1b[2J ((")],
)  # fmt: skip
async def test_a_view_of_another_version_does_no_harm(view, dashboard):
    saved.save(views_folder(), "odd", view)
    app, _ = dashboard(frames.frame(), settings=Settings(view="odd"))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert app.screen.tab.id == "overview"
        assert app.screen.sort == "cpu"
        assert "name" in app.screen.placed
