"""How mcp-api hands a job to mcp-worker: over HTTP to the worker's own queue, or through Redis."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import httpx

from mcptop.demo.services.settings import Settings, given_by
from mcptop.demo.systems.http_pool import HttpPool
from mcptop.demo.systems.queues import JobFailed, QueueClosed, QueueFull, RedisQueue

Json = dict[str, Any]

_QUEUE_S = 5.0
_LATER_S = 600.0


class Jobs(Protocol):
    """Something that gets jobs done."""

    async def submit(self, payload: Json, timeout_s: float) -> Json:
        """The reply. Raises `QueueFull`, `TimeoutError`, `JobFailed`, `ConnectionError`."""


class Later(Protocol):
    """Something that takes jobs nobody waits for."""

    async def submit_later(self, payload: Json) -> None:
        """Return once it is queued. Raises as `Jobs.submit` does."""


def redis_queue(settings: Settings) -> RedisQueue | None:
    """The queue in Redis, where there shall be one. Raises `SettingsError`."""
    with given_by("REDIS_URL"):
        return RedisQueue(settings.redis_url, capacity=settings.worker_queue_capacity) if settings.redis_url else None


async def reach(queue: RedisQueue | None) -> None:
    """Raises `SettingsError` for a Redis that is not there."""
    with given_by("REDIS_URL"):
        if queue:
            await queue.stats()


class HttpJobs:
    """The worker's queue, reached by one HTTP request a job.

    `attempts` and `backoff_s` are a seam: the default does not repeat what may have been done already.
    """

    def __init__(self, http: HttpPool, worker_url: str) -> None:
        self._http = http
        self._url = f"{worker_url}/jobs"
        self.attempts = 1
        self.attempt_timeout_s: float | None = None

    async def submit(self, payload: Json, timeout_s: float) -> Json:
        """See `Jobs`."""
        for left in range(self.attempts - 1, -1, -1):
            try:
                return await self._once(payload, self.attempt_timeout_s or timeout_s)
            except (QueueFull, TimeoutError, ConnectionError):
                if not left:
                    raise
        raise AssertionError("at least one attempt is made")

    async def submit_later(self, payload: Json) -> None:
        """See `Later`."""
        await self._once(payload, _QUEUE_S, "/later")

    async def _once(self, payload: Json, timeout_s: float, path: str = "") -> Json:
        try:
            async with asyncio.timeout(timeout_s):
                answer = await self._http.post(self._url + path, json=payload)
        except httpx.TimeoutException as problem:
            raise TimeoutError(f"mcp-worker: {type(problem).__name__}") from None
        except httpx.TransportError as problem:
            raise ConnectionError(f"mcp-worker: {type(problem).__name__}: {problem}") from None
        if answer.status_code == 503:
            raise QueueFull("mcp-worker's queue is full")
        if answer.status_code == 504:
            raise TimeoutError("mcp-worker gave up waiting")
        if answer.status_code not in (200, 202):
            raise JobFailed(f"mcp-worker answered {answer.status_code}: {answer.text[:200]}")
        found: Json = answer.json()
        return found


class RedisLater:
    """The queue in Redis; its reply is heard, for the queue knows no other kind of job, and forgotten."""

    def __init__(self, queue: RedisQueue, go: Callable[[Awaitable[None]], object]) -> None:
        self._queue = queue
        self._go = go

    async def submit_later(self, payload: Json) -> None:
        """See `Later`."""
        now = await self._queue.stats()
        if now.depth >= now.capacity:
            raise QueueFull("the queue in Redis is full")
        self._go(self._see_through(payload))

    async def _see_through(self, payload: Json) -> None:
        with contextlib.suppress(QueueFull, QueueClosed, JobFailed, TimeoutError, ConnectionError):
            await self._queue.submit(payload, _LATER_S)
