"""The batcher: nobody waits for ever, and nobody pays for another caller (defects 15 to 17)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from mcptop.demo.systems.batching import BatcherClosed, BatcherFull, BatchError, InferenceBatcher


class Model:
    """Answers ten times the item, once it may."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.go = asyncio.Event()
        self.go.set()

    async def infer(self, items: Sequence[int]) -> Sequence[int]:
        self.batches.append(list(items))
        await self.go.wait()
        return [item * 10 for item in items]


def _batcher(model: Model, *, max_wait_s: float = 60, batch_size: int = 4) -> InferenceBatcher[int, int]:
    return InferenceBatcher(model.infer, name="llm", max_wait_s=max_wait_s, batch_size=batch_size)


async def _submit(batcher: InferenceBatcher[int, int], *items: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(batcher.submit(item)) for item in items]
    await _settle()
    return tasks


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_full_batch_goes_at_once() -> None:
    model = Model()
    batcher = _batcher(model, batch_size=3)
    assert await asyncio.gather(*await _submit(batcher, 1, 2, 3)) == [10, 20, 30]
    assert model.batches == [[1, 2, 3]]
    now = batcher.stats()
    assert (now.batches, now.items, now.failed, dict(now.sizes), now.pending) == (1, 3, 0, {3: 1}, 0)


async def test_defect_15_a_lone_request_is_flushed_by_time() -> None:
    batcher = _batcher(Model(), max_wait_s=0.01)
    assert await asyncio.wait_for(batcher.submit(1), 5) == 10
    assert dict(batcher.stats().sizes) == {1: 1}
    assert batcher.stats().wait_s >= 0.009


async def test_pending_items_are_seen_with_their_age() -> None:
    model = Model()
    batcher = _batcher(model)
    assert batcher.stats().oldest_age_s is None
    waiting = await _submit(batcher, 1, 2)
    now = batcher.stats()
    assert now.pending == 2
    assert now.oldest_age_s is not None
    assert model.batches == []
    await batcher.aclose()
    assert await asyncio.gather(*waiting) == [10, 20]


async def test_defect_16_a_cancelled_caller_does_not_hurt_the_others_of_its_batch() -> None:
    model = Model()
    model.go.clear()
    batcher = _batcher(model, batch_size=3)
    first, second, third = await _submit(batcher, 1, 2, 3)
    second.cancel()
    await _settle()
    model.go.set()
    assert (await first, await third) == (10, 30)
    assert batcher.stats().failed == 0


async def test_a_caller_cancelled_while_pending_is_dropped_from_the_batch() -> None:
    model = Model()
    batcher = _batcher(model, batch_size=3)
    first, second = await _submit(batcher, 1, 2)
    second.cancel()
    await _settle()
    assert batcher.stats().pending == 1
    rest = await _submit(batcher, 3, 4)
    assert await asyncio.gather(first, *rest) == [10, 30, 40]
    assert model.batches == [[1, 3, 4]]


async def test_the_timer_follows_the_oldest_that_still_waits() -> None:
    model = Model()
    batcher = _batcher(model, max_wait_s=0.01)
    (only,) = await _submit(batcher, 1)
    only.cancel()
    await _settle()
    assert batcher._timer is None
    assert await asyncio.wait_for(batcher.submit(2), 5) == 20
    assert model.batches == [[2]]


async def test_a_caller_cancelled_in_the_last_moment_is_not_inferred_for() -> None:
    model = Model()
    batcher = _batcher(model, batch_size=2)
    first = asyncio.create_task(batcher.submit(1))
    await asyncio.sleep(0)
    second = asyncio.create_task(batcher.submit(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 20
    assert model.batches == [[2]]


@pytest.mark.parametrize("answer", [[10], [10, 20, 30], []])
async def test_defect_17_a_wrong_number_of_results_fails_everybody_in_the_batch(answer: list[int]) -> None:
    async def infer(items: Sequence[int]) -> Sequence[int]:
        return answer

    batcher = InferenceBatcher(infer, name="llm", batch_size=2)
    callers = await _submit(batcher, 1, 2)
    for caller in callers:
        with pytest.raises(BatchError, match=f"{len(answer)} results for a batch of 2"):
            await asyncio.wait_for(caller, 5)
    assert batcher.stats().failed == 1


async def test_an_exception_reaches_exactly_the_callers_of_its_batch() -> None:
    async def infer(items: Sequence[int]) -> Sequence[int]:
        if 1 in items:
            raise OSError("out of memory")
        return items

    batcher = InferenceBatcher(infer, name="llm", batch_size=2)
    good = await _submit(batcher, 3, 4)
    bad = await _submit(batcher, 1, 2)
    assert await asyncio.gather(*good) == [3, 4]
    for caller in bad:
        with pytest.raises(OSError, match="out of memory"):
            await caller


async def test_a_batch_that_is_cancelled_leaves_nobody_hanging() -> None:
    model = Model()
    model.go.clear()
    batcher = _batcher(model, batch_size=2)
    callers = await _submit(batcher, 1, 2)
    (task,) = batcher._running
    task.cancel()
    for caller in callers:
        with pytest.raises(BatchError, match="cancelled"):
            await asyncio.wait_for(caller, 5)


async def test_full_means_unanswered_items_pending_or_running() -> None:
    model = Model()
    model.go.clear()
    batcher = InferenceBatcher(model.infer, name="llm", batch_size=2, max_pending=3, max_wait_s=60)
    waiting = await _submit(batcher, 1, 2, 3)
    with pytest.raises(BatcherFull, match="3 items"):
        await batcher.submit(4)
    model.go.set()
    await asyncio.gather(*waiting[:2])
    fourth = asyncio.create_task(batcher.submit(4))
    assert [await waiting[2], await fourth] == [30, 40]


async def test_a_bound_on_running_batches_holds_the_rest_back_and_fills_them() -> None:
    model = Model()
    model.go.clear()
    batcher = InferenceBatcher(model.infer, name="llm", batch_size=2, max_running=1, max_wait_s=0)
    waiting = await _submit(batcher, 1, 2, 3, 4, 5)
    assert model.batches == [[1]]
    assert batcher.stats().pending == 4
    model.go.set()
    assert await asyncio.gather(*waiting) == [10, 20, 30, 40, 50]
    assert model.batches == [[1], [2, 3], [4, 5]]


async def test_size_and_wait_change_under_way() -> None:
    model = Model()
    batcher = _batcher(model, batch_size=10)
    first = await _submit(batcher, 1, 2)
    batcher.batch_size = 2
    assert await asyncio.gather(*first) == [10, 20]
    second = await _submit(batcher, 3)
    batcher.max_wait_s = 0
    assert await asyncio.wait_for(second[0], 5) == 30
    assert [batcher.batch_size, batcher.max_wait_s] == [2, 0]


async def test_closing_runs_what_is_pending_and_takes_no_more() -> None:
    model = Model()
    model.go.clear()
    batcher = _batcher(model)
    callers = await _submit(batcher, 1)
    closing = asyncio.create_task(batcher.aclose())
    await _settle()
    assert not closing.done()
    model.go.set()
    await asyncio.wait_for(closing, 5)
    assert await callers[0] == 10
    with pytest.raises(BatcherClosed):
        await batcher.submit(2)
