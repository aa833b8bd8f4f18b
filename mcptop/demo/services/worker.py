"""mcp-worker: takes jobs from its queue, makes batches of them, and has the model runner compute.

It decides which models the runner holds: the least recently used go first, those in use stay.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mcptop.demo.services.base import Json, Service, body, error
from mcptop.demo.services.jobs import reach, redis_queue
from mcptop.demo.services.serving import serve
from mcptop.demo.services.settings import Settings
from mcptop.demo.systems.batching import InferenceBatcher
from mcptop.demo.systems.http_pool import HttpPool
from mcptop.demo.systems.memory_watch import MemoryUse
from mcptop.demo.systems.models import ModelCache, spec
from mcptop.demo.systems.queues import JobFailed, LocalQueue, QueueClosed, QueueFull, RedisQueue, Taken, counted
from mcptop.demo.systems.response_cache import ResponseCache
from mcptop.demo.systems.stats import BatchStats, CacheStats, PoolStats, QueueStats

_NOT_LOADED = 409
_LATER_S = 600.0
"""How long a job that nobody waits for may wait."""


class ModelLost(Exception):
    """The runner no longer holds a model the worker had it load."""


class Worker(Service):
    """Queue, batches, models."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.local = LocalQueue(capacity=settings.worker_queue_capacity)
        self.redis = redis_queue(settings)
        self.http = HttpPool(
            "model-runner",
            keepalive=settings.http_pool_connections,
            maximum=settings.http_pool_maxsize,
            retries=settings.http_max_retries,
            timeout_s=settings.http_timeout,
        )
        self.models_cache: ModelCache[str] = ModelCache(
            settings.model_budget_bytes, self._size_of, self._load, self._unload
        )
        self.batchers: dict[str, InferenceBatcher[Json, Json]] = {}
        self.batch_size, self.batch_max_wait_s = settings.batch_size, settings.batch_max_wait
        self.per_job_s = 0.0
        """Seam: how much longer the consumer takes for a job."""
        self.more_caches: list[ResponseCache] = []
        """Seam: caches it has beside the models."""
        self._waiting: dict[str, int] = {}
        self._queue_counts: list[QueueStats] = []

    def routes(self) -> Iterable[Route]:
        """The way in for those without Redis."""
        return (
            Route("/jobs", self._job, methods=["POST"]),
            Route("/jobs/later", self._job_later, methods=["POST"]),
        )

    async def start(self) -> None:
        """Consumers for each queue there is."""
        await reach(self.redis)
        for queue in self._sources():
            for _ in range(self.settings.worker_concurrency):
                self.go(self._consume(queue))

    async def stop(self) -> None:
        """What is in the batches is finished; the models stay with the runner, which ends too."""
        for batcher in self.batchers.values():
            await batcher.aclose()
        await self.local.aclose()
        if self.redis:
            await self.redis.aclose()
        await self.http.aclose()

    def _sources(self) -> tuple[LocalQueue | RedisQueue, ...]:
        return (self.local, self.redis) if self.redis else (self.local,)

    async def refresh(self) -> None:
        """Count the queues."""
        self._queue_counts = await counted(self.redis or self.local)

    async def memory_is_high(self, use: MemoryUse) -> None:
        """Idle models go first."""
        await self.models_cache.trim(self.models_cache.budget_bytes // 2)

    def pools(self) -> Iterable[PoolStats]:
        """Connections to the runner."""
        return (self.http.stats(),)

    def queues(self) -> Iterable[QueueStats]:
        """The queue that is in use."""
        return self._queue_counts

    def caches(self) -> Iterable[CacheStats]:
        """Loaded models, and what else is kept."""
        return (self.models_cache.stats(), *(cache.stats() for cache in self.more_caches))

    def batches(self) -> Iterable[BatchStats]:
        """One batcher a model."""
        return [batcher.stats() for batcher in self.batchers.values()]

    def models(self) -> Iterable[tuple[str, int]]:
        """As the model manager has it."""
        return self.models_cache.loaded().items()

    def inference_queues(self) -> Iterable[tuple[str, int]]:
        """Jobs taken from the queue that are not computed yet."""
        return self._waiting.items()

    def set_batching(self, size: int, max_wait_s: float) -> None:
        """Seam: how batches are made from now on."""
        self.batch_size, self.batch_max_wait_s = size, max_wait_s
        for batcher in self.batchers.values():
            batcher.batch_size, batcher.max_wait_s = size, max_wait_s

    async def _job(self, request: Request) -> Response:
        began, status = time.monotonic(), "200"
        try:
            return JSONResponse(await self.local.submit(await body(request), self.settings.http_timeout))
        except ValueError as problem:
            status = "400"
            return error(400, str(problem))
        except QueueFull as problem:
            status = "503"
            return error(503, str(problem), 1)
        except TimeoutError:
            status = "504"
            return error(504, "the job was not done in time")
        except JobFailed as problem:
            status = "502"
            return error(502, str(problem))
        finally:
            self.metrics.answered(status, time.monotonic() - began)

    async def _job_later(self, request: Request) -> Response:
        """Take a job whose result nobody waits for here."""
        depth = (await self.local.stats()).depth
        if depth >= self.settings.worker_queue_capacity:
            return error(503, f"the queue holds {depth} jobs already", 1)
        self.go(self._see_through(await body(request)))
        return JSONResponse({"status": "queued"}, 202)

    async def _see_through(self, job: Json) -> None:
        try:
            await self.local.submit(job, _LATER_S)
        except (QueueFull, QueueClosed, TimeoutError, JobFailed) as problem:
            self.log.warning("a background job was not done: %s", problem)

    async def _consume(self, queue: LocalQueue | RedisQueue) -> None:
        while True:
            try:
                taken = await queue.take()
            except QueueClosed:
                return
            except ConnectionError as problem:
                self.log.error("%s", problem)
                await asyncio.sleep(1.0)
                continue
            await self._work(taken)

    async def _work(self, taken: Taken) -> None:
        try:
            await self.hooks()
            if self.per_job_s:
                await asyncio.sleep(self.per_job_s)
            await taken.reply(await self._infer(taken.payload))
        except asyncio.CancelledError:
            raise
        except Exception as problem:
            self.log.error("a job failed: %s: %s", type(problem).__name__, problem)
            await taken.fail(f"{type(problem).__name__}: {problem}")

    async def _infer(self, job: Json) -> Json:
        model = str(job["model"])
        self._waiting[model] = self._waiting.get(model, 0) + 1
        try:
            return await self._with_model(model, job)
        except ModelLost:
            # The runner was restarted: what it held is gone, and loading it again is all there is to do.
            self.models_cache.forget(model)
            return await self._with_model(model, job)
        finally:
            self._waiting[model] -= 1

    async def _with_model(self, model: str, job: Json) -> Json:
        async with self.models_cache.lease(model):
            return await self._batcher(model).submit(job)

    def _batcher(self, model: str) -> InferenceBatcher[Json, Json]:
        if model not in self.batchers:
            self.batchers[model] = InferenceBatcher(
                lambda jobs: self._compute(model, jobs),
                name=model,
                batch_size=self.batch_size,
                max_wait_s=self.batch_max_wait_s,
            )
        return self.batchers[model]

    async def _compute(self, model: str, jobs: Sequence[Json]) -> Sequence[Json]:
        requests = [{"prompt": job["prompt"], "max_tokens": job["max_tokens"]} for job in jobs]
        found = await self._ask("/v1/batch", {"model": model, "requests": requests})
        results: list[Json] = found["results"]
        return results

    def _size_of(self, model: str) -> int:
        return spec(model).memory_bytes // self.settings.model_scale

    async def _load(self, model: str) -> str:
        await self._ask("/models/load", {"model": model, "bytes": self._size_of(model)})
        self.log.info("loaded %s", model)
        return model

    async def _unload(self, model: str, handle: str) -> None:
        await self._ask("/models/unload", {"model": model})
        self.log.info("evicted %s", model)

    async def _ask(self, path: str, question: Json) -> Json:
        answer = await self.http.post(self.settings.model_runner_url + path, json=question)
        if answer.status_code == _NOT_LOADED:
            raise ModelLost(question["model"])
        if answer.status_code != 200:
            raise JobFailed(f"model-runner answered {answer.status_code}: {answer.text[:200]}")
        found: Json = answer.json()
        return found


if __name__ == "__main__":
    serve(Worker)
