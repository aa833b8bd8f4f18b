"""The queue inside a process: bounds, order, replies, and callers that gave up."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mcptop.demo.systems.queues import JobFailed, LocalQueue, QueueClosed, QueueFull


async def _submitted(queue: LocalQueue, *payloads: dict[str, Any]) -> list[asyncio.Task[dict[str, Any]]]:
    tasks = [asyncio.create_task(queue.submit(payload, 30)) for payload in payloads]
    await asyncio.sleep(0)
    return tasks


async def _end(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_jobs_are_taken_in_order_and_answered_to_their_caller() -> None:
    queue = LocalQueue()
    first, second = await _submitted(queue, {"n": 1}, {"n": 2})
    one, two = await queue.take(), await queue.take()
    assert (one.payload, two.payload) == ({"n": 1}, {"n": 2})
    assert ((await queue.stats()).depth, (await queue.stats()).in_flight) == (0, 2)
    await two.reply({"sum": 20})
    await one.reply({"sum": 10})
    assert (await first, await second) == ({"sum": 10}, {"sum": 20})
    now = await queue.stats()
    assert (now.in_flight, now.entered, now.left, now.rejected) == (0, 2, 2, 0)


async def test_a_full_queue_refuses_at_once_and_counts_it() -> None:
    queue = LocalQueue(capacity=2)
    waiting = await _submitted(queue, {}, {})
    with pytest.raises(QueueFull, match="2 jobs"):
        await queue.submit({}, 30)
    now = await queue.stats()
    assert (now.depth, now.capacity, now.entered, now.rejected) == (2, 2, 2, 1)
    await _end(*waiting)


async def test_the_oldest_job_has_an_age() -> None:
    clock = [1000.0]
    queue = LocalQueue(clock=lambda: clock[0])
    assert (await queue.stats()).oldest_age_s is None
    waiting = await _submitted(queue, {})
    clock[0] += 12
    waiting += await _submitted(queue, {})
    assert (await queue.stats()).oldest_age_s == 12
    taken = await queue.take()
    assert taken.job.created == 1000
    assert (await queue.stats()).oldest_age_s == 0
    await _end(*waiting)


async def test_a_cancelled_callers_job_is_never_taken() -> None:
    queue = LocalQueue()
    first, second = await _submitted(queue, {"n": 1}, {"n": 2})
    await _end(first)
    assert (await queue.stats()).depth == 1
    taken = await queue.take()
    assert taken.payload == {"n": 2}
    await taken.reply({})
    await second
    now = await queue.stats()
    assert (now.entered, now.left) == (2, 2)


async def test_a_timed_out_callers_job_is_never_taken() -> None:
    queue = LocalQueue()
    with pytest.raises(TimeoutError, match="no reply from queue jobs within 0 s"):
        await queue.submit({}, 0)
    assert (await queue.stats()).depth == 0


async def test_a_late_reply_goes_nowhere_and_hurts_nobody() -> None:
    queue = LocalQueue()
    (caller,) = await _submitted(queue, {})
    taken = await queue.take()
    await _end(caller)
    await taken.reply({})
    assert (await queue.stats()).in_flight == 0


async def test_the_consumers_failure_reaches_the_caller_and_only_the_first_answer_counts() -> None:
    queue = LocalQueue()
    (caller,) = await _submitted(queue, {})
    taken = await queue.take()
    await taken.fail("no such tool")
    await taken.reply({"late": True})
    with pytest.raises(JobFailed, match="no such tool"):
        await caller
    assert (await queue.stats()).in_flight == 0


async def test_a_cancelled_take_loses_no_job() -> None:
    queue = LocalQueue()
    taker = asyncio.create_task(queue.take())
    await asyncio.sleep(0)
    (caller,) = await _submitted(queue, {"n": 1})
    taker.cancel()
    await asyncio.gather(taker, return_exceptions=True)
    taken = await asyncio.wait_for(queue.take(), 5)
    assert taken.payload == {"n": 1}
    await _end(caller)


async def test_takers_that_wait_all_get_a_job() -> None:
    queue = LocalQueue()
    takers = [asyncio.create_task(queue.take()) for _ in range(3)]
    await asyncio.sleep(0)
    callers = await _submitted(queue, {"n": 1}, {"n": 2}, {"n": 3})
    taken = await asyncio.wait_for(asyncio.gather(*takers), 5)
    assert sorted(one.payload["n"] for one in taken) == [1, 2, 3]
    await _end(*callers)


async def test_closing_leaves_nobody_waiting() -> None:
    queue = LocalQueue()
    waiting, in_flight = await _submitted(queue, {"n": 1}, {"n": 2})
    await queue.take()
    await queue.aclose()
    for caller in (waiting, in_flight):
        with pytest.raises(QueueClosed):
            await asyncio.wait_for(caller, 5)
    with pytest.raises(QueueClosed):
        await queue.submit({}, 1)
    with pytest.raises(QueueClosed):
        await queue.take()


async def test_closing_wakes_a_taker() -> None:
    queue = LocalQueue()
    taker = asyncio.create_task(queue.take())
    await asyncio.sleep(0)
    await queue.aclose()
    with pytest.raises(QueueClosed):
        await asyncio.wait_for(taker, 5)
