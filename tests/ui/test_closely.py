"""What is looked at closely: whose closeups are taken, and that nobody looks while the terminal is lent."""

from __future__ import annotations

import frames
import pytest
from looks import NOON, Looks, secrets, variable_of
from msgspec.structs import replace

from mcptop.model.action import Action, ActionTarget, Verb
from mcptop.model.closeup import Aspect, FileCloseup
from mcptop.model.value import Kind
from mcptop.player import Position
from mcptop.presentation.closeups.masks import HIDDEN
from mcptop.ui.actions import visit
from mcptop.ui.reach import Reach

SIZE = (120, 36)
WORKER = frames.stack()[0]


@pytest.fixture
def looks() -> Looks:
    return Looks()


async def test_a_look_at_another_service_is_never_shown(dashboard, looks, screen):
    app, _ = dashboard(frames.frame(), reach=Reach(looks=looks))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("home", "down", "0")
        aspect, key, names = looks.wanted[-1]
        chosen = next(one for one in frames.stack() if one.key == key)
        other = next(one for one in frames.stack() if one.key != key)
        one_replica = chosen.instances[:1]
        assert (aspect, names) == (Aspect.INSPECT, tuple(one.name for one in chosen.instances))
        assert len(names) > 1, "a replica alone is somebody else"
        app.closely.reveal = HIDDEN.more().more()
        for late in (
            secrets(other, other.instances),
            secrets(chosen, one_replica),
            secrets(replace(other, name="x"), chosen.instances),
            secrets(chosen, chosen.instances, FileCloseup),
        ):
            looks.emit(late)
            await pilot.pause()
            assert app.closely.closeup is None
            assert "SECRET_OF" not in screen(app)
            assert "hunter2" not in screen(app)
        looks.emit(secrets(chosen, chosen.instances))
        await pilot.pause()
        assert variable_of(chosen) in screen(app)
        assert "hunter2" in screen(app)


async def test_while_the_terminal_is_lent_nobody_looks_and_nothing_waits(dashboard, looks, tmp_path, monkeypatch):
    (tmp_path / "docker").write_text("#!/bin/sh\n")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    app, monitor = dashboard(frames.frame(), reach=Reach(looks=looks))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("home", "down", "0")
        waiting: list[int] = []

        def lend() -> None:
            # Where the real one would hand the terminal over: nothing of the app runs before it is back.
            before = app._message_queue.qsize()
            for number in range(50):
                looks.emit(secrets(WORKER, WORKER.instances))
                monitor.tick(frames.frame(1001 + number))
                app._moved(Position(number, 50, NOON, NOON, NOON, 1.0, True, False))
            waiting.append(app._message_queue.qsize() - before)
            raise visit.SuspendNotSupported

        monkeypatch.setattr(app, "suspend", lend)
        target = ActionTarget("a" * 64, "web", Kind.CONTAINER, "shop", "web")
        visit.enter(app, Action(Verb.SHELL, (target,), "here"))
        assert waiting == [0]
        assert looks.wanted[-1] is None
        monitor.tick(frames.frame(1100))
        await pilot.pause()
        assert looks.wanted[-1] is not None, "and then goes on"
