"""Keys that were given to other actions: they work, are shown, and are refused where they meet."""

from __future__ import annotations

import importlib
import pkgutil

import frames
import pytest
from textual.binding import Binding
from textual.command import CommandPalette
from textual.widget import Widget

import mcptop.ui
from mcptop.config import ConfigError, Settings
from mcptop.keymaps import shipped
from mcptop.ui.app import McptopApp
from mcptop.ui.keys.listeners import chains, keymap_of
from mcptop.ui.screens.dashboard import Dashboard
from mcptop.ui.screens.help import HelpScreen
from mcptop.ui.screens.sort import SortMenu
from mcptop.ui.widgets.filter_line import FilterLine

SIZE = (120, 36)


def settings(keymap: str | None = None, **keys: str) -> Settings:
    return Settings(keymap=keymap, keys={id.replace("__", ".").replace("_", "-"): text for id, text in keys.items()})


async def test_a_remapped_key_works_and_the_old_one_no_longer(dashboard, screen):
    app, _ = dashboard(frames.frame(), settings=settings(dashboard__sort="f7,o"))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("s")
        assert isinstance(app.screen, Dashboard)
        await pilot.press("f7")
        assert isinstance(app.screen, SortMenu)
        await pilot.press("escape", "o")
        assert isinstance(app.screen, SortMenu)
        await pilot.press("escape")
        await pilot.pause()
        assert " F7 sort " in screen(app)
        assert " s sort " not in screen(app)


async def test_the_help_shows_the_keys_that_work(dashboard, screen):
    app, _ = dashboard(
        frames.frame(), settings=settings(dashboard__sort="f7", table__up="", app__help="h,f1", table__fold="left")
    )
    async with app.run_test(size=(120, 400)) as pilot:
        await pilot.press("h")
        await pilot.pause()
        assert isinstance(app.screen, HelpScreen)
        assert "F7              Choose the column to sort by" in screen(app)
        assert "-               One row up" in screen(app)
        assert "h F1            Keys, columns and the filter line" in screen(app)


async def test_an_action_without_a_key_is_in_no_footer_and_on_no_key(dashboard, screen):
    app, _ = dashboard(frames.frame(), settings=settings(dashboard__diagnose=""))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert "diagnose " not in screen(app).splitlines()[-1]
        await pilot.press("d")
        assert isinstance(app.screen, Dashboard)


async def test_a_tab_shows_the_key_it_has(dashboard, screen):
    app, _ = dashboard(frames.frame(), settings=settings(dashboard__tab_pools="f8"))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("2")
        assert app.screen.tab.id == "overview"
        await pilot.press("f8")
        await pilot.pause()
        assert app.screen.tab.id == "pools"
        assert " F8 Pools " in screen(app)


async def test_letters_behind_a_remapped_filter_key_go_into_the_line(dashboard):
    app, _ = dashboard(frames.frame(), settings=settings(dashboard__filter="\\"))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("backslash", *"cpu>9", "enter")
        assert app.screen.query_one(FilterLine).value == "cpu>9"


async def test_two_actions_change_places(dashboard):
    app, _ = dashboard(frames.frame(), settings=settings(dashboard__sort_cpu="M", dashboard__sort_memory="P"))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("P")
        assert app.screen.sort == "memory"
        await pilot.press("M")
        assert app.screen.sort == "cpu"


async def test_htop(dashboard, screen):
    app, _ = dashboard(frames.frame(), settings=settings("htop"))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        assert all(
            f" {key} " in screen(app).splitlines()[-1] for key in ("F4 filter", "F6 sort", "F1 help", "F10 quit")
        )
        await pilot.press("h")
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape", "f10")
    assert app.return_code == 0


async def test_k9s(dashboard):
    app, _ = dashboard(frames.frame(), settings=settings("k9s"))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("M", "C")
        assert app.screen.sort == "cpu"
        await pilot.press("c")
        assert app.clipboard


async def test_lazydocker_with_a_key_of_ones_own(dashboard):
    app, _ = dashboard(frames.frame(), settings=settings("lazydocker", app__pause="f8"))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("right_square_bracket")
        assert app.screen.tab.id == "pools"
        await pilot.press("left_square_bracket", "left_square_bracket")
        assert app.screen.tab.id != "pools"
        await pilot.press("f8")
        assert app.picture.when.stands_still
        await pilot.press("x")
        await pilot.pause()
        assert isinstance(app.screen, CommandPalette)
        await pilot.press("escape")


@pytest.mark.parametrize("name", shipped.names())
def test_no_shipped_table_puts_two_actions_on_one_key(name):
    keymap_of(settings(name), "f.toml")


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"dashboard__sortt": "o"}, "f.toml: keys.dashboard.sortt: no such action; nearest: dashboard.sort"),
        ({"xyzzy": "o"}, "f.toml: keys.xyzzy: no such action; nearest: "),
        (
            {"dashboard__sort": "P"},
            "f.toml: keys.dashboard.sort: `P` is the key of `dashboard.sort-cpu` in the dashboard as well; "
            'give one of them another, or "" for none',
        ),
        ({"app__theme": "f7", "dashboard__sort": "f7"}, "`F7` is the key of `"),
        ({"table__first": "q"}, "keys.table.first: `q` is the key of `app.quit` in the dashboard as well"),
        ({"diagnosis__report": "b"}, "`b` is the key of `diagnosis.bundle` in the screen of a diagnosis as well"),
    ],
)
def test_what_cannot_be_is_one_line_with_file_key_and_what_there_is(wish, says):
    with pytest.raises(ConfigError) as caught:
        keymap_of(settings(**wish), "f.toml")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_shares_a_key_on_purpose_may_go_on_to_do_so():
    """Escape of the list of problems and of the dashboard; the log has its own keys while it has the focus."""
    keymap_of(settings(dashboard__back="escape,f8", dashboard__sort="w,s"), "f.toml")


def test_a_key_that_another_action_gave_up_is_free():
    keymap_of(settings(dashboard__sort="P", dashboard__sort_cpu=""), "f.toml")


def test_every_binding_listens_somewhere():
    """What has bindings with an id is in one of the chains, or its keys could be given twice."""
    for module in pkgutil.walk_packages(mcptop.ui.__path__, "mcptop.ui."):
        importlib.import_module(module.name)
    listening = {one.id for chain in chains().values() for part in chain for one in part if isinstance(one, Binding)}
    owners = [*_below(Widget), McptopApp]
    bound = [one for owner in owners for one in owner.__dict__.get("BINDINGS", ()) if isinstance(one, Binding)]
    assert {one.id for one in bound if one.id and "." in one.id} <= listening


def _below(kind: type) -> list[type]:
    return [found for each in kind.__subclasses__() for found in (each, *_below(each))]
