"""Nothing that a container, a program, an engine, a file or a recording says gets out of the place it is shown in."""

from __future__ import annotations

import frames
import hostile_world
import pytest
from hand import Hand
from hostile_world import HOSTILE, AllLogs
from log_world import until
from rich.cells import cell_len
from textual.pilot import Pilot
from textual.widgets import OptionList

from mcptop.actions.command_log import CommandLog
from mcptop.ui.app import McptopApp
from mcptop.ui.reach import Reach
from mcptop.ui.screens.action_menu import ActionMenu
from mcptop.ui.screens.comparing import ComparingScreen
from mcptop.ui.screens.confirm import ConfirmScreen
from mcptop.ui.screens.dashboard import Dashboard
from mcptop.ui.screens.limits_form import LimitsForm
from mcptop.ui.widgets.panels import Actions

SIZES = ((120, 40), (80, 24))
TEXTUALS_OWN = {"scroll_up", "scroll_down", "grab", "release"}
"""What a scrollbar does under the mouse."""


class Watch:
    """Looks at all that leaves the app, at two sizes."""

    def __init__(self, pilot: Pilot[None], app: McptopApp, turn: int) -> None:
        self.pilot, self.app, self.hand = pilot, app, Hand(pilot)
        self.seen: set[str] = set()
        self._turn = turn

    async def press(self, *keys: str) -> None:
        await self.hand.press(*keys)
        await self.check()

    async def check(self) -> None:
        """At one size and at the other in turn: of two texts each sees the other half."""
        self._turn += 1
        await self.hand.resize(*SIZES[self._turn % 2])
        self._check_screen(SIZES[self._turn % 2])
        self._check_rest()

    def _check_screen(self, size: tuple[int, int]) -> None:
        strips = self.app.screen._compositor.render_strips()
        own = {action for screen in self.app.screen_stack for line in screen.query(Actions)
               for _, action in line.pieces(size[0])}  # fmt: skip
        assert len(strips) == size[1]
        for strip in strips:
            text = "".join(segment.text for segment in strip)
            assert cell_len(text) == sum(segment.cell_length for segment in strip) == size[0], repr(text)
            assert harmless(text), repr(text)
            assert all(segment.control is None for segment in strip)
            self.seen.add(text)
            for segment in strip:
                assert segment.style is None or segment.style.link is None
                for name, value in (segment.style.meta if segment.style is not None else {}).items():
                    if name.startswith("@"):
                        assert value in (own if name == "@click" else TEXTUALS_OWN), (text, name, value)

    def _check_rest(self) -> None:
        """What the terminal is told besides the picture."""
        assert harmless(self.app.clipboard.replace("\n", "")), repr(self.app.clipboard)
        assert (self.app.title, self.app.sub_title) == ("mcptop", "")
        for note in self.app._notifications:
            assert not note.markup
            assert harmless(note.message), repr(note.message)
            assert not note.title

    def saw(self, text: str) -> bool:
        return any(text in line for line in self.seen)


def harmless(text: str) -> bool:
    """No control, nothing that turns or hides other characters; at most a few marks on one letter."""
    return text.isprintable() and not any(sign in text for sign in "\u3164\u115f\u1160\uffa0\ufe0f")


@pytest.mark.parametrize("name", HOSTILE)
async def test_every_place_and_every_screen(name, dashboard, tmp_path, monkeypatch):
    text = HOSTILE[name]
    monkeypatch.chdir(tmp_path)
    hostile_world.save_views(text)
    logs = AllLogs()
    reach = Reach(looks=hostile_world.looks(text), logs=logs, performer=hostile_world.actor(text), allow_actions=True)
    app, monitor = dashboard(hostile_world.frame(text), reach=reach)
    app.actions.log = CommandLog(lambda: frames.NOON)
    app.actions.log.add(frames.NOON, text, False, text)
    app.diagnoses.reports.append(hostile_world.finished(text))
    async with app.run_test(size=SIZES[0], notifications=True) as pilot:
        watch = Watch(pilot, app, list(HOSTILE).index(name))
        await tables(watch)
        await closely(watch)
        await log(watch, logs, text)
        await screens(watch, app)
        await reports(watch)
        await actions(watch, app)
        monitor.tick(hostile_world.frame(text, 1060))
        await watch.press("m")
        assert isinstance(app.screen, ComparingScreen)
        await watch.press("y")
        await watch.press("escape", "H")
        await app.workers.wait_for_complete()
        await watch.check()
        if name in ("an action", "a link", "a closing tag", "a format"):
            assert watch.saw(text)


