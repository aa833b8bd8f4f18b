"""What the dashboard is told, and what it needs from the one who tells it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from textual.message import Message

from mcptop.model.frame import Frame


class FrameSource(Protocol):
    """Makes frames on a thread of its own."""

    def start(self, emit: Callable[[Frame], None]) -> None:
        """Begin; `emit` may be called from any thread, and must not be waited for."""

    def stop(self) -> None:
        """End, and return when no further frame will be emitted."""


class FrameReady(Message, bubble=False):
    """A tick is complete."""

    def __init__(self, frame: Frame) -> None:
        super().__init__()
        self.frame = frame

    def can_replace(self, message: Message) -> bool:
        """A slow terminal drops pictures: only the newest waiting frame is drawn."""
        return isinstance(message, FrameReady)


class Switch(Protocol):
    """Something outside the dashboard that its palette can turn on and off."""

    name: str
    says: str

    @property
    def is_on(self) -> bool:
        """Whether it is on."""

    def turn(self) -> str:
        """Turn it round and say what happened; may take seconds. Raises an exception whose text is one line."""


class News(Message, bubble=False):
    """A sentence for the reader from outside the dashboard."""

    def __init__(self, says: str, trouble: bool) -> None:
        super().__init__()
        self.says = says
        self.trouble = trouble
