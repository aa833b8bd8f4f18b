"""A reader who does anything at all: what he does is made from a seed, so that it can be done again."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import close_world
import frames
import hostile_world
from actor import Actor
from conftest import ScriptedMonitor, lines_of
from hand import Hand
from msgspec.structs import replace
from rich.cells import cell_len
from scripted import Scripted, Workshop
from textual import events
from textual.binding import Binding

from mcptop.history import KEPT_S
from mcptop.model.frame import EMPTY, Frame
from mcptop.model.instance import Instance
from mcptop.model.value import Kind
from mcptop.recording.ring import Ring
from mcptop.ui import app
from mcptop.ui.app import McptopApp
from mcptop.ui.keys.listeners import chains
from mcptop.ui.reach import Reach
from mcptop.ui.screens.dashboard import Dashboard
from tests.unit import recorded

SIZE = (120, 36)
KEYS = sorted(
    {key for chain in chains().values() for part in chain for binding in part if isinstance(binding, Binding)
     for key in binding.key.split(",")}
    | {"enter", "escape", "tab", "up", "down", "pageup", "pagedown", "home", "end", "space", "backspace"}
)  # fmt: skip
TYPED = string.printable[:95] + "äß数\u0301"
_TEXTS = list(hostile_world.HOSTILE.values())


class Staying(McptopApp):
    """Counts who wants to leave, and stays."""

    CSS_PATH = str(Path(app.__file__).with_name(McptopApp.CSS_PATH))
    quits = 0

    async def action_quit(self) -> None:
        """As any way out does."""
        self.quits += 1


class Fuzz:
    """The app, and what is done to it. `done` are the steps so far, the last one may be the one that failed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.done: list[tuple[Any, ...]] = []
        self.monitor = ScriptedMonitor(frames.frame())
        self.app = Staying(self.monitor, diagnosis=self._workshop(), reach=self._reach())
        self._number = 1000

    def _workshop(self) -> Workshop:
        """Half of the diagnoses end at once, the others when they are left."""
        workshop = Workshop()

        def change(scripted: Scripted) -> None:
            if len(workshop.made) % 2:
                scripted.let_go.set()

        workshop.change = change
        return workshop

    def _reach(self) -> Reach:
        ring = Ring(1.0, KEPT_S)
        for snapshot in recorded.ticks(60):
            ring.add(snapshot)
        logs = hostile_world.AllLogs()
        return Reach(looks=close_world.ScriptedLooks(), logs=logs, performer=Actor(), allow_actions=True, past=ring.log)

    async def run(self, hand: Hand, steps: int, goes_on: Callable[[], bool] = lambda: True) -> None:
        """So many steps, as long as it goes on."""
        for _ in range(steps):
            if not goes_on():
                return
            await self.step(hand)

    async def step(self, hand: Hand) -> None:
        """One, of any kind."""
        kinds, weights = zip(*_STEPS, strict=True)
        (step,) = self.random.choices(kinds, weights)
        await step(self, hand)
        if (problem := self.app._exception) is not None:
            raise problem

    async def press(self, hand: Hand) -> None:
        """Some keys, one after the other or faster than the app is."""
        some = self.random.choices(KEYS, k=self.random.randint(1, 4))
        await self._keys(hand, some)

    async def type(self, hand: Hand) -> None:
        """Characters, as into a line or by somebody who leans on the keyboard."""
        await self._keys(hand, self.random.choices(TYPED, k=self.random.randint(1, 8)))

    async def _keys(self, hand: Hand, keys: list[str]) -> None:
        fast = self.random.random() < 0.5
        self.done.append(("type_fast" if fast else "press", *keys))
        await (hand.type_fast(*keys) if fast else hand.press(*keys))

    async def paste(self, hand: Hand) -> None:
        """Whatever was in the clipboard."""
        text = self.random.choice(_TEXTS)
        self.done.append(("paste", text[:60]))
        self.app.post_message(events.Paste(text))
        await hand.settle()

    async def mouse(self, hand: Hand) -> None:
        """A click, two, the wheel, or a drag."""
        width, height = self.app.size
        x, y = self.random.randrange(max(1, width)), self.random.randrange(max(1, height))
        kind = self.random.choice(("click", "click", "twice", "up", "down", "drag"))
        self.done.append((kind, x, y))
        if kind in ("click", "twice"):
            await hand.click(x, y, 2 if kind == "twice" else 1)
        elif kind == "drag":
            await hand.mouse(events.MouseDown, x, y)
            await hand.mouse(events.MouseMove, self.random.randrange(max(1, width)), y)
            await hand.mouse(events.MouseUp, x, y)
        else:
            await hand.mouse(events.MouseScrollUp if kind == "up" else events.MouseScrollDown, x, y, 0)

    async def resize(self, hand: Hand) -> None:
        """Any size a terminal may have, small ones more often."""
        width, height = self.random.choice(((300, 80), (120, 40), (40, 12), (3, 3)))
        size = self.random.randint(1, width), self.random.randint(1, height)
        self.done.append(("resize", *size))
        await hand.resize(*size)

    async def tick(self, hand: Hand) -> None:
        """Frames, as no monitor would give them."""
        for _ in range(self.random.randint(1, 3)):
            name = self.random.choice(list(_FRAMES))
            self.done.append(("tick", name))
            self._number += self.random.randint(-3, 5)
            self.monitor.tick(_FRAMES[name](self.random, self._number))
        await hand.settle()

    async def come_back(self, hand: Hand) -> None:
        """To the dashboard at a size one can read, as somebody would who wants to see how things are."""
        await hand.resize(*SIZE)
        for _ in range(20):
            if isinstance(self.app.screen, Dashboard):
                break
            await hand.press("escape")
        assert isinstance(self.app.screen, Dashboard), self.app.screen_stack
        self.app.screen.action_tab("overview")
        await hand.press("escape")
        if self.app.picture.when.stands_still:
            self.app.action_pause()
        self.monitor.tick(frames.frame(5000))
        await hand.settle()
        text = lines_of(self.app)
        assert {cell_len(line) for line in text} == {SIZE[0]}
        assert any("mcp-api" in line for line in text), "\n".join(text)


