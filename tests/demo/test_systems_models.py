"""The model cache: bytes, true LRU, one load for many, and callers that give up in the middle (defects 18, 24)."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from mcptop.demo.systems.models import MODEL_MEMORY, ModelBusy, ModelCache, ModelTooLarge, spec

SIZES = {"small": 2, "other": 2, "third": 2, "large": 6, "huge": 20}


class Runner:
    """Loads at once unless `hold` is set; keeps a diary."""

    def __init__(self) -> None:
        self.diary: list[str] = []
        self.go = asyncio.Event()
        self.go.set()
        self.fails: Exception | None = None

    async def load(self, model_id: str) -> str:
        self.diary.append(f"load {model_id}")
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.diary.append(f"called off {model_id}")
            raise
        if self.fails is not None:
            raise self.fails
        return model_id.upper()

    async def unload(self, model_id: str, model: str) -> None:
        await self.go.wait()
        self.diary.append(f"unload {model_id}")
        assert model == model_id.upper()

    def cache(self, budget: int) -> ModelCache[str]:
        return ModelCache(budget, SIZES.__getitem__, self.load, self.unload)


async def _use(cache: ModelCache[str], *model_ids: str) -> None:
    for model_id in model_ids:
        async with cache.lease(model_id) as model:
            assert model == model_id.upper()


async def _settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_defect_18_least_recently_used_goes_not_first_in() -> None:
    runner = Runner()
    cache = runner.cache(4)
    await _use(cache, "small", "other", "small", "third")
    assert runner.diary == ["load small", "load other", "unload other", "load third"]
    assert cache.loaded() == {"small": 2, "third": 2}
    now = cache.stats()
    assert (now.hits, now.misses, now.evictions, now.entries, now.bytes, now.max_bytes) == (1, 3, 1, 2, 4, 4)


async def test_defect_18_bytes_count_not_models() -> None:
    runner = Runner()
    cache = runner.cache(8)
    await _use(cache, "small", "other", "third", "large")
    assert cache.loaded() == {"third": 2, "large": 6}


async def test_defect_18_two_leases_at_a_time_load_once() -> None:
    runner = Runner()
    cache = runner.cache(8)
    runner.go.clear()
    both = [asyncio.create_task(_use(cache, "small")) for _ in range(2)]
    await _settle()
    runner.go.set()
    await asyncio.gather(*both)
    assert runner.diary == ["load small"]
    assert cache.stats().misses == 2


async def test_defect_18_a_model_in_use_is_not_evicted() -> None:
    runner = Runner()
    cache = runner.cache(4)
    await _use(cache, "other")
    async with cache.lease("small"):
        await _use(cache, "other", "third")
        assert set(cache.loaded()) == {"small", "third"}
    assert "unload small" not in runner.diary


async def test_without_room_a_lease_waits_until_a_model_is_free() -> None:
    runner = Runner()
    cache = runner.cache(2)
    async with cache.lease("small"):
        waiter = asyncio.create_task(_use(cache, "other"))
        await _settle()
        assert not waiter.done()
        assert runner.diary == ["load small"]
    await asyncio.wait_for(waiter, 5)
    assert runner.diary == ["load small", "unload small", "load other"]


async def test_without_room_in_time_the_lease_says_busy() -> None:
    runner = Runner()
    cache = runner.cache(2)
    async with cache.lease("small"):
        with pytest.raises(ModelBusy, match="no room for other: in use are small"):
            async with cache.lease("other", wait_s=0):
                pass
    await _use(cache, "other")


async def test_a_model_larger_than_the_budget_is_refused_and_evicts_nothing() -> None:
    runner = Runner()
    cache = runner.cache(4)
    await _use(cache, "small")
    with pytest.raises(ModelTooLarge, match="huge needs 20 bytes, the whole budget is 4"):
        await _use(cache, "huge")
    assert cache.loaded() == {"small": 2}


async def test_a_failed_load_is_not_left_behind_and_reaches_all_who_waited() -> None:
    runner = Runner()
    cache = runner.cache(2)
    runner.fails = OSError("no such model")
    runner.go.clear()
    both = [asyncio.create_task(_use(cache, "small")) for _ in range(2)]
    await _settle()
    runner.go.set()
    results = await asyncio.gather(*both, return_exceptions=True)
    assert [str(result) for result in results] == ["no such model"] * 2
    assert cache.stats().bytes == 0
    runner.fails = None
    await _use(cache, "other", "small")


async def test_a_waiter_of_a_cancelled_loader_still_gets_the_model() -> None:
    runner = Runner()
    cache = runner.cache(2)
    runner.go.clear()
    loader = asyncio.create_task(_use(cache, "small"))
    await _settle()
    waiter = asyncio.create_task(_use(cache, "small"))
    await _settle()
    loader.cancel()
    await _settle()
    assert loader.cancelled()
    runner.go.set()
    await asyncio.wait_for(waiter, 5)
    assert runner.diary == ["load small"]
    async with asyncio.timeout(5):
        # Its users were counted right: it can be evicted.
        await _use(cache, "other")


async def test_a_load_that_nobody_waits_for_is_called_off_and_leaves_nothing() -> None:
    runner = Runner()
    cache = runner.cache(2)
    runner.go.clear()
    loader = asyncio.create_task(_use(cache, "small"))
    await _settle()
    loader.cancel()
    await _settle()
    assert runner.diary == ["load small", "called off small"]
    assert (cache.stats().entries, cache.stats().bytes) == (0, 0)
    runner.go.set()
    await _use(cache, "small")


async def test_a_load_cancelled_before_its_first_step_leaves_nothing() -> None:
    runner = Runner()
    cache = runner.cache(2)
    loader = asyncio.create_task(_use(cache, "small"))
    closing = asyncio.create_task(cache.aclose())
    await asyncio.wait_for(closing, 5)
    with pytest.raises(RuntimeError, match="closed"):
        await asyncio.wait_for(loader, 5)
    assert (runner.diary, cache.stats().entries) == ([], 0)


async def test_a_lease_during_a_called_off_load_loads_itself() -> None:
    runner = Runner()
    cache = runner.cache(2)
    runner.go.clear()
    loader = asyncio.create_task(_use(cache, "small"))
    await _settle()
    loader.cancel()
    await asyncio.sleep(0)
    again = asyncio.create_task(_use(cache, "small"))
    await _settle()
    runner.go.set()
    await asyncio.wait_for(again, 5)
    assert runner.diary == ["load small", "called off small", "load small"]


async def test_a_model_being_unloaded_holds_its_bytes_until_it_is_gone() -> None:
    runner = Runner()
    cache = runner.cache(2)
    await _use(cache, "small")
    runner.go.clear()
    waiter = asyncio.create_task(_use(cache, "other"))
    await _settle()
    assert runner.diary == ["load small"]
    assert (cache.stats().bytes, dict(cache.loaded())) == (2, {})
    runner.go.set()
    await asyncio.wait_for(waiter, 5)
    assert runner.diary == ["load small", "unload small", "load other"]


async def test_no_more_is_evicted_than_is_needed() -> None:
    runner = Runner()
    cache = runner.cache(6)
    await _use(cache, "small", "other", "third")
    runner.go.clear()
    SIZES["fourth"] = 2
    first = asyncio.create_task(_use(cache, "fourth"))
    again = asyncio.create_task(_use(cache, "fourth"))
    await _settle()
    runner.go.set()
    await asyncio.gather(first, again)
    assert set(cache.loaded()) == {"other", "third", "fourth"}


async def test_a_failing_unload_does_not_fail_the_lease_that_needs_the_room(caplog: pytest.LogCaptureFixture) -> None:
    async def refuse(model_id: str, model: str) -> None:
        raise OSError("runner is away")

    runner = Runner()
    cache = ModelCache(2, SIZES.__getitem__, runner.load, refuse)
    await _use(cache, "small", "other")
    assert "unloading small failed: runner is away" in caplog.text


async def test_a_forgotten_model_is_loaded_again_even_while_in_use() -> None:
    runner = Runner()
    cache = runner.cache(2)
    async with cache.lease("small") as model:
        cache.forget("small")
        await _use(cache, "small")
        assert model == "SMALL"
    cache.forget("never heard of")
    assert runner.diary == ["load small", "load small"]
    await _use(cache, "small")
    assert len(runner.diary) == 2


async def test_a_smaller_budget_evicts_idle_models_at_the_next_lease() -> None:
    runner = Runner()
    cache = runner.cache(6)
    async with cache.lease("third"):
        await _use(cache, "small", "other")
        cache.budget_bytes = 4
        await _use(cache, "other")
        await _settle()
        assert set(cache.loaded()) == {"third", "other"}


async def test_trim_evicts_idle_models_only() -> None:
    runner = Runner()
    cache = runner.cache(6)
    async with cache.lease("small"):
        await _use(cache, "other", "third")
        await cache.trim(4)
        assert set(cache.loaded()) == {"small", "third"}
        await cache.trim(0)
        assert set(cache.loaded()) == {"small"}


async def test_closing_unloads_all_and_calls_off_loads() -> None:
    runner = Runner()
    cache = runner.cache(4)
    await _use(cache, "small")
    runner.go.clear()
    loading = asyncio.create_task(_use(cache, "other"))
    await _settle()
    closing = asyncio.create_task(cache.aclose())
    await _settle()
    runner.go.set()
    await asyncio.wait_for(closing, 5)
    with pytest.raises(RuntimeError, match="closed"):
        await loading
    assert runner.diary == ["load small", "load other", "called off other", "unload small"]
    assert cache.stats().entries == 0


async def test_many_leases_at_random_keep_to_the_budget_and_end() -> None:
    """No order of leases, cancellations and evictions may exceed the budget, hang, or leave a user behind."""
    runner = Runner()
    cache = runner.cache(8)
    names = ("small", "other", "third", "large")

    async def client(seed: int) -> None:
        for step in range(40):
            async with cache.lease(names[(seed * 7 + step * step) % 4]):
                assert cache.stats().bytes <= 8
                for _ in range((seed + step) % 5):
                    await asyncio.sleep(0)

    clients = [asyncio.create_task(client(seed)) for seed in range(12)]
    for turn in range(60):
        await asyncio.sleep(0)
        if turn % 10 == 9:
            clients[turn // 10].cancel()
    async with asyncio.timeout(20):
        results = await asyncio.gather(*clients, return_exceptions=True)
    assert [r for r in results if r is not None and not isinstance(r, asyncio.CancelledError)] == []
    await cache.trim(0)
    assert cache.stats().bytes == 0


async def test_a_lease_inside_a_lease_of_the_same_model_is_a_hit() -> None:
    runner = Runner()
    cache = runner.cache(2)
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(cache.lease("small"))
    assert (cache.stats().hits, cache.stats().misses) == (2, 1)


def test_defect_24_the_large_model_gets_more_than_its_weights() -> None:
    assert MODEL_MEMORY["llama3-70b"].memory_bytes == 48 << 30
    assert (spec("llama3-8b").memory_bytes, spec("llama3-8b").context_length) == (8 << 30, 4096)
    assert (spec("smollm2-1.7b").memory_bytes, spec("smollm2-1.7b").context_length) == (2 << 30, 2048)
    assert (spec("unheard-of").id, spec("unheard-of").memory_bytes) == ("unheard-of", 4 << 30)