async def tables(watch: Watch) -> None:
    """The tables of all services, a service on its own, and the problems."""
    await watch.press("m", "down", "y")
    await watch.press("t", "end", "y")
    await watch.press("t", "home", "down", "enter")
    await watch.press("y", "escape")
    for key in "2389":
        await watch.press(key, "home", "down", "y")
    await watch.press("1", "p")
    for _ in range(3):
        await watch.press("down", "enter")
        if not isinstance(watch.app.screen, Dashboard):
            await watch.press("escape")
    await watch.press("escape")


async def closely(watch: Watch) -> None:
    """The tabs of one service, from its first row to its last, masked and not."""
    for key in "4560":
        await watch.press(key, "home", "down", "y")
        await watch.press("u", "U", "U", "end", "y")
    await watch.press("t", "J", "home")
    await watch.press("t", "1")


async def log(watch: Watch, logs: AllLogs, text: str) -> None:
    """The lines, wrapped, searched, and one on its own."""
    await watch.press("home", "down", "7")
    await until(watch.pilot, lambda: logs.all and all(told.box for told in logs.all))
    hostile_world.say(logs, text)
    await until(watch.pilot, lambda: len(watch.app.screen.logs.session.book.lines) >= 4)
    await watch.press("w", "y")
    await watch.press("slash", "e", "r", "enter")
    await watch.press("g", "enter")
    await watch.press("y", "escape")
    for _ in range(3):
        await watch.press("down", "y", "enter")
        await watch.press("escape")
    await watch.press("escape", "1")


async def screens(watch: Watch, app: McptopApp) -> None:
    """Menus and forms over the dashboard."""
    for key in ("s", "c", "v", "V", "at", "question_mark", "colon", "X", "d"):
        await watch.press(key)
        if key == "colon":
            await watch.press(*"view")
        if key == "X":
            await watch.press("y")
        await watch.press("escape")
        if not isinstance(app.screen, Dashboard):
            await watch.press("escape")
        assert isinstance(app.screen, Dashboard), key
    await watch.press("v")
    for at in range(app.screen.query_one(OptionList).option_count):
        await watch.press(*["home", *["down"] * at, "enter"])
        await watch.press("escape", "1", "v")
    await watch.press("escape", "escape", "1")


async def reports(watch: Watch) -> None:
    """A verdict, its evidence, and what is saved of it."""
    await watch.press("D", "y")
    await watch.press("pagedown", "e")
    await watch.press("end")
    await watch.press("escape", "r", "b")
    await watch.app.workers.wait_for_complete()
    await watch.press("escape")


async def actions(watch: Watch, app: McptopApp) -> None:
    """Every menu of actions up to the question; nothing is done."""
    for choices in (["restart"], ["signal…", "TERM"], ["limits…"], ["stop all"]):
        await watch.press("home", "down", "x")
        await until(watch.pilot, lambda: isinstance(app.screen, ActionMenu))
        await watch.check()
        for word in choices:
            options = app.screen.query_one("#menu-list", OptionList)
            at = [str(option.prompt).strip().startswith(word) for option in options.options]
            if True in at:
                options.highlighted = at.index(True)
                await watch.press("enter")
        if isinstance(app.screen, LimitsForm):
            await watch.press(*"64m", "enter")
        assert isinstance(app.screen, ConfirmScreen | ActionMenu)
        for _ in range(4):
            if not isinstance(app.screen, Dashboard):
                await watch.press("escape")
    assert not app.actions.busy
