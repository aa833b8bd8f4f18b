"""The rate per client, and the gate for all of them."""

from __future__ import annotations

import asyncio

import pytest

from mcptop.demo.systems.rate_limit import ConcurrencyGate, GateFull, GateTimeout, RateLimiter


def _limiter(now: list[float], **settings: float) -> RateLimiter:
    return RateLimiter(
        limit=int(settings.get("limit", 1000)),
        window_s=settings.get("window_s", 3600),
        max_clients=int(settings.get("max_clients", 10_000)),
        clock=lambda: now[0],
    )


def test_exactly_the_limit_passes_at_once_and_the_next_is_told_when() -> None:
    now = [0.0]
    limiter = _limiter(now)
    assert [limiter.retry_after("a") for _ in range(1000)] == [None] * 1000
    assert limiter.retry_after("a") == pytest.approx(3.6)
    assert limiter.retry_after("b") is None


def test_who_waits_as_told_passes_once() -> None:
    now = [0.0]
    limiter = _limiter(now)
    for _ in range(1000):
        limiter.retry_after("a")
    for _ in range(50):
        wait = limiter.retry_after("a")
        assert wait is not None
        now[0] += wait
        assert limiter.retry_after("a") is None


def test_asking_in_vain_costs_nothing() -> None:
    now = [0.0]
    limiter = _limiter(now, limit=1, window_s=10)
    assert limiter.retry_after("a") is None
    for second in range(1, 10):
        now[0] = float(second)
        assert limiter.retry_after("a") == pytest.approx(10 - second)
    now[0] = 10.0
    assert limiter.retry_after("a") is None


def test_silence_fills_the_bucket_no_further_than_the_limit() -> None:
    now = [0.0]
    limiter = _limiter(now, limit=3, window_s=30)
    limiter.retry_after("a")
    for now[0] in (20.0, 10_000.0):
        assert [limiter.retry_after("a") for _ in range(5)].count(None) == 3


def test_the_number_of_clients_is_bounded_and_the_silent_are_forgotten() -> None:
    now = [0.0]
    limiter = _limiter(now, limit=5, window_s=30, max_clients=100)
    for client in range(10_000):
        limiter.retry_after(str(client))
    assert limiter.clients == 100
    now[0] = 31.0
    limiter.retry_after("x")
    assert limiter.clients == 1


class Caller:
    """Enters the gate and stays until told to leave."""

    def __init__(self, gate: ConcurrencyGate, order: list[int], number: int) -> None:
        self.leave = asyncio.Event()
        self.task = asyncio.create_task(self._run(gate, order, number))

    async def _run(self, gate: ConcurrencyGate, order: list[int], number: int) -> None:
        async with gate.enter():
            order.append(number)
            await self.leave.wait()


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_gate_lets_in_its_limit_and_the_rest_in_order() -> None:
    gate = ConcurrencyGate(limit=2, timeout_s=60)
    order: list[int] = []
    callers = [Caller(gate, order, number) for number in range(6)]
    await _settle()
    assert order == [0, 1]
    now = gate.stats()
    assert (now.in_use, now.idle, now.max, now.waiting, now.waits) == (2, 0, 2, 4, 4)
    for count, caller in enumerate(callers, start=1):
        caller.leave.set()
        await _settle()
        assert order == list(range(min(6, count + 2)))
    assert (gate.stats().in_use, gate.stats().idle, gate.stats().waiting) == (0, 2, 0)


async def test_too_many_waiting_is_refused_at_once() -> None:
    gate = ConcurrencyGate(limit=1, max_waiting=1, timeout_s=60)
    callers = [Caller(gate, [], number) for number in range(3)]
    await _settle()
    with pytest.raises(GateFull, match="1 inside and 1 waiting"):
        await callers[2].task
    assert gate.rejected == 1
    callers[0].leave.set()
    callers[1].leave.set()
    await asyncio.gather(callers[0].task, callers[1].task)


async def test_the_wait_has_an_end_and_is_counted() -> None:
    now = [0.0]
    gate = ConcurrencyGate(limit=1, timeout_s=0.01, clock=lambda: now[0])
    first = Caller(gate, [], 1)
    await _settle()
    second = Caller(gate, [], 2)
    await _settle()
    now[0] = 5.0
    with pytest.raises(GateTimeout, match="no place within"):
        await asyncio.wait_for(second.task, 5)
    seen = gate.stats()
    assert (seen.timeouts, seen.waits, seen.wait_s, seen.waiting) == (1, 1, 5.0, 0)
    first.leave.set()
    await first.task


async def test_a_cancelled_waiter_leaves_no_trace() -> None:
    gate = ConcurrencyGate(limit=1, timeout_s=60)
    order: list[int] = []
    callers = [Caller(gate, order, number) for number in range(3)]
    await _settle()
    callers[1].task.cancel()
    await _settle()
    assert gate.stats().waiting == 1
    callers[0].leave.set()
    await _settle()
    assert order == [0, 2]
    callers[2].leave.set()
    await _settle()
    assert (gate.stats().in_use, gate.stats().waiting, gate.stats().timeouts) == (0, 0, 0)


async def test_a_waiter_cancelled_as_its_place_comes_passes_it_on() -> None:
    gate = ConcurrencyGate(limit=1, timeout_s=60)
    order: list[int] = []
    callers = [Caller(gate, order, number) for number in range(3)]
    await _settle()
    callers[0].leave.set()
    # One turn of the loop: the place was handed over, and the waiter has not run yet.
    await asyncio.sleep(0)
    callers[1].task.cancel()
    await _settle()
    assert order == [0, 2]
    callers[2].leave.set()
    await _settle()
    assert gate.stats().in_use == 0


async def test_an_error_inside_frees_the_place() -> None:
    gate = ConcurrencyGate(limit=1)

    async def fail() -> None:
        async with gate.enter():
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    assert gate.stats().in_use == 0
    async with gate.enter():
        assert gate.stats().in_use == 1
