"""The queue over a real Redis: the same face, between processes, and through a restart of the server."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from servers import Redis

from mcptop.demo.systems.queues import JobFailed, QueueClosed, QueueFull, RedisQueue


@pytest.fixture
def server(require: Callable[[str, object, str], None]) -> Iterator[Redis]:
    require("redis", shutil.which("redis-server"), "no redis-server")
    server = Redis()
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def caller(server: Redis) -> AsyncIterator[RedisQueue]:
    """The queue as the API has it."""
    queue = RedisQueue(server.url)
    yield queue
    await queue.aclose()


@pytest.fixture
async def worker(server: Redis) -> AsyncIterator[RedisQueue]:
    """The same queue as the worker has it."""
    queue = RedisQueue(server.url)
    yield queue
    await queue.aclose()


async def _submitted(queue: RedisQueue, *payloads: dict[str, Any]) -> list[asyncio.Task[dict[str, Any]]]:
    """Submissions, each in the list before the next."""
    tasks = []
    for payload in payloads:
        depth = (await queue.stats()).depth
        tasks.append(asyncio.create_task(queue.submit(payload, 30)))
        await _depth(queue, depth + 1)
    return tasks


async def _depth(queue: RedisQueue, depth: int) -> None:
    async with asyncio.timeout(10):
        while (await queue.stats()).depth != depth:
            pass


async def _end(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_jobs_go_in_order_to_the_other_side_and_replies_come_back(caller: RedisQueue, worker: RedisQueue) -> None:
    first, second = await _submitted(caller, {"n": 1}, {"n": 2, "text": "\u00e9\n"})
    one, two = await worker.take(), await worker.take()
    assert (one.payload, two.payload) == ({"n": 1}, {"n": 2, "text": "\u00e9\n"})
    assert (await worker.stats()).in_flight == 2
    await two.reply({"of": 2})
    await one.reply({"of": 1})
    assert (await first, await second) == ({"of": 1}, {"of": 2})
    there, here = await worker.stats(), await caller.stats()
    assert (here.entered, here.left, here.in_flight) == (2, 0, 0)
    assert (there.entered, there.left, there.in_flight, there.depth) == (0, 2, 0, 0)


async def test_many_callers_share_one_reader(caller: RedisQueue, worker: RedisQueue) -> None:
    async def echo() -> None:
        for _ in range(50):
            taken = await worker.take()
            await taken.reply(taken.payload)

    echoing = asyncio.create_task(echo())
    answers = await asyncio.gather(*(caller.submit({"n": n}, 30) for n in range(50)))
    await echoing
    assert [answer["n"] for answer in answers] == list(range(50))


async def test_reply_lists_expire(caller: RedisQueue, worker: RedisQueue) -> None:
    (waiting,) = await _submitted(caller, {})
    taken = await worker.take()
    await _end(waiting)
    await caller._replies.aclose()
    while (await worker._link.redis.info("clients"))["blocked_clients"]:
        await asyncio.sleep(0.01)  # the server may hand a reply to who is gone, until it notices
    await taken.reply({})
    assert 0 < await worker._link.redis.ttl(caller._replies.key) <= 60


async def test_a_full_queue_refuses_at_once_whoever_filled_it(server: Redis, caller: RedisQueue) -> None:
    waiting = await _submitted(caller, {}, {})
    other = RedisQueue(server.url, capacity=2)
    with pytest.raises(QueueFull, match="2 jobs"):
        await other.submit({}, 30)
    now = await other.stats()
    assert (now.depth, now.rejected, now.entered) == (2, 1, 0)
    await other.aclose()
    await _end(*waiting)


async def test_the_oldest_job_has_an_age(server: Redis) -> None:
    clock = [5000.0]
    queue = RedisQueue(server.url, clock=lambda: clock[0])
    assert (await queue.stats()).oldest_age_s is None
    waiting = await _submitted(queue, {})
    clock[0] += 8
    waiting += await _submitted(queue, {})
    assert (await queue.stats()).oldest_age_s == 8
    await _end(*waiting)
    await queue.aclose()


async def test_a_cancelled_callers_job_is_withdrawn(caller: RedisQueue, worker: RedisQueue) -> None:
    first, second = await _submitted(caller, {"n": 1}, {"n": 2})
    await _end(first)
    await _depth(caller, 1)
    taken = await worker.take()
    assert taken.payload == {"n": 2}
    await taken.reply({})
    await second


async def test_a_job_whose_caller_waits_no_more_is_skipped_even_if_it_could_not_be_withdrawn(server: Redis) -> None:
    clock = [5000.0]
    queue = RedisQueue(server.url, clock=lambda: clock[0])
    (late,) = await _submitted(queue, {"n": "late"})
    clock[0] += 31
    (waiting,) = await _submitted(queue, {"n": "wanted"})
    assert (await queue.take()).payload == {"n": "wanted"}
    assert ((await queue.stats()).left, (await queue.stats()).in_flight) == (2, 1)
    await _end(late, waiting)
    await queue.aclose()


async def test_no_reply_in_time_is_a_timeout(caller: RedisQueue) -> None:
    with pytest.raises(TimeoutError, match=r"no reply from queue jobs within 0\.05 s"):
        await caller.submit({}, 0.05)
    await _depth(caller, 0)


async def test_the_consumers_failure_reaches_the_caller_and_only_the_first_answer_counts(
    caller: RedisQueue, worker: RedisQueue
) -> None:
    (waiting,) = await _submitted(caller, {})
    taken = await worker.take()
    await taken.fail("no such tool")
    await taken.reply({"late": True})
    with pytest.raises(JobFailed, match="no such tool"):
        await waiting
    assert (await worker.stats()).in_flight == 0


async def test_what_is_no_job_of_ours_is_skipped(caller: RedisQueue, worker: RedisQueue) -> None:
    await caller._link.redis.lpush("mcp:queue:jobs", "not a job")
    assert (await caller.stats()).oldest_age_s is None
    (waiting,) = await _submitted(caller, {"n": 1})
    assert (await worker.take()).payload == {"n": 1}
    await _end(waiting)


async def test_a_cancelled_take_loses_no_job(caller: RedisQueue, worker: RedisQueue) -> None:
    taker = asyncio.create_task(worker.take())
    async with asyncio.timeout(10):
        while not (await caller._link.redis.info("clients"))["blocked_clients"]:
            pass
    await _end(taker)
    # Redis still holds that pop and gives it the next job.
    waiting = asyncio.create_task(caller.submit({"n": 1}, 30))
    taken = await asyncio.wait_for(worker.take(), 10)
    assert taken.payload == {"n": 1}
    assert (await worker.stats()).left == 1
    await taken.reply({})
    await waiting


async def test_without_redis_everything_says_so_in_one_line() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        queue = RedisQueue(f"redis://user:secret@127.0.0.1:{port}/0")
        for attempt in (queue.submit({}, 5), queue.take(), queue.stats()):
            with pytest.raises(ConnectionError) as caught:
                await attempt
            says = str(caught.value)
            assert says.startswith(f"Redis at 127.0.0.1:{port}: ")
            assert "\n" not in says
            assert "secret" not in says
        await queue.aclose()


async def test_callers_hear_of_a_lost_redis_at_once_and_the_queue_works_after_its_restart(
    server: Redis, caller: RedisQueue, worker: RedisQueue
) -> None:
    (waiting,) = await _submitted(caller, {})
    taker = asyncio.create_task(worker.take())
    await taker
    taker = asyncio.create_task(worker.take())
    async with asyncio.timeout(10):
        while (await caller._link.redis.info("clients"))["blocked_clients"] != 2:
            pass
    server.stop()
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(waiting, 10)
    with pytest.raises(ConnectionError):
        await asyncio.wait_for(taker, 10)
    server.start()
    again = asyncio.create_task(caller.submit({"n": 2}, 30))
    await (await asyncio.wait_for(worker.take(), 10)).reply({"ok": True})
    assert await again == {"ok": True}


async def test_closing_leaves_no_caller_waiting(server: Redis) -> None:
    queue = RedisQueue(server.url)
    (waiting,) = await _submitted(queue, {})
    await queue.aclose()
    with pytest.raises(QueueClosed):
        await asyncio.wait_for(waiting, 5)
    with pytest.raises(QueueClosed):
        await queue.submit({}, 1)
    with pytest.raises(QueueClosed):
        await queue.take()
