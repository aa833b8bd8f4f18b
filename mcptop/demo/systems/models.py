"""Loaded models, bounded by bytes: least recently used ones go first, those in use stay, each is loaded once.

The guide counts models instead of bytes, never notes a hit (so its "LRU" is first in, first out), loads a
model twice for two callers at a time, and drops models that are in use.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from mcptop.demo.systems.model_shelf import Shelf, Slot
from mcptop.demo.systems.model_specs import MODEL_MEMORY, ModelSpec, spec
from mcptop.demo.systems.stats import CacheStats

__all__ = ["MODEL_MEMORY", "ModelBusy", "ModelCache", "ModelSpec", "ModelTooLarge", "spec"]

M = TypeVar("M")


class ModelTooLarge(Exception):
    """The model alone needs more than the whole budget."""


class ModelBusy(Exception):
    """The models in use left no room in time."""


class ModelCache(Generic[M]):
    """Leases of models. `load` and `unload` run in tasks of the cache, so that no caller's end spoils another's."""

    def __init__(
        self,
        budget_bytes: int,
        size_of: Callable[[str], int],
        load: Callable[[str], Awaitable[M]],
        unload: Callable[[str, M], Awaitable[None]],
        clock: Callable[[], float] = time.monotonic,
        name: str = "models",
    ) -> None:
        self.budget_bytes = budget_bytes
        """May be changed at any time; a smaller budget evicts at the next lease, or by `trim`."""
        self._shelf = Shelf[M](load, unload, self._wake)
        self._size_of = size_of
        self._clock = clock
        self._name = name
        self._changed = asyncio.Event()
        self._closed = False
        self._hits = 0
        self._misses = 0
        self._evictions = 0

    @asynccontextmanager
    async def lease(self, model_id: str, wait_s: float = 30.0) -> AsyncIterator[M]:
        """The model, loaded, and kept while the context lasts. `wait_s` bounds the wait for others, not the load.

        Raises ModelTooLarge, ModelBusy, RuntimeError after `aclose`, and whatever `load` raises.
        """
        slot = self._shelf.slots.get(model_id)
        if slot is not None and slot.ready:
            self._hits += 1
        else:
            self._misses += 1
        slot = await self._acquire(model_id, wait_s)
        try:
            yield slot.model
        finally:
            self._release(slot)

    async def _acquire(self, model_id: str, wait_s: float) -> Slot[M]:
        """A ready slot with this caller among its users."""
        deadline = self._clock() + wait_s
        while True:
            if self._closed:
                raise RuntimeError(f"cache {self._name} is closed")
            size = self._checked_size(model_id)
            slot = self._shelf.slots.get(model_id)
            if slot is None:
                await self._step_towards(model_id, size, deadline)
            elif slot.leaving:
                await slot.finished()
            elif await self._join(slot):
                self._evict_down_to(self.budget_bytes)
                return slot

    def _checked_size(self, model_id: str) -> int:
        size = self._size_of(model_id)
        if size <= self.budget_bytes:
            return size
        self._evict_down_to(self.budget_bytes)
        raise ModelTooLarge(f"{model_id} needs {size} bytes, the whole budget is {self.budget_bytes}")

    async def _step_towards(self, model_id: str, size: int, deadline: float) -> None:
        """Begin the load, or evict one, or wait for those that leave, or for somebody to stop using one."""
        shelf = self._shelf
        if shelf.used() + size <= self.budget_bytes:
            shelf.begin(model_id, size)
        elif shelf.staying() + size <= self.budget_bytes:
            await next(slot for slot in shelf.slots.values() if slot.leaving).finished()
        elif (victim := shelf.oldest_idle()) is not None:
            self._evictions += 1
            shelf.evict(victim)
        else:
            await self._wait_for_change(model_id, deadline)

    async def _join(self, slot: Slot[M]) -> bool:
        """Become a user once the slot is ready; False when its load was cancelled, and the caller begins anew."""
        slot.users += 1
        self._shelf.touch(slot)
        if slot.ready:
            return True
        try:
            await slot.finished()
        except asyncio.CancelledError:
            self._release(slot)
            raise
        if slot.ready:
            return True
        self._release(slot)
        if not slot.work.cancelled() and (error := slot.work.exception()) is not None:
            raise error
        return False

    def _release(self, slot: Slot[M]) -> None:
        slot.users -= 1
        if slot.users == 0:
            slot.call_off()
        self._shelf.touch(slot)
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _wait_for_change(self, model_id: str, deadline: float) -> None:
        try:
            async with asyncio.timeout(deadline - self._clock()):
                await self._changed.wait()
        except TimeoutError:
            used = ", ".join(slot.model_id for slot in self._shelf.slots.values())
            raise ModelBusy(f"no room for {model_id}: in use are {used}") from None

    def _evict_down_to(self, target_bytes: int) -> list[Slot[M]]:
        evicted = []
        while self._shelf.staying() > target_bytes and (victim := self._shelf.oldest_idle()) is not None:
            self._evictions += 1
            self._shelf.evict(victim)
            evicted.append(victim)
        return evicted

    async def trim(self, target_bytes: int) -> None:
        """Unload idle models, least recently used first, until no more than `target_bytes` stay or all are in use."""
        for slot in self._evict_down_to(target_bytes):
            await slot.finished()

    def forget(self, model_id: str) -> None:
        """The runner lost this model: the next lease loads it again. Present leases keep what they have."""
        slot = self._shelf.slots.get(model_id)
        if slot is not None and slot.ready:
            self._shelf.drop(slot)

    def loaded(self) -> Mapping[str, int]:
        """Model id -> bytes, of the models that are ready."""
        return {slot.model_id: slot.bytes for slot in self._shelf.slots.values() if slot.ready}

    def stats(self) -> CacheStats:
        """The cache now; what is being loaded or unloaded is counted, for its memory is spoken for."""
        return CacheStats(
            name=self._name,
            entries=len(self._shelf.slots),
            bytes=self._shelf.used(),
            max_bytes=self.budget_bytes,
            hits=self._hits,
            misses=self._misses,
            evictions=self._evictions,
            expirations=0,
        )

    async def aclose(self) -> None:
        """Call off loads and unload all models, those in use too: let the callers end first."""
        self._closed = True
        self._wake()
        slots = list(self._shelf.slots.values())
        for slot in slots:
            if slot.ready:
                self._shelf.evict(slot)
            slot.call_off()
        for slot in slots:
            await slot.finished()
