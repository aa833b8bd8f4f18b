"""Where models stand while they are loaded, used and unloaded, and the tasks that load and unload them.

Knows bytes and order, not the rules of who may load: those are the cache's.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from enum import Enum
from functools import partial
from typing import Generic, TypeVar

M = TypeVar("M")
_log = logging.getLogger(__name__)


class _State(Enum):
    LOADING = "loading"
    READY = "ready"
    LEAVING = "leaving"


class Slot(Generic[M]):
    """One model. Its bytes are spoken for from the start of its load to the end of its unloading."""

    __slots__ = ("_model", "bytes", "model_id", "state", "users", "work")

    def __init__(self, model_id: str, size: int) -> None:
        self.model_id = model_id
        self.bytes = size
        self.users = 0
        """Those who hold a lease, and those who wait for the load."""
        self.state = _State.LOADING
        self.work: asyncio.Task[None]
        self._model: list[M] = []

    @property
    def ready(self) -> bool:
        """Loaded, and staying."""
        return self.state is _State.READY

    @property
    def leaving(self) -> bool:
        """Being unloaded, or its load is being called off."""
        return self.state is _State.LEAVING

    @property
    def model(self) -> M:
        """The model, once it was ready."""
        return self._model[0]

    def fill(self, model: M) -> None:
        """The load ended well."""
        self._model = [model]
        self.state = _State.READY

    async def finished(self) -> None:
        """Wait for the work, whatever comes of it. Cancelling the waiter leaves the work alone."""
        await asyncio.wait([self.work])

    def call_off(self) -> None:
        """Nobody wants it any more: end its load."""
        if self.state is _State.LOADING and not self.work.done():
            self.state = _State.LEAVING
            self.work.cancel()


class Shelf(Generic[M]):
    """All slots, least recently used first. Work runs in tasks of its own, which no caller's end can hurt."""

    def __init__(
        self,
        load: Callable[[str], Awaitable[M]],
        unload: Callable[[str, M], Awaitable[None]],
        changed: Callable[[], None],
    ) -> None:
        self.slots: OrderedDict[str, Slot[M]] = OrderedDict()
        self._load = load
        self._unload = unload
        self._changed = changed

    def used(self) -> int:
        """Bytes of all slots."""
        return sum(slot.bytes for slot in self.slots.values())

    def staying(self) -> int:
        """Bytes of those that are not on their way out."""
        return sum(slot.bytes for slot in self.slots.values() if not slot.leaving)

    def oldest_idle(self) -> Slot[M] | None:
        """The least recently used one that nobody uses."""
        return next((slot for slot in self.slots.values() if slot.ready and slot.users == 0), None)

    def touch(self, slot: Slot[M]) -> None:
        """It was used just now."""
        if self.slots.get(slot.model_id) is slot:
            self.slots.move_to_end(slot.model_id)

    def begin(self, model_id: str, size: int) -> None:
        """Start to load a model that has no slot."""
        slot = Slot[M](model_id, size)
        self.slots[model_id] = slot
        self._start(slot, self._fill)

    def evict(self, slot: Slot[M]) -> None:
        """Start to unload a model that is ready."""
        slot.state = _State.LEAVING
        self._start(slot, self._empty)

    def drop(self, slot: Slot[M]) -> None:
        """It is gone."""
        if self.slots.get(slot.model_id) is slot:
            del self.slots[slot.model_id]
        self._changed()

    async def _fill(self, slot: Slot[M]) -> None:
        slot.fill(await self._load(slot.model_id))

    async def _empty(self, slot: Slot[M]) -> None:
        try:
            await self._unload(slot.model_id, slot.model)
        except Exception as error:
            # The lease that needs the room must not fail for it; the runner's own figures will show the truth.
            _log.warning("unloading %s failed: %s", slot.model_id, error)

    def _start(self, slot: Slot[M], work: Callable[[Slot[M]], Awaitable[None]]) -> None:
        slot.work = asyncio.ensure_future(work(slot))
        slot.work.add_done_callback(partial(self._ended, slot))

    def _ended(self, slot: Slot[M], task: asyncio.Task[None]) -> None:
        # Also of a task that was cancelled before its first step, where no `finally` of its own would run.
        if not task.cancelled():
            task.exception()
        if slot.ready:
            self._changed()
        else:
            self.drop(slot)
