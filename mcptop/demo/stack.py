"""What the keeper keeps: a stack that can be started, looked after and stopped, as processes or in Docker."""

from __future__ import annotations

from typing import Protocol

from mcptop.demo import DemoError


class StackError(DemoError):
    """The stack cannot start or go on; one line."""


class Stack(Protocol):
    """A running demo."""

    def start(self) -> dict[str, str]:
        """Start everything and wait until it answers; service -> address. Raises `StackError`."""

    def check(self) -> list[str]:
        """What happened since the last call, in sentences. Raises `StackError` when it cannot go on."""

    def stop(self) -> None:
        """End everything that was started; may be called at any time."""