_STEPS: tuple[tuple[Any, int], ...] = (
    (Fuzz.press, 50), (Fuzz.type, 8), (Fuzz.paste, 2), (Fuzz.mouse, 20), (Fuzz.resize, 8), (Fuzz.tick, 16),
)  # fmt: skip


def _some(random: random.Random, number: int) -> Frame:
    """Services come and go."""
    services = [one for one in frames.stack() if random.random() < 0.6]
    random.shuffle(services)
    return frames.frame(number, tuple(services))


def _unknown(random: random.Random, number: int) -> Frame:
    """Next to nothing is known."""
    services = tuple(
        replace(one, instances=tuple(Instance(each.id, each.name) for each in one.instances), pools=(), queues=())
        for one in frames.stack()
    )
    host = random.choice((None, frames.Host("box", 1)))
    return frames.frame(number, services, host=host, engine=None, own=frames.Own(), sources=(), events=(), budgets=())


def _hostile(random: random.Random, number: int) -> Frame:
    return hostile_world.frame(random.choice(_TEXTS), number)


def _servers(random: random.Random, number: int) -> Frame:
    """Nobody one can act on or diagnose."""
    return frames.frame(number, tuple(replace(one, kind=Kind.SERVER) for one in frames.stack()))


_FRAMES: dict[str, Callable[[random.Random, int], Frame]] = {
    "usual": lambda random, number: frames.frame(number),
    "empty": lambda random, number: EMPTY,
    "crowd": lambda random, number: frames.crowd(number, 40),
    "out of order": lambda random, number: frames.frame(random.randint(1, 3000)),
    "some": _some,
    "unknown": _unknown,
    "hostile": _hostile,
    "servers": _servers,
    "none": lambda random, number: frames.frame(number, ()),
}
