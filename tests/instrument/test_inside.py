"""Queues, semaphores and caches: things that need no server."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import cachetools
import pytest

from mcptop.instrument import read
from mcptop.instrument.registry import Registry
from tests.instrument.waiting import became, becomes, picked


@pytest.mark.parametrize("kind", [asyncio.Queue, asyncio.PriorityQueue, asyncio.LifoQueue, queue.Queue])
def test_a_queue_and_its_room(kind: Callable[[int], Any]) -> None:
    jobs = kind(3)
    for number in range(2):
        jobs.put_nowait(number)
    assert picked(jobs, "depth", "capacity", "in_flight") == {"depth": 2, "capacity": 3, "in_flight": None}
    assert "capacity" not in read(kind(0))


def test_a_simple_queue_has_a_depth_only() -> None:
    jobs: queue.SimpleQueue[int] = queue.SimpleQueue()
    jobs.put(1)
    assert read(jobs) == {"depth": 1}


def test_a_full_lock_does_not_hold_up_the_scrape() -> None:
    jobs: queue.Queue[int] = queue.Queue()
    with jobs.mutex:
        assert read(jobs)["depth"] == 0


@pytest.mark.parametrize("kind", [asyncio.Queue, queue.Queue])
def test_jobs_in_flight_are_known_once_somebody_was_seen_to_report_them_done(kind: Callable[[], Any]) -> None:
    jobs = kind()
    for number in range(4):
        jobs.put_nowait(number)
    for _ in range(3):
        jobs.get_nowait()
    # Three may be worked on, or nobody ever calls `task_done`.
    assert picked(jobs, "depth", "in_flight") == {"depth": 1, "in_flight": None}
    jobs.task_done()
    assert picked(jobs, "depth", "in_flight") == {"depth": 1, "in_flight": 2}
    jobs.put_nowait(5)
    assert picked(jobs, "depth", "in_flight") == {"depth": 2, "in_flight": 2}


@pytest.mark.parametrize("kind", [asyncio.Semaphore, asyncio.BoundedSemaphore])
async def test_places_of_asyncio(kind: Callable[[int], Any]) -> None:
    gate = kind(2)
    assert read(gate) == {"max": 2, "in_use": 0, "idle": 2, "waiting": 0}
    async with gate, gate:
        waiter = asyncio.ensure_future(gate.acquire())
        await becomes(gate, max=2, in_use=2, idle=0, waiting=1)
    await waiter
    assert read(gate) == {"max": 2, "in_use": 1, "idle": 1, "waiting": 0}


@pytest.mark.parametrize("kind", [threading.Semaphore, threading.BoundedSemaphore])
def test_places_of_threads(kind: Callable[[int], Any]) -> None:
    gate = kind(1)
    assert read(gate) == {"max": 1, "in_use": 0, "idle": 1, "waiting": 0}
    with gate:
        waiter = threading.Thread(target=gate.acquire)
        waiter.start()
        became(gate, max=1, in_use=1, idle=0, waiting=1)
    waiter.join(20)
    became(gate, in_use=1, waiting=0)


def test_a_bounded_semaphore_knows_its_bound_though_it_was_met_half_taken() -> None:
    gate = threading.BoundedSemaphore(3)
    with gate:
        assert picked(gate, "max", "in_use") == {"max": 3, "in_use": 1}


def test_a_cache_that_counts_entries() -> None:
    cache: cachetools.LRUCache[str, bytes] = cachetools.LRUCache(4)
    cache["a"] = b"x" * 100
    assert read(cache) == {"entries": 1, "max_entries": 4}


def test_a_cache_with_sizes_holds_bytes() -> None:
    cache: cachetools.LFUCache[str, bytes] = cachetools.LFUCache(1000, getsizeof=len)
    cache["a"] = b"x" * 100
    assert read(cache) == {"entries": 1, "bytes": 100, "max_bytes": 1000}


def test_reading_a_cache_with_a_time_to_live_puts_nothing_out() -> None:
    """Its own `len()` and `currsize` do, and other threads may be in it at this moment."""
    now = [0.0]
    cache: cachetools.TTLCache[str, bytes] = cachetools.TTLCache(1000, 60, timer=lambda: now[0], getsizeof=len)
    cache["a"] = b"x" * 100
    now[0] = 61
    assert read(cache) == {"entries": 1, "bytes": 100, "max_bytes": 1000}
    assert len(cache) == 0
    assert read(cache) == {"entries": 0, "bytes": 0, "max_bytes": 1000}


def test_what_a_cache_counts_itself() -> None:
    class Counting(cachetools.LRUCache):  # type: ignore[type-arg]
        hits = 7
        evictions = 2

    assert read(Counting(3)) == {"entries": 0, "max_entries": 3, "hits": 7, "evictions": 2}


def test_functions_that_remember() -> None:
    remembered = lru_cache(maxsize=8)(str)
    for number in (1, 1, 2):
        remembered(number)
    assert read(remembered) == {"entries": 2, "max_entries": 8, "hits": 1, "misses": 2}
    assert "max_entries" not in read(lru_cache(maxsize=None)(str))

    sized = cachetools.cached(cachetools.LRUCache(100, getsizeof=len), info=True)(str)
    sized(12345)
    assert read(sized) == {"entries": 1, "bytes": 5, "max_bytes": 100, "hits": 0, "misses": 1}


def test_a_function_is_called_by_its_name() -> None:
    @lru_cache
    def prices() -> int:
        return 1

    registry = Registry()
    registry.watch(prices)
    assert registry.look()[0].name.endswith("prices")
