"""Switches of something outside, in the palette; and sentences from outside on the screen."""

from __future__ import annotations

import frames
from textual.app import SystemCommand


class Switch:
    """One that works, or one that breaks."""

    def __init__(self, name: str, problem: str = "") -> None:
        self.name = name
        self.says = f"what {name} does"
        self.is_on = False
        self._problem = problem

    def turn(self) -> str:
        if self._problem:
            raise RuntimeError(self._problem)
        self.is_on = not self.is_on
        return f"{self.name} is {'on' if self.is_on else 'off'} [in a service]"


def faults(app) -> list[SystemCommand]:
    return [command for command in app.get_system_commands(app.screen) if " fault " in command.title]


def messages(app) -> list[tuple[str, str]]:
    return [(note.message, note.severity) for note in app._notifications]


async def test_a_switch_is_offered_by_what_it_would_do_and_says_what_it_did(dashboard):
    app, _ = dashboard(frames.frame())
    app.attach([Switch("cache-leak")], "mcp-stack")
    async with app.run_test(size=(120, 36)) as pilot:
        assert [command.title for command in faults(app)] == ["Switch on fault cache-leak"]
        await pilot.press("colon", *"cache-leak")
        await pilot.pause()
        await pilot.press("enter", "enter")
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert [command.title for command in faults(app)] == ["Switch off fault cache-leak"]
        assert ("cache-leak is on [in a service]", "information") in messages(app)


async def test_a_switch_that_breaks_is_a_warning(dashboard):
    app, _ = dashboard(frames.frame())
    app.attach([Switch("deadlock", "mcp-worker did not answer")], "mcp-stack")
    async with app.run_test(size=(120, 36)) as pilot:
        faults(app)[0].callback()
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert ("mcp-worker did not answer", "warning") in messages(app)
        assert app.is_running


async def test_the_attached_project_is_shown_only(dashboard, screen):
    app, _ = dashboard(frames.frame())
    app.attach([Switch("zombies")], "mcp-stack")
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.pause()
        assert "postgres" in screen(app)
        assert "registry" not in screen(app)
        await pilot.press("escape")
        await pilot.pause()
        assert "registry" in screen(app)


async def test_news_from_outside_are_said(dashboard):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=(120, 36)) as pilot:
        app.tell("mcp-worker was killed by SIGKILL; started again")
        await pilot.pause()
        assert messages(app) == [("mcp-worker was killed by SIGKILL; started again", "warning")]


async def test_without_switches_the_palette_has_none(dashboard):
    app, _ = dashboard(frames.frame())
    async with app.run_test(size=(120, 36)):
        assert not faults(app)
        assert not messages(app)
