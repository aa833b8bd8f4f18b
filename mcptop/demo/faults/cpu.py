"""Where CPU goes: loops, too many threads, a hot path, the collector, and a job that is supposed to compute."""

from __future__ import annotations

import asyncio
import gc
import json
import random
import re
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from mcptop.demo.faults.fault import FaultError, fault
from mcptop.demo.faults.tools import every, in_each_request, threads
from mcptop.model.mechanisms import Mechanism

if TYPE_CHECKING:
    import threading

    from mcptop.demo.services.base import Service

_CHUNK = 100_000
"""Objects made at once, in about the time of a collection. With smaller ones the service's own objects come to lie
between them, and Python could not give the memory back."""


def rescore_everything(off: threading.Event, until: float = float("inf")) -> None:
    """Pure Python work without an end."""
    scores = [0] * 256
    while not off.is_set() and time.monotonic() < until:
        for number in range(20_000):
            scores[number & 255] = (scores[(number * 31) & 255] * 33 + number) & 0xFFFF


@fault(Mechanism.CPU_HOT_LOOP, "mcp-worker", "CPU rises by one core and stays, whatever the load")
async def cpu_hot_loop(service: Service) -> AsyncIterator[None]:
    """A thread computes the same thing over and over."""
    async with threads(1, rescore_everything, "rescore"):
        yield


@fault(Mechanism.GIL_CONTENTION, "mcp-worker", "many threads are runnable, the process gets one core, answers are slow")
async def gil_contention(service: Service, count: int = 8) -> AsyncIterator[None]:
    """Threads compute in Python side by side, but only one may run at a time."""
    async with threads(count, rescore_everything, "score"):
        yield


@fault(Mechanism.CPU_HOT_PATH, "mcp-api", "CPU of mcp-api rises with the requests")
async def hot_path(service: Service, kind: str = "regex", weight: int = 20) -> AsyncIterator[None]:
    """Every request runs into an expensive expression (kind=regex) or a large document (kind=json)."""
    if kind not in ("regex", "json"):
        raise FaultError(f"fault hot-path: `kind={kind}`: expected regex or json")
    pattern, text = re.compile(r"^(\w+\s?)*$"), "a" * weight + "!"
    document = {str(number): [number, str(number)] * 4 for number in range(weight * 500)}

    async def match_path() -> None:
        pattern.match(text)

    async def encode_document() -> None:
        json.loads(json.dumps(document))

    with in_each_request(service, match_path if kind == "regex" else encode_document):
        yield


@fault(
    Mechanism.BUSY_WAIT,
    "mcp-worker",
    "CPU rises, much of it the kernel's: threads give it up and take it back thousands of times a second",
)
async def busy_wait(service: Service, sleep_us: int = 20, count: int = 2) -> AsyncIterator[None]:
    """Threads wait for work by asking for it, with a sleep of some microseconds in between."""

    def poll(off: threading.Event) -> None:
        while not off.is_set():
            time.sleep(sleep_us / 1e6)

    async with threads(count, poll, "poll"):
        yield


@fault(Mechanism.GC_PAUSES, "mcp-worker", "CPU is high: full collections of a large heap that stays; answers wait")
async def gc_pauses(service: Service, objects: int = 600_000, every_s: float = 0.1) -> AsyncIterator[None]:
    """The heap is full of small objects, and all of them are looked at again and again while every request waits."""
    heap: list[list[object]] = [[]]
    pick = random.Random(0)

    async def collect() -> None:
        while len(heap) < objects:
            most = len(heap)
            # Each refers to any of those before it: the collector finds them all over the memory.
            heap.extend([number, heap[pick.randrange(most)]] for number in range(min(_CHUNK, objects - most)))
            await asyncio.sleep(0)
        gc.collect()

    try:
        async with every(every_s, collect):
            yield
    finally:
        while heap:
            del heap[-_CHUNK:]
            await asyncio.sleep(0)


@fault(Mechanism.BATCH_JOB, "mcp-worker", "CPU is high for a while and then not, again and again; requests are served")
async def batch_job(service: Service, work_s: float = 8.0, rest_s: float = 8.0) -> AsyncIterator[None]:
    """Control: a periodic job computes for some seconds and rests."""

    def run(off: threading.Event) -> None:
        while not off.is_set():
            rescore_everything(off, time.monotonic() + work_s)
            off.wait(rest_s)

    async with threads(1, run, "nightly"):
        yield
