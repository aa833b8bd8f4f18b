"""Threads and children that never go away, and threads that are meant to stay."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from mcptop.demo.faults.fault import fault
from mcptop.demo.faults.tools import every, in_each_request, threads
from mcptop.model.mechanisms import Mechanism

if TYPE_CHECKING:
    from mcptop.demo.services.base import Service


@fault(Mechanism.THREAD_LEAK, "mcp-worker", "PIDS (threads) rises, MEM a little with it")
async def thread_leak(service: Service, per_request: int = 2, most: int = 1000) -> AsyncIterator[None]:
    """Every request starts a thread that waits for something that never comes."""
    off = threading.Event()
    started: list[threading.Thread] = []

    async def leak() -> None:
        for _ in range(per_request):
            if len(started) < most:
                thread = threading.Thread(target=off.wait, name="listener", daemon=True)
                thread.start()
                started.append(thread)

    try:
        with in_each_request(service, leak):
            yield
    finally:
        off.set()
        for thread in started:
            await asyncio.to_thread(thread.join, 1.0)


@fault(Mechanism.IDLE_THREADS, "mcp-worker", "PIDS (threads) is high and flat; CPU and MEM are as before")
async def many_threads(service: Service, count: int = 60) -> AsyncIterator[None]:
    """Control: a pool keeps its threads ready, and there is nothing for them to do."""

    def wait(off: threading.Event) -> None:
        off.wait()

    async with threads(count, wait, "pool"):
        yield


@fault(Mechanism.ZOMBIES, "mcp-worker", "PIDS rises by children in state Z that nobody waits for")
async def zombies(service: Service, per_s: int = 4, most: int = 300) -> AsyncIterator[None]:
    """Helper programs are started and never waited for."""
    children: list[int] = []

    async def start() -> None:
        if len(children) < most:
            children.append(os.posix_spawn("/bin/true", ["convert-image"], dict(os.environ)))

    try:
        async with every(1 / per_s, start):
            yield
    finally:
        for child in children:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child, 0)
