"""Replies of a Redis server in the one form that both ways to ask it give."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Command = tuple[str | bytes, ...]
Reply = bytes | int | list[bytes | int | None] | Exception | None
"""As RESP2 has it, nested lists made flat; an exception is Redis's refusal of this one command."""
Ask = Callable[[Sequence[Command]], list[Reply]]
"""Sends commands together; one reply each."""


def number(value: object) -> int | None:
    """A whole number, whichever way it is written; None for anything else."""
    try:
        return int(value)  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError):
        return None


def item(reply: Reply, position: int) -> bytes | int | None:
    """One item of a list; None where there is none."""
    return reply[position] if isinstance(reply, list) and len(reply) > position else None
