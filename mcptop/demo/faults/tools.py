"""What several faults do: a thread that ends with the fault, something at intervals, a hook inside each request."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcptop.demo.services.base import Service

_JOIN_S = 5.0


@asynccontextmanager
async def threads(count: int, work: Callable[[threading.Event], None], name: str) -> AsyncIterator[None]:
    """So many threads that run `work(off)`; it has to return soon after `off` is set."""
    off = threading.Event()
    started = [
        threading.Thread(target=work, args=(off,), name=f"{name}-{number}", daemon=True) for number in range(count)
    ]
    for thread in started:
        thread.start()
    try:
        yield
    finally:
        off.set()
        for thread in started:
            await asyncio.to_thread(thread.join, _JOIN_S)


@asynccontextmanager
async def every(seconds: float, work: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Await `work()` at intervals on the event loop."""

    async def loop() -> None:
        while True:
            await work()
            await asyncio.sleep(seconds)

    task = asyncio.create_task(loop())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextmanager
def in_each_request(service: Service, hook: Callable[[], Awaitable[None]]) -> Iterator[None]:
    """Run `hook` inside every request of the service."""
    service.on_request.append(hook)
    try:
        yield
    finally:
        service.on_request.remove(hook)
