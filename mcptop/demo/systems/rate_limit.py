"""Who may ask, and how many at once: a rate per client, and a gate for all of them.

The rate is a token bucket: two numbers a client, where an exact sliding window would keep the time of each of
its last thousand requests. Its price: a client that was silent for a window may send up to twice `limit`
within the next one, half of it at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from cachetools import TTLCache

from mcptop.demo.systems.stats import PoolStats

_ROUNDING = 1e-9


class GateFull(Exception):
    """As many callers as allowed wait already."""


class GateTimeout(TimeoutError):
    """No place came free in time."""


class _Bucket(NamedTuple):
    tokens: float
    at: float


class RateLimiter:
    """`limit` requests per `window_s` seconds for each client.

    A client silent for a whole window has a full bucket and is forgotten; so is, beyond `max_clients`, the one
    heard of least recently, whose bucket is full again when it returns.
    """

    def __init__(
        self,
        limit: int = 1000,
        window_s: float = 3600,
        max_clients: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._rate = limit / window_s
        self._clock = clock
        self._buckets: TTLCache[str, _Bucket] = TTLCache(max_clients, window_s, timer=clock)

    def retry_after(self, client: str) -> float | None:
        """None when the request is allowed, which counts it; else the seconds until one will be."""
        now = self._clock()
        bucket = self._buckets.get(client) or _Bucket(self._limit, now)
        tokens = min(self._limit, bucket.tokens + (now - bucket.at) * self._rate)
        allowed = tokens >= 1 - _ROUNDING
        self._buckets[client] = _Bucket(tokens - 1 if allowed else tokens, now)
        return None if allowed else (1 - tokens) / self._rate

    @property
    def clients(self) -> int:
        """How many clients are remembered."""
        return len(self._buckets)


class ConcurrencyGate:
    """At most `limit` callers inside; others wait in the order they came, `max_waiting` of them, `timeout_s` each."""

    def __init__(
        self,
        name: str = "requests",
        limit: int = 10,
        max_waiting: int = 100,
        timeout_s: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._limit = limit
        self._max_waiting = max_waiting
        self._timeout_s = timeout_s
        self._clock = clock
        self._places = asyncio.Semaphore(limit)
        self._in_use = 0
        self._waiting = 0
        self._waits = 0
        self._wait_s = 0.0
        self._timeouts = 0
        self.rejected = 0
        """Callers turned away at once."""

    @asynccontextmanager
    async def enter(self) -> AsyncIterator[None]:
        """A place for the time of the context. Raises GateFull at once, GateTimeout after the wait."""
        if self._places.locked():
            await self._wait()
        else:
            await self._places.acquire()
        self._in_use += 1
        try:
            yield
        finally:
            self._in_use -= 1
            self._places.release()

    async def _wait(self) -> None:
        if self._waiting >= self._max_waiting:
            self.rejected += 1
            raise GateFull(f"{self._name}: {self._limit} inside and {self._waiting} waiting")
        started = self._clock()
        self._waiting += 1
        self._waits += 1
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._places.acquire()
        except TimeoutError:
            self._timeouts += 1
            raise GateTimeout(f"{self._name}: no place within {self._timeout_s:g} s") from None
        finally:
            self._waiting -= 1
            self._wait_s += self._clock() - started

    def stats(self) -> PoolStats:
        """The gate now."""
        return PoolStats(
            name=self._name,
            in_use=self._in_use,
            idle=self._limit - self._in_use,
            size=self._limit,
            max=self._limit,
            waiting=self._waiting,
            waits=self._waits,
            wait_s=self._wait_s,
            timeouts=self._timeouts,
        )
