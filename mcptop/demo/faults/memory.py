"""Memory that grows and does not come back."""

from __future__ import annotations

import ctypes
import mmap
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from mcptop.demo.faults.fault import fault
from mcptop.demo.faults.tools import every, in_each_request
from mcptop.model.mechanisms import Mechanism

if TYPE_CHECKING:
    from mcptop.demo.services.base import Service

_KIB, _MIB = 1024, 1024 * 1024
_REST = 600
"""Bytes; smaller ones would come from Python's own allocator instead of the heap."""


@fault(Mechanism.HEAP_LEAK, "mcp-worker", "MEM and ANON rise with the requests and never level off")
async def cache_leak(
    service: Service, kib_per_request: int = 256, mib_per_minute: int = 0, most_mib: int = 2048
) -> AsyncIterator[None]:
    """A cache of results without a bound keeps something of every request, or of every minute."""
    results: list[bytes] = []
    kept = 0

    def keep(size: int) -> None:
        nonlocal kept
        if size and kept + size <= most_mib * _MIB:
            results.append(b"\xa5" * size)
            kept += size

    async def of_request() -> None:
        keep(kib_per_request * _KIB)

    async def of_time() -> None:
        keep(mib_per_minute * _MIB // 60)

    with in_each_request(service, of_request):
        async with every(1.0, of_time):
            yield
    results.clear()


@fault(Mechanism.NATIVE_GROWTH, "mcp-worker", "MEM rises and levels off, though nothing in Python is kept")
async def fragmentation(service: Service, mib: int = 240, seconds: float = 20.0) -> AsyncIterator[None]:
    """Buffers of growing size are cut down to a small rest: the allocator cannot reuse the holes between the rests."""
    rests: list[bytearray] = []
    rounds = 60
    # Below 128 KiB an allocation comes from the heap; above, from pages of its own, which go back at once.
    smallest, step = 24 * _KIB, 96 * _KIB // rounds
    count = max(1, mib * _MIB // sum(smallest + step * n for n in range(rounds)))
    done = 0

    async def churn() -> None:
        nonlocal done
        if done < rounds:
            buffers = [bytearray(b"\x5a") * (smallest + step * done) for _ in range(count)]
            for buffer in buffers:
                # Shrinks in place: what is cut off stays where it is, between two rests.
                del buffer[_REST:]
            rests.extend(buffers)
            done += 1

    async with every(seconds / rounds, churn):
        yield
    rests.clear()
    ctypes.CDLL(None).malloc_trim(0)


@fault(Mechanism.SHM_GROWTH, "mcp-worker", "MEM rises and ANON does not: the growth is shared memory, in no file")
async def shm_growth(service: Service, mib_per_minute: int = 60, most_mib: int = 2048) -> AsyncIterator[None]:
    """Results are left in shared memory for another process to fetch, and nobody comes for them."""
    segments: list[mmap.mmap] = []
    shared = 0

    async def leave() -> None:
        nonlocal shared
        size = mib_per_minute * _MIB // 60
        if size and shared + size <= most_mib * _MIB:
            # Without a file it is MAP_SHARED | MAP_ANONYMOUS; it takes memory only where it is written to.
            segment = mmap.mmap(-1, size)
            segment.write(b"\xc3" * size)
            segments.append(segment)
            shared += size

    try:
        async with every(1.0, leave):
            yield
    finally:
        for segment in segments:
            segment.close()
