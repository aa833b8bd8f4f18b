"""A pane of logs on a screen of its own, and followers that say what the test tells them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from frames import NOON
from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.screen import Screen

from mcptop.model.frame import Service
from mcptop.model.instance import Instance
from mcptop.sources.log_box import LogBox, LogError, Mark, Window
from mcptop.ui.logs.pane import LogPane

EPOCH = NOON.timestamp()


class Told:
    """A follower; `say` may be called before anybody follows."""

    def __init__(self, instance: Instance, window: Window, error: str = "") -> None:
        self.instance, self.window, self.error = instance, window, error
        self.box: LogBox | None = None
        self.looked = 0
        self.closed = threading.Event()
        self._there = threading.Event()

    def follow(self, box: LogBox) -> None:
        """Until it is closed."""
        if self.error:
            raise LogError(self.error)
        self.box = box
        self._there.set()
        self.closed.wait(60)

    def look_again(self) -> None:
        """Count it."""
        self.looked += 1

    def close(self) -> None:
        """End."""
        self.closed.set()

    def say(self, *lines: str | bytes, at: float = 0.0, stream: int = 1, step: float = 1.0) -> None:
        """Lines as the engine sends them, the first `at` seconds after noon and the others `step` apart."""
        for number, line in enumerate(lines):
            data = line if isinstance(line, bytes) else line.encode()
            self.put((stream, None, stamp(at + number * step) + b" " + data + b"\n"))

    def put(self, item: tuple[int, float | None, bytes] | Mark, skipped: int = 0) -> None:
        """As a follower does; nothing is dropped for want of room."""
        assert self._there.wait(10)
        assert self.box is not None
        self.box.put([item], skipped) if skipped else self.box.put_past([item])


def stamp(after_noon: float) -> bytes:
    return f"{datetime.fromtimestamp(EPOCH + after_noon, UTC):%Y-%m-%dT%H:%M:%S.%f}000Z".encode()


class Logs:
    """Makes the followers, and keeps them by the names of their instances."""

    def __init__(self) -> None:
        self.made: dict[str, Told] = {}
        self.errors: dict[str, str] = {}

    def __call__(self, service: Service, instance: Instance, window: Window) -> Told:
        told = self.made[instance.name] = Told(instance, window, self.errors.get(instance.name, ""))
        return told


class LogScreen(Screen[None]):
    """Nothing but the pane."""

    def __init__(self, source: Logs | None) -> None:
        super().__init__()
        self.pane = LogPane(source)

    def compose(self) -> ComposeResult:
        yield self.pane

    def restyle(self) -> None:
        """The theme changed."""
        self.pane.restyle()


async def until(pilot: Pilot[None], seen: Callable[[], object]) -> None:
    """Wait until that holds."""
    for _ in range(400):
        await pilot.pause(0.02)
        if seen():
            await pilot.pause()
            return
    raise AssertionError("it never came to that")
