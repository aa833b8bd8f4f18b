"""Keys, mouse and sizes for an app under test that wait for its messages and for nothing else.

Textual's pilot waits until the process looks idle: that takes a twentieth of a second a key, and depends on how busy
the machine is. Here the time between two keys is only what the app needs for them, so many can be pressed.
"""

from __future__ import annotations

import unicodedata

from textual import events
from textual.drivers.headless_driver import HeadlessDriver
from textual.geometry import Size
from textual.keys import REPLACED_KEYS, _character_to_key, _get_unicode_name_from_key
from textual.pilot import Pilot

_ROUNDS = 3
"""A key makes messages which make messages; a fourth generation of them draws nothing here."""


class Hand:
    """What a reader does, and what a terminal tells."""

    def __init__(self, pilot: Pilot[None]) -> None:
        self.pilot, self.app = pilot, pilot.app

    async def settle(self) -> None:
        """Until what was told to the app is done and drawn."""
        for _ in range(_ROUNDS):
            await self.pilot._wait_for_screen()
            if self.app._exception is not None or not self.app.screen_stack:
                return
            self.app.screen._on_timer_update()

    async def press(self, *keys: str) -> None:
        """Keys by their names or characters, one after the other."""
        for key in keys:
            self.app.post_message(key_event(key))
            await self.settle()

    async def type_fast(self, *keys: str) -> None:
        """All of them before the app comes to the first."""
        for key in keys:
            self.app.post_message(key_event(key))
        await self.settle()

    async def resize(self, width: int, height: int) -> None:
        """Another size of the terminal."""
        size = Size(width, height)
        assert isinstance(self.app._driver, HeadlessDriver)
        self.app._driver._size = size
        self.app.post_message(events.Resize(size, size))
        await self.settle()
        self.app._check_resize()  # what a timer does, so that there is only one of many in a row
        await self.settle()

    async def mouse(self, kind: type[events.MouseEvent], x: int, y: int, button: int = 1) -> None:
        """One event of the mouse, as the driver makes it."""
        event = kind(None, x, y, 0, 0, button, False, False, False, screen_x=x, screen_y=y)
        self.app.post_message(event)
        await self.settle()

    async def click(self, x: int, y: int, times: int = 1) -> None:
        """Press and release the left button."""
        for _ in range(times):
            await self.mouse(events.MouseDown, x, y)
            await self.mouse(events.MouseUp, x, y)


def key_event(key: str) -> events.Key:
    """The event a terminal's driver makes of a key."""
    name = _character_to_key(key) if len(key) == 1 and not key.isalnum() else key
    try:
        character: str | None = unicodedata.lookup(_get_unicode_name_from_key(REPLACED_KEYS.get(name, name)))
    except KeyError:
        character = key if len(key) == 1 else None
    return events.Key(name, character)
