"""What the keys do."""

from __future__ import annotations

import frames
from msgspec.structs import replace
from textual import events
from textual.command import CommandPalette

from mcptop.ui.app import McptopApp
from mcptop.ui.screens.dashboard import Dashboard
from mcptop.ui.screens.diagnosis import DiagnosisScreen
from mcptop.ui.screens.evidence import EvidenceScreen
from mcptop.ui.screens.help import HelpScreen
from mcptop.ui.screens.playbooks import PlaybookMenu
from mcptop.ui.screens.service import ServiceScreen
from mcptop.ui.screens.sort import SortMenu
from mcptop.ui.widgets.pages import Scroll
from mcptop.ui.widgets.panels import TabLine
from mcptop.ui.widgets.problems import Problems
from mcptop.ui.widgets.table import SheetTable

SIZE = (120, 36)


def names(app):
    return [row.name for row in table(app).rows]


def table(app) -> SheetTable:
    return app.screen_stack[0].table


async def test_cursor_stays_on_its_row_when_the_order_changes(dashboard):
    app, monitor = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("down", "down", "down", "down")
        chosen = table(app).selected.name
        services = list(frames.stack())
        hot = replace(services[3].instances[0], cpu=frames.Cpu(3.0))
        services[3] = replace(services[3], instances=(hot,))
        monitor.tick(frames.frame(1001, tuple(services)))
        assert names(app)[1] == "mcp-worker"
        for tick in range(1002, 1008):
            monitor.tick(frames.frame(tick, tuple(services)))
            await pilot.pause()
        assert names(app)[1] == "postgres"
        assert table(app).selected.name == chosen == "model-runner"


async def test_sort_by_memory_and_back(dashboard):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("M")
        assert names(app)[1] == "model-runner"
        await pilot.press("I")
        assert names(app)[1] == "ui"
        # Without a figure a service is last in both directions.
        assert names(app)[names(app).index("containers") - 1] == "migrate"
        await pilot.press("P")
        assert names(app)[1] == "mcp-worker"


async def test_sort_menu(dashboard):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("s")
        assert isinstance(app.screen, SortMenu)
        await pilot.press("home", "enter")
        await pilot.pause()
        assert isinstance(app.screen, Dashboard)
        assert app.screen.sort == "name"
        assert not app.screen.descending


async def test_filter_types_narrows_and_is_left_with_escape(dashboard, screen):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("slash", *"mem%>80", "enter")
        await pilot.pause()
        assert [name for name in names(app) if name.startswith("mcp")] == [
            "mcp-stack",
            "mcp-worker",
            "mcp-worker-1",
            "mcp-worker-2",
        ]
        assert app.focused is table(app)
        assert "mem%>80" in screen(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "ui" in names(app)
        assert app.is_running


async def test_folding(dashboard):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("left")
        await pilot.pause()
        assert "mcp-worker-1" not in names(app)
        await pilot.press("left", "left")
        await pilot.pause()
        assert names(app) == ["mcp-stack", "containers", "registry", "host processes"]
        await pilot.press("end", "space")
        await pilot.pause()
        assert names(app)[-1] == "sshd"
        await pilot.press("t")
        assert "mcp-stack" not in names(app)


async def test_pause_freezes_the_picture_and_shows_its_age(dashboard, screen):
    app, monitor = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("Z")
        monitor.tick(frames.frame(1012))
        await pilot.pause()
        assert "PAUSED 12s" in screen(app)
        assert app.frame.number == 1000
        await pilot.press("Z")
        assert app.frame.number == 1012
        await pilot.pause()
        assert "live 1s" in screen(app)


async def test_detail_and_back(dashboard, screen):
    app, monitor = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, ServiceScreen)
        monitor.tick(frames.frame(1001))
        await pilot.press("plus")
        await pilot.pause()
        assert "-10m" in screen(app)
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, Dashboard)


async def test_help_and_palette(dashboard):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape")
        await pilot.press("colon")
        await pilot.pause()
        assert isinstance(app.screen, CommandPalette)
        await pilot.press("escape")


async def test_tabs_by_digit_click_and_palette_keep_order_and_cursor(dashboard, screen):
    app, monitor = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("down", "2")
        await pilot.pause()
        assert app.focused is table(app)
        assert [row.label for row in table(app).rows][:2] == ["db", "model-runner:8080"]
        await pilot.press("s", "end", "enter", "j", "j")
        await pilot.pause()
        assert app.screen.sort == "source"
        chosen = table(app).selected
        await pilot.click(TabLine, offset=(27, 0))
        assert app.screen.tab.id == "queues"
        await pilot.press("1")
        assert app.screen.sort == "cpu"
        assert table(app).selected.service.key == chosen.service.key, "the selection went along"
        monitor.tick(frames.frame(1001))
        await pilot.press("2")
        await pilot.pause()
        assert (app.screen.sort, table(app).selected.key) == ("source", chosen.key)
        await app.run_action("screen.tab('queues')")
        await pilot.pause()
        assert "never" in screen(app)


