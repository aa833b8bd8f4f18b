"""The whole screen as text at the sizes that must look right."""

from __future__ import annotations

import frames
import pytest
from rich.cells import cell_len

from mcptop.model.frame import EMPTY, Status

SIZES = [(80, 24), (120, 36), (200, 60)]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_stack(size, dashboard, snapshot, screen):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        snapshot(app, f"stack-{size[0]}x{size[1]}")
        assert {cell_len(line) for line in screen(app).splitlines()} == {size[0]}


@pytest.mark.parametrize(("tab", "key"), [("pools", "2"), ("queues", "3"), ("events", "8"), ("limits", "9")])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_tabs(tab, key, size, dashboard, snapshot, screen):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=size) as pilot:
        await pilot.press(key)
        await pilot.pause()
        snapshot(app, f"{tab}-{size[0]}x{size[1]}")
        assert {cell_len(line) for line in screen(app).splitlines()} == {size[0]}


async def test_runner(dashboard, snapshot):
    """Models, pools and queues of one service on its own screen."""
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("down", "down", "down", "down", "enter")
        await pilot.pause()
        snapshot(app, "runner-120x36")


async def test_detail(dashboard, snapshot):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("down", "down", "down", "enter")
        await pilot.pause()
        snapshot(app, "service-120x36")


async def test_help(dashboard, snapshot):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=(120, 400)) as pilot:
        await pilot.press("question_mark")
        await pilot.pause()
        snapshot(app, "help-120x400")


async def test_nothing_yet(dashboard, snapshot):
    app, _ = dashboard(EMPTY)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        snapshot(app, "empty-80x24")


async def test_trouble(dashboard, snapshot):
    """A broken source and a machine that hides things are drawn, not hidden."""
    broken = frames.SourceReport("docker", Status.ERROR, "cannot connect: permission denied", 0.1)
    silent = frames.SourceReport("sockets", Status.NO_DATA, "", 0.0)
    app, _ = dashboard(
        frames.frame(sources=(broken, silent), engine=None, banner="no engine: containers are not shown")
    )
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        snapshot(app, "trouble-120x36")
