"""Batches of inference requests: full ones at once, others when their first item has waited long enough.

In the guide a lone request waits for ever, a cancelled caller fails its whole batch, and a short answer
leaves callers hanging.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from mcptop.demo.systems.stats import BatchStats

Item = TypeVar("Item")
Result = TypeVar("Result")


class BatchError(Exception):
    """The batch was not answered item by item, or not at all."""


class BatcherFull(Exception):
    """As many items as allowed are unanswered; try again later."""


class BatcherClosed(Exception):
    """The batcher was closed."""


class _Entry(Generic[Item, Result]):
    __slots__ = ("entered", "item", "reply")

    def __init__(self, item: Item, entered: float) -> None:
        self.item = item
        self.entered = entered
        self.reply: asyncio.Future[Result] = asyncio.get_running_loop().create_future()


class InferenceBatcher(Generic[Item, Result]):
    """Each batch runs in a task of its own; `max_running` holds further ones back (None: no bound).

    `max_pending` bounds all unanswered items, those in running batches included: otherwise a slow model would
    never be seen from here.
    """

    def __init__(
        self,
        infer: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        name: str,
        batch_size: int = 4,
        max_wait_s: float = 0.1,
        max_pending: int = 1000,
        max_running: int | None = None,
    ) -> None:
        self._infer = infer
        self._name = name
        self._batch_size = batch_size
        self._max_wait_s = max_wait_s
        self._max_pending = max_pending
        self._max_running = max_running
        self._pending: deque[_Entry[Item, Result]] = deque()
        self._running: dict[asyncio.Task[None], list[_Entry[Item, Result]]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._failed = 0
        self._wait_s = 0.0
        self._sizes: Counter[int] = Counter()

    @property
    def batch_size(self) -> int:
        """Items in a full batch; a change counts for what is pending, too."""
        return self._batch_size

    @batch_size.setter
    def batch_size(self, size: int) -> None:
        self._batch_size = size
        self._flush()

    @property
    def max_wait_s(self) -> float:
        """Seconds after which a batch goes as it is; a change counts for what is pending, too."""
        return self._max_wait_s

    @max_wait_s.setter
    def max_wait_s(self, seconds: float) -> None:
        self._max_wait_s = seconds
        self._flush()

    async def submit(self, item: Item) -> Result:
        """The item's result. Raises BatcherFull at once, BatcherClosed, BatchError, and whatever `infer` raises."""
        if self._closed:
            raise BatcherClosed(f"batcher {self._name} is closed")
        if len(self._pending) + sum(map(len, self._running.values())) >= self._max_pending:
            raise BatcherFull(f"batcher {self._name} has {self._max_pending} items unanswered")
        entry = _Entry[Item, Result](item, asyncio.get_running_loop().time())
        self._pending.append(entry)
        self._flush()
        try:
            return await entry.reply
        except asyncio.CancelledError:
            if entry in self._pending:
                self._pending.remove(entry)
                self._flush()
            raise

    def _flush(self) -> None:
        """Start what is due, and set the timer for what is not."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._pending:
            return
        loop = asyncio.get_running_loop()
        while self._pending and self._may_run():
            due_at = self._pending[0].entered + self._max_wait_s
            if not self._closed and len(self._pending) < self._batch_size and loop.time() < due_at:
                self._timer = loop.call_at(due_at, self._flush)
                return
            self._start_batch()

    def _may_run(self) -> bool:
        return self._max_running is None or len(self._running) < self._max_running

    def _start_batch(self) -> None:
        count = min(max(1, self._batch_size), len(self._pending))
        batch = [self._pending.popleft() for _ in range(count)]
        task = asyncio.create_task(self._run(batch))
        self._running[task] = batch
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        # Nobody may be left waiting, not even by a task that was cancelled before its first step.
        _fail(self._running.pop(task), BatchError("the batch was cancelled"))
        self._flush()

    async def _run(self, batch: list[_Entry[Item, Result]]) -> None:
        live = [entry for entry in batch if not entry.reply.done()]
        if not live:
            return
        self._note(live)
        try:
            results = await self._infer([entry.item for entry in live])
            if len(results) != len(live):
                raise BatchError(f"{len(results)} results for a batch of {len(live)}")
        except Exception as error:
            self._failed += 1
            _fail(live, error)
        else:
            for entry, result in zip(live, results, strict=True):
                if not entry.reply.done():
                    entry.reply.set_result(result)

    def _note(self, batch: list[_Entry[Item, Result]]) -> None:
        now = asyncio.get_running_loop().time()
        self._sizes[len(batch)] += 1
        self._wait_s += sum(now - entry.entered for entry in batch)

    def stats(self) -> BatchStats:
        """The batcher now."""
        oldest = self._pending[0] if self._pending else None
        return BatchStats(
            name=self._name,
            pending=len(self._pending),
            oldest_age_s=None if oldest is None else oldest.reply.get_loop().time() - oldest.entered,
            batches=self._sizes.total(),
            items=sum(size * count for size, count in self._sizes.items()),
            failed=self._failed,
            sizes=dict(self._sizes),
            wait_s=self._wait_s,
        )

    async def aclose(self) -> None:
        """Take no more, run what is pending, and wait for all of it."""
        self._closed = True
        self._flush()
        while self._running:
            await asyncio.wait(set(self._running))


def _fail(batch: list[_Entry[Item, Result]], error: Exception) -> None:
    for entry in batch:
        if not entry.reply.done():
            entry.reply.set_exception(error)