async def test_sorting_and_copying_in_a_tab(dashboard):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("3", "P", "M", "t")
        assert app.screen.sort == "level"
        await pilot.press("y")
        assert app.clipboard.startswith("▲  mcp-worker  QUEUE jobs")
        assert "DRAINED never" in app.clipboard
        await pilot.press("greater_than_sign")
        assert (app.screen.sort, app.screen.descending) == ("service", False)
        await pilot.press("I")
        assert [row.service_name for row in table(app).rows] == ["ui", "model-runner", "mcp-worker", "mcp-api"]


async def test_a_filter_holds_in_every_tab(dashboard):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("slash", *"waiting>0", "enter", "2")
        assert [row.name for row in table(app).rows] == ["mcp-api db"]
        await pilot.press("3")
        await pilot.pause()
        assert names(app) == []
        await pilot.press("escape", "1")
        assert "ui" in names(app)


async def test_digits_belong_to_the_filter_line_while_it_is_typed(dashboard):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("slash", *"cpu>23", "enter")
        assert app.screen.query_one("#filter").value == "cpu>23"
        assert app.screen.tab.id == "overview"


async def test_enter_opens_the_service_of_a_pool(dashboard, screen):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("2", "home")
        while table(app).selected.service_name != "postgres":
            await pilot.press("down")
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, ServiceScreen)
        assert "postgres" in screen(app)
        assert "idle in transaction" in screen(app)
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen.tab.id == "pools"


async def test_zoom_stops_at_both_ends(dashboard):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press(*["plus"] * 9)
        assert app.picture.window_s == 30
        await pilot.press(*["minus"] * 9)
        assert app.picture.window_s == 900
        await pilot.press("plus", "equals_sign")
        assert app.picture.window_s == 900


async def test_charts_of_a_young_history_show_a_short_time(dashboard):
    app, monitor = dashboard(frames.frame(5))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert app.picture.window_s == 30
        monitor.tick(frames.frame(100))
        await pilot.pause()
        assert app.picture.window_s == 120


async def test_copy_and_screenshot(dashboard, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("y")
        assert app.clipboard.startswith("✖ mcp-worker")
        await pilot.press("f12")
        await app.workers.wait_for_complete()
        (first,) = tmp_path.iterdir()
        first.write_text("the first")
        await pilot.press("Z", "f12")
        await app.workers.wait_for_complete()
        assert sorted(path.name for path in tmp_path.iterdir()) == [f"{first.stem}-2.svg", first.name]
        assert first.read_text() == "the first"
        monkeypatch.chdir("/proc")
        await pilot.press("f12")
        assert isinstance(app.screen, Dashboard)


async def test_a_click_on_a_heading_sorts(dashboard):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.click(SheetTable, offset=(3, 0))
        assert app.screen.sort == "name"
        await pilot.click(SheetTable, offset=(10, 1))
        assert table(app).selected.name == "mcp-stack"


async def test_quitting_stops_the_monitor(dashboard):
    app, monitor = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("escape", "q")
    assert monitor.stopped
    monitor.tick(frames.frame(1001))


def test_every_binding_has_an_id_and_says_what_it_does():
    bindings = [*McptopApp.BINDINGS, *SheetTable.BINDINGS, *Dashboard.BINDINGS, *HelpScreen.BINDINGS]
    bindings += [*SortMenu.BINDINGS, *ServiceScreen.BINDINGS, *PlaybookMenu.BINDINGS, *DiagnosisScreen.BINDINGS]
    bindings += [*EvidenceScreen.BINDINGS, *Problems.BINDINGS, *Scroll.BINDINGS]
    assert all(one.id and one.description and one.tooltip for one in bindings)
    assert len({one.id for one in bindings}) == len(bindings)


async def test_letters_typed_right_behind_the_filter_key_go_into_the_line(dashboard):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        for key, character in (("slash", "/"), ("c", "c"), ("greater_than_sign", ">")):
            app.post_message(events.Key(key, character))
        await pilot.pause()
        await pilot.pause()
        assert app.screen.query_one("#filter").value == "c>"
        assert app.screen.sort == "cpu"


async def test_there_is_one_selection_for_all_tabs(dashboard, screen):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        for _ in range(10):
            if table(app).selected.name == "model-runner":
                break
            await pilot.press("down")
        await pilot.press("2")
        await pilot.pause()
        assert table(app).selected.service_name == "model-runner", "the cursor begins where the selection is"
        await pilot.press("4")
        await pilot.pause()
        assert app.screen.selected().name == "model-runner"
        await pilot.press("K", "1")
        await pilot.pause()
        assert table(app).selected.name == app.screen.selected().name != "model-runner", "J and K move it"
        await pilot.press("slash", *"mcp-api", "enter", "5")
        await pilot.pause()
        assert app.screen.selected().name == "mcp-api", "what a filter hides is not selected"


async def test_d_knows_whom_on_every_tab_of_services(dashboard):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=SIZE) as pilot:
        for tab in "123456790":
            await pilot.press(tab)
            await pilot.pause()
            assert app.screen.selected() is not None, f"tab {tab} knows whom"
