"""What a browser may not: files, actions and the clipboard; and what it may."""

from __future__ import annotations

import frames
from actor import Actor
from looks import Looks, secrets, variable_of

from mcptop.ui.actions.running import OFF
from mcptop.ui.reach import Reach

SIZE = (120, 36)
NOTHING_COPIED = "nothing is copied from a browser: run mcptop in a terminal"


def told(app) -> list[str]:
    return [note.message for note in app._notifications]


async def test_nothing_is_copied_and_no_screen_says_that_it_was(dashboard):
    app, _ = dashboard(frames.frame(), reach=Reach(in_browser=True))
    async with app.run_test(size=SIZE) as pilot:
        for keys in (["home", "down", "y"], ["enter", "y"], ["escape", "X", "y"]):
            await pilot.press(*keys)
            await pilot.pause()
        assert app.clipboard == ""
        assert told(app) == [NOTHING_COPIED]


async def test_nobody_is_acted_on_whatever_was_said_at_the_start(dashboard):
    actor = Actor()
    app, _ = dashboard(frames.frame(), reach=Reach(performer=actor, allow_actions=True, in_browser=True))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("home", "down", "x", "e")
        await pilot.pause()
        assert told(app) == [OFF]
        assert actor.made == 0


async def test_masked_values_are_shown_to_whoever_asks(dashboard, screen):
    looks = Looks()
    app, _ = dashboard(frames.frame(), reach=Reach(looks=looks, in_browser=True))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("home", "down", "0")
        chosen = next(one for one in frames.stack() if looks.wanted[-1] and one.key == looks.wanted[-1][1])
        looks.emit(secrets(chosen, chosen.instances))
        await pilot.pause()
        assert variable_of(chosen) in screen(app)
        assert "hunter2" not in screen(app)
        await pilot.press("U", "U")
        await pilot.pause()
        assert "hunter2" in screen(app)
