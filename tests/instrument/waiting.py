"""Wait for a figure to become what it must be, and say what it was where it does not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from mcptop.instrument import read

_AT_MOST_S = 20.0


def _tries(thing: object, wanted: dict[str, float | None]) -> Iterator[None]:
    deadline = time.monotonic() + _AT_MOST_S
    while (now := picked(thing, *wanted)) != wanted:
        assert time.monotonic() < deadline, f"{now}, expected {wanted}"
        yield


def picked(thing: object, *names: str) -> dict[str, float | None]:
    """Some figures of a thing; None is one without a value."""
    now = read(thing)
    return {name: now.get(name) for name in names}


async def becomes(thing: object, **wanted: float | None) -> None:
    """While tasks run."""
    for _ in _tries(thing, wanted):
        await asyncio.sleep(0.002)


def became(thing: object, **wanted: float | None) -> None:
    """While threads run."""
    for _ in _tries(thing, wanted):
        time.sleep(0.002)
