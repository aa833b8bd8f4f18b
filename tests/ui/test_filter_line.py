"""The filter line: notes, completion, and text no terminal could show."""

from __future__ import annotations

import frames
import pytest

from mcptop.ui.widgets.filter_line import FilterLine

SIZES = [(80, 24), (120, 36), (200, 60)]


def shown(app):
    return [row.name for row in app.screen.table.rows if row.level_in_tree]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_part_that_is_no_comparison_is_said_in_the_line(size, dashboard, snapshot):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=size) as pilot:
        await pilot.press("slash", *"worker | cpuu>50")
        await pilot.pause()
        assert shown(app)[0] == "mcp-worker"
        snapshot(app, f"filter-{size[0]}x{size[1]}")


async def test_a_note_goes_where_there_is_no_room_beside_the_text(dashboard, screen):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=(40, 24)) as pilot:
        await pilot.press("slash", *"worker | cpuu>50")
        await pilot.pause()
        assert "worker | cpuu>50" in screen(app)
        assert "no field" not in screen(app)


async def test_the_name_of_a_field_is_completed_with_the_right_arrow(dashboard):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("slash", *"rest")
        await app.workers.wait_for_complete()
        await pilot.pause()
        await pilot.press("right", *">0", "enter")
        assert app.screen.query_one(FilterLine).value == "restarts>0"
        assert shown(app) == ["mcp-worker", "mcp-worker-1", "mcp-worker-2"]


@pytest.mark.parametrize("text", ["\ud800api", "api\x1b[2J", "(" * 999, "[red]x[/]", "\u202eapi", "é" * 300, "a\nb"])
async def test_any_text_is_shown_and_nothing_of_it_obeyed(text, dashboard, screen):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("slash")
        line = app.screen.query_one(FilterLine)
        line.value = text
        await pilot.pause()
        screen(app).encode()
        assert line.value.isprintable()
        assert app.screen.filter.text == line.value


async def test_negation_and_alternatives_choose_rows(dashboard):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("slash", *"state=exited or (service=api !problem) or service==ui", "enter")
        assert sorted(shown(app)) == ["migrate", "ui"]
