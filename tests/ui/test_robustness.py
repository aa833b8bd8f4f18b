"""Small terminals, hostile names, no colour, both themes."""

from __future__ import annotations

import frames
import pytest
from msgspec.structs import replace
from rich.cells import cell_len
from rich.color import ColorType

from mcptop.model.frame import EMPTY

HOSTILE = [
    "[bold red]evil[/]",
    "a\x1b[2Jb\x07\x9b31m",
    "line\nbreak\ttab\r",
    "\u202egnp.exe",
    "数据库-服务-名字",
    "x" * 10_000,
    "",
    "[",
]


@pytest.mark.parametrize("size", [(20, 5), (1, 1), (30, 8), (40, 12), (60, 18), (79, 24), (300, 20)])
async def test_sizes(size, dashboard, screen):
    app, monitor = dashboard(frames.frame())
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        monitor.tick(frames.frame(1001))
        await pilot.press("down", "M", "t", "slash", "x", "escape", "enter", "escape", "2", "3", "down", "1")
        await pilot.pause()
        lines = screen(app).splitlines()
        assert all(cell_len(line) == size[0] for line in lines)
        if size == (20, 5):
            assert "mcp-work" in screen(app)


async def test_a_resize_fits_again(dashboard, screen):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert {cell_len(line) for line in screen(app).splitlines()} == {80}


async def test_tabs_before_the_first_frame_and_without_any_pool(dashboard, screen):
    app, monitor = dashboard()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "down", "enter", "y", "s", "escape")
        await pilot.pause()
        assert "waiting for the first sample…" in screen(app)
        monitor.tick(frames.frame(1, (frames.process("sshd", 0.1, 5),), budgets=()))
        await pilot.pause()
        assert "no pool to show" in screen(app)
        await pilot.press("3")
        await pilot.pause()
        assert "no queue to show" in screen(app)


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_names(name, dashboard, screen):
    bad = frames.instance(name, 0.5, 100, 200, health=name, state="running", image=name)
    other = replace(bad, id="other", state=name or "?", age_s=7.0)
    flows = {
        "pools": (
            frames.pool(
                name, 9, 9, peer=name, kind=name or None, waiting=3, instance=name, source=name, max_source=name
            ),
            frames.seen(name, 3, connecting=5, close_wait=9),
        ),
        "queues": (frames.queue(name, 9, capacity=9, kind=name or None, instance=name, source=name),),
        "models": (frames.Model(name, 1 << 30),),
    }
    services = (frames.service(name, bad, other, project=name, **flows), *frames.stack())
    budget = frames.Budget(name, 97, name, (), 170, name, True)
    broken = frames.SourceReport(name, frames.Status.ERROR, name, 0.0)
    app, _ = dashboard(
        frames.frame(1000, services, banner=name, engine=name, sources=(broken,), budgets=(budget, frames.BUDGET))
    )
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("home", "down", "enter")
        await pilot.pause()
        await pilot.press("escape", "y", "t")
        await pilot.pause()
        for tab in "123":
            await pilot.press(tab, "home")
            await pilot.pause()
            text = screen(app)
            assert all(cell_len(line) == 120 for line in text.splitlines())
            assert not any(character in text for character in "\x1b\x07\x9b\t\r\u202e")
            if name == HOSTILE[0]:
                assert "[bold red]evil[/]" in text


async def test_no_colour_means_none(dashboard, screen, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        assert "mcp-worker" in screen(app)
        for tab in "123":
            await pilot.press(tab, "down")
            strips = app.screen._compositor.render_strips()
            styles = [segment.style for strip in strips for segment in strip if segment.style]
            colours = [colour for style in styles for colour in (style.color, style.bgcolor) if colour is not None]
            assert {colour.type for colour in colours} <= {ColorType.DEFAULT}
            assert any(style.reverse for style in styles), "the cursor must be visible without colour"


async def test_themes(dashboard):
    app, _ = dashboard(frames.frame(), theme="light")
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        before = app.screen.table.render_line(2)
        await pilot.press("f2")
        await pilot.pause()
        assert app.theme == "mcptop-dark"
        assert app.screen.table.render_line(2) != before
        await pilot.press("2")
        await pilot.pause()
        before = app.screen.table.render_line(1)
        await pilot.press("1", "f2", "2")
        await pilot.pause()
        assert app.screen.table.render_line(1) != before, "a tab that was hidden has the new colours too"


async def test_an_unknown_theme_is_the_dark_one(dashboard):
    app, _ = dashboard(theme="no such theme")
    assert app.theme == "mcptop-dark"


async def test_the_first_frame_may_be_late_and_services_may_vanish(dashboard, screen):
    app, monitor = dashboard()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("down", "space", "enter", "y", "M")
        assert "waiting for the first sample…" in screen(app)
        monitor.tick(frames.frame(1))
        await pilot.pause()
        await pilot.press("end")
        monitor.tick(frames.frame(2, ()))
        await pilot.pause()
        assert "nothing to show" in screen(app)
        monitor.tick(EMPTY)
        await pilot.pause()


async def test_unchanged_rows_cost_nothing(dashboard):
    app, monitor = dashboard(frames.frame())
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        table = app.screen.table
        before = [table.render_line(y) for y in range(12)]
        monitor.tick(replace(app.frame, number=1001))
        await pilot.pause()
        assert all(one is two for one, two in zip(before, (table.render_line(y) for y in range(12)), strict=True))


async def test_frames_that_do_not_come_any_more_are_said_to_be_late(dashboard, screen):
    now = [100.0]
    app, monitor = dashboard(frames.frame(), clock=lambda: now[0])

    def title() -> str:
        return screen(app).splitlines()[0]

    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        now[0] += 3.0
        app.look_for_news()
        await pilot.pause()
        assert "live 1s" in title()
        now[0] += 9.0
        app.look_for_news()
        await pilot.pause()
        assert "LATE 12s" in title()
        # The old frame again, as it comes where nothing can be sampled, is no news.
        monitor.tick(replace(frames.frame(), number=1001))
        await pilot.pause()
        assert "LATE 12s" in title()
        monitor.tick(frames.frame(1002))
        await pilot.pause()
        assert "live 1s" in title()
        await pilot.press("Z")
        now[0] += 60.0
        app.look_for_news()
        await pilot.pause()
        assert "PAUSED" in title()
