"""How long ago something was seen last: counters of the last look, kept only for what is still there."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Pace(Generic[K]):
    """Counters by key, from one look to the next."""

    def __init__(self) -> None:
        self._before: dict[K, tuple[float, float]] = {}
        self._now: dict[K, tuple[float, float]] = {}

    def per_s(self, key: K, counter: float, at: float) -> float | None:
        """How fast the counter went since the look before; None in the first, and when it went backwards.

        `at`: monotonic seconds.
        """
        self._now[key] = counter, at
        earlier = self._before.get(key)
        if earlier is None or at <= earlier[1] or counter < earlier[0]:
            return None
        return (counter - earlier[0]) / (at - earlier[1])

    def turn(self) -> None:
        """The look is over: what it did not see is forgotten."""
        self._before, self._now = self._now, {}
