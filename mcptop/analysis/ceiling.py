"""The maximum of a pool nobody tells us: a number that its connections never pass, while all of them are busy."""

from __future__ import annotations

FLAT_S = 30.0
"""So long all connections have to be busy, and their number the highest ever seen."""
_LEAST = 2


class Ceiling:
    """One pool, watched."""

    def __init__(self) -> None:
        self._highest = 0
        self._flat_since: float | None = None
        self._found: tuple[int, str] | None = None

    def update(self, at: float, connections: int, busy: int | None) -> tuple[int, str] | None:
        """The maximum and how it was concluded; None while nothing can be said. `at` is in monotonic seconds."""
        if connections > self._highest:
            self._highest, self._flat_since, self._found = connections, None, None
        is_flat = connections == self._highest >= _LEAST and busy is not None and busy >= connections
        if not is_flat:
            self._flat_since = None
        elif self._flat_since is None:
            self._flat_since = at
        elif at - self._flat_since >= FLAT_S:
            self._found = self._highest, f"never above {self._highest}, all busy for {at - self._flat_since:.0f} s"
        return self._found
