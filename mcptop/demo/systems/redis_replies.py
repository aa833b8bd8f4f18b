"""The replies to one submitting process: one list in Redis, and one loop that reads it for all callers."""

from __future__ import annotations

import asyncio
import uuid

import msgspec

from mcptop.demo.systems.jobs import Answer
from mcptop.demo.systems.redis_link import RedisLink


class WireReply(msgspec.Struct):
    """An answer as it travels."""

    job_id: str
    answer: Answer


_DECODER = msgspec.json.Decoder(WireReply)


class RedisReplies:
    """Hands each reply to the caller that waits for it. The loop runs only while somebody waits."""

    def __init__(self, link: RedisLink, queue: str) -> None:
        self._link = link
        self.key = f"mcp:reply:{queue}:{uuid.uuid4().hex}"
        self._waiting: dict[str, asyncio.Future[Answer]] = {}
        self._loop: asyncio.Task[None] | None = None

    def expect(self, job_id: str) -> asyncio.Future[Answer]:
        """The future of a reply: an Answer, or ConnectionError when the connection breaks while it waits."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[job_id] = future
        if self._loop is None or self._loop.done():
            self._loop = asyncio.create_task(self._read())
        return future

    def forget(self, job_id: str) -> None:
        """Nobody waits for this reply any more."""
        self._waiting.pop(job_id, None)

    async def _read(self) -> None:
        while self._waiting:
            try:
                raw = await self._link.pop(self.key)
            except ConnectionError as error:
                # Whether their jobs survived is unknown: told now, callers can try again, instead of waiting in vain.
                self.fail_all(error)
                continue
            if raw is not None:
                self._deliver(raw)

    def _deliver(self, raw: bytes) -> None:
        try:
            reply = _DECODER.decode(raw)
        except msgspec.DecodeError:
            return
        future = self._waiting.pop(reply.job_id, None)
        if future is not None and not future.done():
            future.set_result(reply.answer)

    def fail_all(self, error: Exception) -> None:
        """Everybody who waits gets this error."""
        waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(error)

    async def aclose(self) -> None:
        """End the loop."""
        if self._loop is not None:
            self._loop.cancel()
            await asyncio.wait([self._loop])
