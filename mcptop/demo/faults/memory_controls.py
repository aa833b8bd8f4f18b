"""Memory that looks as if it leaked, and does not."""

from __future__ import annotations

import ctypes
import gc
import itertools
import math
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from mcptop.demo.faults.fault import fault
from mcptop.demo.faults.tools import every, threads
from mcptop.model.mechanisms import Mechanism

if TYPE_CHECKING:
    import threading

    from mcptop.demo.services.base import Service
    from mcptop.demo.services.worker import Worker

_KIB, _MIB = 1024, 1024 * 1024
_READS_PER_WRITE = 32
_STEP_S = 0.25


@fault(Mechanism.PAGE_CACHE, "mcp-worker", "DISK is busy; in a container MEM rises by file pages, ANON stays")
async def page_cache(service: Service, mib: int = 512) -> AsyncIterator[None]:
    """Control: a file is refreshed and read all the time; the kernel keeps it in memory while there is room."""
    path = service.settings.directory / "page-cache.bin"

    def serve(off: threading.Event) -> None:
        block = b"\x33" * _MIB
        with path.open("w+b", buffering=0) as file:
            for step in itertools.count():
                # A round of the usual size takes longer than the kernel keeps a page dirty: sooner, nothing is written.
                if off.wait(0.08):
                    return
                file.seek(step % mib * _MIB)
                file.write(block)
                for _ in range(_READS_PER_WRITE):
                    if not file.read(_MIB):
                        file.seek(0)

    try:
        async with threads(1, serve, "page-cache"):
            yield
    finally:
        path.unlink(missing_ok=True)


@fault(Mechanism.WARM_UP, "model-runner", "MEM rises fast, then ever slower, and stays")
async def warm_up(service: Service, mib: int = 160, seconds: float = 20.0) -> AsyncIterator[None]:
    """Control: caches fill after a start, quickly at first, until they are full."""
    held: list[bytes] = []
    began = time.monotonic()

    async def fill() -> None:
        wanted = mib * (1 - math.exp(-3 * (time.monotonic() - began) / seconds))
        while len(held) < wanted:
            held.append(b"\x77" * _MIB)

    async with every(_STEP_S, fill):
        yield
    held.clear()


@fault(Mechanism.WARM_UP, "mcp-worker", "MEM rises to a bound and stays, though entries come and go for ever")
async def bounded_cache(
    service: Worker, mib: int = 120, seconds: float = 15.0, entry_kib: int = 256
) -> AsyncIterator[None]:
    """Control: a cache of documents fills to its bound; from then on the least recently used go as new ones come."""
    from mcptop.demo.systems.response_cache import ResponseCache  # here, so that the catalogue can be listed without it

    cache = ResponseCache(mib * _MIB, ttl_s=math.inf, name="documents")
    numbers = itertools.count()
    size = max(1, entry_kib) * _KIB
    per_step = max(1, round(mib * _MIB * _STEP_S / seconds / size))

    async def keep() -> None:
        for _ in range(per_step):
            cache.set(f"document {next(numbers)}", b"\x6d" * size)

    service.more_caches.append(cache)
    try:
        async with every(_STEP_S, keep):
            yield
    finally:
        service.more_caches.remove(cache)
        cache.clear()
        # What comes and goes is soon of the heap, which keeps what it is given back.
        ctypes.CDLL(None).malloc_trim(0)


@fault(Mechanism.GC_SAWTOOTH, "mcp-worker", "MEM rises and falls back to the same floor, again and again")
async def gc_sawtooth(service: Service, mib: int = 120, period_s: float = 10.0) -> AsyncIterator[None]:
    """Control: objects that refer to each other wait for the garbage collector, which comes seldom."""
    steps = 20
    done = 0

    async def litter() -> None:
        nonlocal done
        for _ in range(mib // steps):
            ring: list[object] = [b"\x11" * _MIB]
            ring.append(ring)
        done += 1
        if done % steps == 0:
            gc.collect()

    gc.disable()
    try:
        async with every(period_s / steps, litter):
            yield
    finally:
        gc.enable()
        gc.collect()
