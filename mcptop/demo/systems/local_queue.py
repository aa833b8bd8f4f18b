"""A bounded queue of jobs with replies, inside one event loop."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from mcptop.demo.systems.jobs import Answer, Job, QueueClosed, QueueFull, Taken
from mcptop.demo.systems.stats import QueueStats

_Reply = asyncio.Future[Answer]


class LocalQueue:
    """Jobs wait in order; a job whose caller gave up is withdrawn at once. `clock` is the wall clock."""

    def __init__(self, name: str = "jobs", capacity: int = 500, clock: Callable[[], float] = time.time) -> None:
        self._name = name
        self._capacity = capacity
        self._clock = clock
        self._waiting: dict[str, tuple[Job, _Reply]] = {}
        self._in_flight: dict[str, _Reply] = {}
        self._changed = asyncio.Event()
        self._closed = False
        self._entered = 0
        self._left = 0
        self._rejected = 0

    async def submit(self, payload: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """The consumer's reply.

        Raises QueueFull at once, TimeoutError after `timeout_s`, JobFailed with the consumer's message, QueueClosed.
        """
        job, reply = self._enter(payload)
        try:
            async with asyncio.timeout(timeout_s):
                return (await reply).value()
        except TimeoutError:
            raise TimeoutError(f"no reply from queue {self._name} within {timeout_s:g} s") from None
        finally:
            if self._waiting.pop(job.id, None) is not None:
                self._left += 1

    def _enter(self, payload: dict[str, Any]) -> tuple[Job, _Reply]:
        if self._closed:
            raise QueueClosed(f"queue {self._name} is closed")
        if len(self._waiting) >= self._capacity:
            self._rejected += 1
            raise QueueFull(f"queue {self._name} holds {self._capacity} jobs already")
        job = Job(uuid.uuid4().hex, payload, self._clock())
        reply: _Reply = asyncio.get_running_loop().create_future()
        self._waiting[job.id] = job, reply
        self._entered += 1
        self._changed.set()
        return job, reply

    async def take(self) -> Taken:
        """The oldest job, once there is one. Raises QueueClosed. Cancelling it loses no job."""
        while not self._waiting:
            if self._closed:
                raise QueueClosed(f"queue {self._name} is closed")
            self._changed.clear()
            await self._changed.wait()
        job, reply = self._waiting.pop(next(iter(self._waiting)))
        self._left += 1
        self._in_flight[job.id] = reply
        return Taken(job, partial(self._answer, job.id))

    async def _answer(self, job_id: str, answer: Answer) -> None:
        reply = self._in_flight.pop(job_id, None)
        if reply is not None and not reply.done():
            reply.set_result(answer)

    async def stats(self) -> QueueStats:
        """The queue now."""
        oldest = next(iter(self._waiting.values()), None)
        return QueueStats(
            name=self._name,
            depth=len(self._waiting),
            in_flight=len(self._in_flight),
            capacity=self._capacity,
            oldest_age_s=None if oldest is None else max(0.0, self._clock() - oldest[0].created),
            entered=self._entered,
            left=self._left,
            rejected=self._rejected,
        )

    async def aclose(self) -> None:
        """Take no more; callers that still wait for a reply get QueueClosed."""
        self._closed = True
        waiting = [reply for _, reply in self._waiting.values()]
        for reply in (*waiting, *self._in_flight.values()):
            if not reply.done():
                reply.set_exception(QueueClosed(f"queue {self._name} was closed"))
        self._changed.set()
