"""A scripted monitor, and the one place that reads the text of a screen."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.notifications import Notifications

from mcptop.model.frame import Frame
from mcptop.ui.app import McptopApp

SNAPSHOTS = Path(__file__).parent / "snapshots"


class ScriptedMonitor:
    """Emits exactly the frames it is given, on the caller's thread: there is nothing to wait for."""

    def __init__(self, *frames: Frame) -> None:
        self._first = frames
        self._emit: Callable[[Frame], None] | None = None
        self.stopped = False

    def start(self, emit: Callable[[Frame], None]) -> None:
        """Emit the first frames at once."""
        self._emit = emit
        for frame in self._first:
            emit(frame)

    def stop(self) -> None:
        """Remember it."""
        self.stopped = True

    def tick(self, frame: Frame) -> None:
        """Emit one more frame."""
        assert self._emit is not None
        self._emit(frame)


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
    for name in ("NO_COLOR", "TEXTUAL_THEME", "TEXTUAL_COLOR_SYSTEM", "TEXTUAL_FILTERS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    # Some keys save what is on the screen in the current folder.
    monkeypatch.chdir(tmp_path_factory.mktemp("current"))


@pytest.fixture(autouse=True)
def _notices_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    # By the wall clock they would be gone before a test on a busy machine looks; from the screen they go all the same.
    monkeypatch.setattr(Notifications, "_reap", lambda self: self)
    monkeypatch.setattr(Notifications, "__delitem__", lambda self, notification: None)


@pytest.fixture
def monitor() -> type[ScriptedMonitor]:
    """The class, to be made with the frames of the test."""
    return ScriptedMonitor


@pytest.fixture
def dashboard() -> Callable[..., tuple[McptopApp, ScriptedMonitor]]:
    """An app on a monitor with these frames; `more` goes to the app."""

    def make(*frames: Frame, **more: Any) -> tuple[McptopApp, ScriptedMonitor]:
        source = ScriptedMonitor(*frames)
        # A slow test is no late frame.
        return McptopApp(source, **({"clock": lambda: 0.0} | more)), source

    return make


def lines_of(app: App[None]) -> list[str]:
    """The text of the screen; the compositor's strips are private to Textual, so only this knows of them."""
    strips = app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip) for strip in strips]


@pytest.fixture
def screen() -> Callable[[App[None]], str]:
    """The text of the screen as one string."""
    return lambda app: "\n".join(lines_of(app))


@pytest.fixture
def snapshot() -> Callable[[App[None], str], None]:
    """Compare the screen with a kept text file; MCPTOP_UPDATE_SNAPSHOTS=1 keeps the present one."""

    def check(app: App[None], name: str) -> None:
        path = SNAPSHOTS / f"{name}.txt"
        text = "\n".join(line.rstrip() for line in lines_of(app)) + "\n"
        if os.environ.get("MCPTOP_UPDATE_SNAPSHOTS"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), f"{name} looks different; see the docstring of `snapshot`"

    return check
