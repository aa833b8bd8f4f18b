"""What Python's garbage collector does by itself. It is never forced: that would pause the event loop."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_GENERATIONS = 3


@dataclass(frozen=True, slots=True)
class GcStats:
    """One generation, since `install`."""

    generation: int
    collections: int = 0
    collected: int = 0
    uncollectable: int = 0
    pause_s: float = 0.0
    longest_pause_s: float = 0.0


class GcWatch:
    """Counts collections and the pauses they are, per generation."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._started: float | None = None
        self._stats = [GcStats(generation) for generation in range(_GENERATIONS)]

    def install(self) -> None:
        """Start to count; a second call changes nothing."""
        if self._note not in gc.callbacks:
            gc.callbacks.append(self._note)

    def remove(self) -> None:
        """Stop to count."""
        if self._note in gc.callbacks:
            gc.callbacks.remove(self._note)
        self._started = None

    def stats(self) -> tuple[GcStats, ...]:
        """One entry per generation, youngest first."""
        return tuple(self._stats)

    def _note(self, phase: str, info: Mapping[str, int]) -> None:
        if phase == "start":
            self._started = self._clock()
        elif self._started is not None:
            # None: installed by a finalizer in the middle of a collection.
            self._add(info, self._clock() - self._started)
            self._started = None

    def _add(self, info: Mapping[str, int], pause_s: float) -> None:
        old = self._stats[info["generation"]]
        self._stats[old.generation] = GcStats(
            generation=old.generation,
            collections=old.collections + 1,
            collected=old.collected + info["collected"],
            uncollectable=old.uncollectable + info["uncollectable"],
            pause_s=old.pause_s + pause_s,
            longest_pause_s=max(old.longest_pause_s, pause_s),
        )
