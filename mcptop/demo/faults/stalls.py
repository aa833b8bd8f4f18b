"""Requests that stand still though nobody computes."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from mcptop.demo.faults.fault import fault
from mcptop.demo.faults.tools import in_each_request
from mcptop.model.mechanisms import Mechanism

if TYPE_CHECKING:
    from mcptop.demo.services.api import Api
    from mcptop.demo.services.base import Service
    from mcptop.demo.services.runner import Runner

_BETWEEN_S = 0.002


@fault(Mechanism.EVENT_LOOP_BLOCKED, "mcp-api", "CPU falls while requests pile up: SOCK and FD rise")
async def event_loop_blocked(service: Service, block_s: float = 0.25) -> AsyncIterator[None]:
    """A handler calls something that blocks: while it waits, the whole service waits."""

    async def call_old_client() -> None:
        time.sleep(block_s)

    with in_each_request(service, call_old_client):
        yield


class _Accounts:
    """Two locks, taken in either order."""

    def __init__(self) -> None:
        self._first, self._second = threading.Lock(), threading.Lock()
        self._over = False
        self._inside = itertools.count()
        self._calls = itertools.count()

    def transfer(self) -> None:
        """Hold both for a moment."""
        if self._over:
            return
        one, other = self._first, self._second
        if next(self._calls) % 2:
            one, other = other, one
        # After the fault both were released under our feet; releasing again is what raises.
        with contextlib.suppress(RuntimeError), one:
            time.sleep(0.05)
            with other:
                pass

    def break_up(self) -> None:
        """Let go whoever is stuck; later calls do nothing."""
        self._over = True
        for lock in (self._first, self._second):
            with contextlib.suppress(RuntimeError):
                lock.release()


@fault(Mechanism.DEADLOCK, "mcp-worker", "CPU falls to nothing, the queue grows, threads stand in acquire for ever")
async def deadlock(service: Service, threads: int = 4) -> AsyncIterator[None]:
    """Two threads take two locks in opposite order and wait for each other; everyone after them waits too."""
    accounts = _Accounts()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="ledger")

    async def transfer() -> None:
        await asyncio.get_running_loop().run_in_executor(pool, accounts.transfer)

    try:
        with in_each_request(service, transfer):
            yield
    finally:
        # Each release frees one thread, which may take the other lock and need the next one.
        for _ in range(2 * threads + 2):
            accounts.break_up()
            await asyncio.sleep(0.05)
        pool.shutdown(wait=False)


class _Template:
    """Something only one thread may use at a time, and which takes its time."""

    def __init__(self, hold_s: float) -> None:
        self._hold_s = hold_s
        self._lock = threading.Lock()
        self._over = False

    def render(self) -> None:
        """Wait for the lock, and hold it while nothing is computed."""
        # A lock goes to whoever asks first, which without a pause is the thread that just let go: others would starve.
        time.sleep(_BETWEEN_S)
        with self._lock:
            if not self._over:
                time.sleep(self._hold_s)

    def give_up(self) -> None:
        """From now on nobody holds it for long."""
        self._over = True


@fault(Mechanism.LOCK_CONTENTION, "mcp-worker", "requests go on, one at a time: threads stand in acquire, CPU is low")
async def lock_contention(service: Service, hold_s: float = 0.15, threads: int = 8) -> AsyncIterator[None]:
    """Every request needs the same lock, and its holder waits for something slow: of all threads one gets on.

    By default 6.7 requests a second can pass; the demo's load has 8.4 for the worker.
    """
    template = _Template(hold_s)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="render")

    async def render() -> None:
        await asyncio.get_running_loop().run_in_executor(pool, template.render)

    try:
        with in_each_request(service, render):
            yield
    finally:
        template.give_up()
        # What was handed in is still done: its requests wait for it.
        pool.shutdown(wait=False)


@fault(Mechanism.THREAD_POOL_EXHAUSTED, "mcp-api", "all threads of the pool stand in the same call; requests pile up")
async def thread_pool_exhausted(service: Api, hold_s: float = 4.0) -> AsyncIterator[None]:
    """Each request blocks a thread of the small pool for longer than the load allows."""
    off = threading.Event()

    async def call_slow_disk() -> None:
        await service.blocking(lambda: off.wait(hold_s))

    try:
        with in_each_request(service, call_slow_disk):
            yield
    finally:
        off.set()


@fault(Mechanism.SLOW_DOWNSTREAM, "model-runner", "CPU falls everywhere while requests wait for model-runner")
async def slow_downstream(service: Runner, delay_s: float = 2.0) -> AsyncIterator[None]:
    """The runner takes longer for each answer without computing more."""
    before, service.delay_s = service.delay_s, delay_s
    try:
        yield
    finally:
        service.delay_s = before
