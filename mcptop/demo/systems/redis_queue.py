"""A bounded queue of jobs with replies over Redis, between processes.

Jobs are one list, newest at its head. A job carries the wall-clock time until which its caller waits, and a
consumer skips it afterwards: the clocks of caller and consumer have to agree to within the timeouts in use.
Jobs and replies are not kept anywhere else: a consumer that dies takes its job with it, and the caller times out.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import msgspec

from mcptop.demo.systems.jobs import Answer, Job, QueueClosed, QueueFull, Taken
from mcptop.demo.systems.redis_link import RedisLink
from mcptop.demo.systems.redis_replies import RedisReplies, WireReply
from mcptop.demo.systems.stats import QueueStats

_PUT_IF_ROOM = """
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('LPUSH', KEYS[1], ARGV[2])
return 1
"""
_REPLIES_LIVE_S = 60


class _WireJob(msgspec.Struct):
    job: Job
    until: float
    reply_to: str


_DECODER = msgspec.json.Decoder(_WireJob)


class RedisQueue:
    """Depth and age are the list's; the counts and `in_flight` are this process's own. `clock` is the wall clock.

    Raises ConnectionError, in one line, while Redis cannot be reached, and works again once it can.
    """

    def __init__(
        self, redis_url: str, name: str = "jobs", capacity: int = 500, clock: Callable[[], float] = time.time
    ) -> None:
        self._link = RedisLink(redis_url)
        self._name = name
        self._key = f"mcp:queue:{name}"
        self._capacity = capacity
        self._clock = clock
        self._replies = RedisReplies(self._link, name)
        self._put_if_room = self._link.redis.register_script(_PUT_IF_ROOM)
        self._background: set[asyncio.Task[None]] = set()
        self._closed = False
        self._in_flight = 0
        self._entered = 0
        self._left = 0
        self._rejected = 0

    async def submit(self, payload: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """The consumer's reply.

        Raises QueueFull at once, TimeoutError after `timeout_s`, JobFailed with the consumer's message, QueueClosed,
        ConnectionError.
        """
        self._check_open()
        job = Job(uuid.uuid4().hex, payload, self._clock())
        raw = msgspec.json.encode(_WireJob(job, job.created + timeout_s, self._replies.key))
        try:
            async with asyncio.timeout(timeout_s):
                await self._put(raw)
                return (await self._replies.expect(job.id)).value()
        except (TimeoutError, asyncio.CancelledError) as error:
            self._start(self._withdraw(raw))
            if isinstance(error, TimeoutError):
                raise TimeoutError(f"no reply from queue {self._name} within {timeout_s:g} s") from None
            raise
        finally:
            self._replies.forget(job.id)

    async def _put(self, raw: bytes) -> None:
        with self._link.plain_errors():
            entered = await self._put_if_room(keys=[self._key], args=[self._capacity, raw])
        if not entered:
            self._rejected += 1
            raise QueueFull(f"queue {self._name} holds {self._capacity} jobs already")
        self._entered += 1

    async def _withdraw(self, raw: bytes) -> None:
        with self._link.plain_errors():
            self._left += int(await self._link.redis.lrem(self._key, 1, raw.decode()))

    async def take(self) -> Taken:
        """The oldest job that somebody still waits for. Raises QueueClosed, ConnectionError. Cancel at will."""
        while True:
            self._check_open()
            raw = await self._pop()
            if raw is None:
                continue
            self._left += 1
            wire = _decoded(raw)
            if wire is not None and wire.until > self._clock():
                self._in_flight += 1
                return Taken(wire.job, partial(self._answer, wire))

    async def _pop(self) -> bytes | None:
        # Redis may have taken the job off the list already when the caller is cancelled: the pop has to end by itself.
        pop = asyncio.create_task(self._link.pop(self._key))
        try:
            return await asyncio.shield(pop)
        except asyncio.CancelledError:
            self._start(self._put_back(pop))
            raise

    async def _put_back(self, pop: asyncio.Task[bytes | None]) -> None:
        raw = await pop
        if raw is not None:
            with self._link.plain_errors():
                await self._link.redis.rpush(self._key, raw)

    async def _answer(self, wire: _WireJob, answer: Answer) -> None:
        self._in_flight -= 1
        with self._link.plain_errors():
            async with self._link.redis.pipeline(transaction=True) as pipeline:
                pipeline.lpush(wire.reply_to, msgspec.json.encode(WireReply(wire.job.id, answer)))
                pipeline.expire(wire.reply_to, _REPLIES_LIVE_S)
                await pipeline.execute()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._background.discard(task)
        # Redis is away: the job is gone with it, or a consumer will skip it by its time.
        if not task.cancelled() and not isinstance(task.exception(), ConnectionError | None):
            task.result()

    async def stats(self) -> QueueStats:
        """The queue now. Raises ConnectionError."""
        with self._link.plain_errors():
            async with self._link.redis.pipeline(transaction=True) as pipeline:
                pipeline.llen(self._key)
                pipeline.lindex(self._key, -1)
                depth, raw = await pipeline.execute()
        oldest = _decoded(raw) if raw else None
        return QueueStats(
            name=self._name,
            depth=depth,
            in_flight=self._in_flight,
            capacity=self._capacity,
            oldest_age_s=None if oldest is None else max(0.0, self._clock() - oldest.job.created),
            entered=self._entered,
            left=self._left,
            rejected=self._rejected,
        )

    def _check_open(self) -> None:
        if self._closed:
            raise QueueClosed(f"queue {self._name} is closed")

    async def aclose(self) -> None:
        """Take no more; callers that still wait for a reply get QueueClosed. Waits up to two seconds for Redis."""
        self._closed = True
        self._replies.fail_all(QueueClosed(f"queue {self._name} was closed"))
        await self._replies.aclose()
        if self._background:
            await asyncio.wait(set(self._background))
        await self._link.aclose()


def _decoded(raw: bytes) -> _WireJob | None:
    """None for what is no job of ours: the list is not ours alone."""
    try:
        return _DECODER.decode(raw)
    except msgspec.DecodeError:
        return None
