"""Terminals with few colours, or none: what is selected and what is bad can still be seen."""

from __future__ import annotations

import frames
import pytest
from rich.color import Color, ColorSystem
from textual.widgets import OptionList

from mcptop.presentation.judgement import STYLES, SYMBOLS, Level
from mcptop.ui.theme import DARK, LIGHT, styles
from mcptop.ui.widgets.filter_line import FilterLine

SIZE = (80, 24)


def reversed_text(strip):
    return "".join(segment.text for segment in strip if segment.style is not None and segment.style.reverse)


def underlined(strip):
    return any(segment.style is not None and segment.style.underline for segment in strip)


async def test_without_colour_the_selected_row_is_reversed(dashboard):
    app, _ = dashboard(frames.frame(), no_color=True)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("down")
        table = app.screen.table
        strips = [table.render_line(y) for y in range(10)]
        assert [y for y, strip in enumerate(strips) if reversed_text(strip)] == [table.cursor + 1]
        assert all(segment.style.color is None for strip in strips for segment in strip if segment.style)


@pytest.mark.parametrize("key", ["s", "c", "v"])
async def test_without_colour_the_line_of_a_menu_is_underlined(key, dashboard):
    app, _ = dashboard(frames.frame(), no_color=True)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press(key, "home", "down")
        menu = app.screen.query_one(OptionList)
        assert [y for y in range(4) if underlined(menu.render_line(y))] == [1]


async def test_without_colour_the_cursor_of_the_filter_line_is_seen(dashboard):
    app, _ = dashboard(frames.frame(), no_color=True)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("slash", *"api", "left")
        assert reversed_text(app.screen.query_one(FilterLine).render_line(0)) == "i"


@pytest.mark.parametrize("theme", [DARK, LIGHT])
def test_in_sixteen_colours_text_and_ground_differ_and_levels_do_too(theme):
    """What a terminal with sixteen colours makes of every style, on the ground and on the selected line."""
    look = styles(theme, False)

    def sixteen(color: Color | None) -> int | None:
        return None if color is None else color.downgrade(ColorSystem.STANDARD).number

    for selected in (False, True):
        for name in ("text", "strong", "muted", "dim", "accent", "ok", "warning", "critical", "group", "cpu"):
            style = look.get(name, selected)
            assert sixteen(style.color) != sixteen(style.bgcolor), (name, selected)
    assert len({sixteen(look.get(STYLES[level]).color) for level in (Level.OK, Level.WARNING, Level.CRITICAL)}) == 3
    assert sixteen(look.get("text").bgcolor) != sixteen(look.get("text", True).bgcolor)


def test_levels_have_symbols_of_their_own():
    assert len(set(SYMBOLS.values())) == len(SYMBOLS)
