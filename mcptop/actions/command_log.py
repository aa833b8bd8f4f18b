"""The commands of this session: what was done, when, and what came of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime

from mcptop.model.action import LogEntry
from mcptop.units import plain

_KEPT = 500


def _now() -> datetime:
    return datetime.now().astimezone()


class CommandLog:
    """Written by whoever carries out an action, one at a time; read by anybody."""

    def __init__(self, now: Callable[[], datetime] = _now) -> None:
        self._now = now
        self._entries: deque[LogEntry] = deque(maxlen=_KEPT)

    def now(self) -> datetime:
        """The local time."""
        return self._now()

    def add(self, at: datetime, command: str, ok: bool, outcome: str) -> None:
        """A command that was begun at `at` has ended."""
        self._entries.append(LogEntry(at, plain(command, 1000), ok, plain(outcome, 300)))

    @property
    def entries(self) -> Sequence[LogEntry]:
        """The oldest first; at most 500."""
        return tuple(self._entries)


def line(entry: LogEntry) -> str:
    """One entry as text."""
    return f"{entry.at:%Y-%m-%d %H:%M:%S}  {entry.command}  # {entry.outcome}"
