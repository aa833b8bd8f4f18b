"""mcp-api: an OpenAI-style chat endpoint in front of the worker.

One request: rate limit, cache, a place among the concurrent ones, a row in the database, a job for the worker.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mcptop.demo.services.base import Json, Service, body, error
from mcptop.demo.services.jobs import HttpJobs, Jobs, Later, RedisLater, reach, redis_queue
from mcptop.demo.services.serving import serve
from mcptop.demo.services.settings import Settings, given_by
from mcptop.demo.services.store import Store
from mcptop.demo.systems.db_pool import DbPool, budget
from mcptop.demo.systems.http_pool import HttpPool
from mcptop.demo.systems.memory_watch import MemoryUse
from mcptop.demo.systems.models import MODEL_MEMORY
from mcptop.demo.systems.queues import JobFailed, QueueFull, counted
from mcptop.demo.systems.rate_limit import ConcurrencyGate, GateFull, GateTimeout, RateLimiter
from mcptop.demo.systems.response_cache import ResponseCache, cache_key
from mcptop.demo.systems.sizes import parse_bytes
from mcptop.demo.systems.stats import CacheStats, PoolStats, QueueStats

_WORD = re.compile(r"\w+")
_THREADS = 8
_POOL_WAIT_S = 5.0

Result = TypeVar("Result")


class Api(Service):
    """The chat endpoint."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        database = settings.database_url or f"sqlite:///{settings.directory / 'mcp.db'}"
        with given_by("DATABASE_URL"):
            self.db = DbPool(
                database,
                pool_size=settings.db_pool_size,
                max_overflow=settings.db_max_overflow,
                recycle_s=settings.db_pool_recycle,
                timeout_s=_POOL_WAIT_S,
                application_name=self.name,
            )
        self.store = Store(self.db)
        self.http = HttpPool(
            "worker",
            keepalive=settings.http_pool_connections,
            maximum=settings.http_pool_maxsize,
            retries=settings.http_max_retries,
            timeout_s=settings.http_timeout,
        )
        self.redis = redis_queue(settings)
        self.http_jobs = HttpJobs(self.http, settings.worker_url)
        self.jobs: Jobs = self.redis or self.http_jobs
        self.later: Later = RedisLater(self.redis, self.go) if self.redis else self.http_jobs
        self.cache = ResponseCache(parse_bytes(settings.cache_bytes), settings.cache_ttl)
        self.limiter = RateLimiter(settings.rate_limit_requests, settings.rate_limit_window)
        self.gate = ConcurrencyGate("requests", settings.max_concurrent_requests, max_waiting=200, timeout_s=10.0)
        self.threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="blocking")
        self._queue_counts: list[QueueStats] = []

    def routes(self) -> Iterable[Route]:
        """The public face."""
        return (
            Route("/v1/chat/completions", self._chat, methods=["POST"]),
            Route("/v1/batches", self._later, methods=["POST"]),
            Route("/v1/models", self._models),
        )

    async def start(self) -> None:
        """Make the table, and say if all pools together are more than the database allows."""
        with given_by("DATABASE_URL"):
            await self.db.check()
        await self.store.create()
        await reach(self.redis)
        most, settings = self.db.stats().max, self.settings
        usable = await self.store.usable_connections()
        if most and usable and (too_many := budget(most, settings.api_replicas, settings.web_concurrency, usable)):
            self.log.warning("%s", too_many)

    async def stop(self) -> None:
        """Close the pools."""
        self.threads.shutdown(wait=False, cancel_futures=True)
        await self.http.aclose()
        if self.redis:
            await self.redis.aclose()
        await self.db.aclose()

    async def refresh(self) -> None:
        """Count the shared queue."""
        if self.redis:
            self._queue_counts = await counted(self.redis)

    async def memory_is_high(self, use: MemoryUse) -> None:
        """Answers can be had again."""
        self.cache.clear()

    def pools(self) -> Iterable[PoolStats]:
        """Database, HTTP, and the places for concurrent requests."""
        return (self.db.stats(), self.http.stats(), self.gate.stats())

    def queues(self) -> Iterable[QueueStats]:
        """Redis, if there is one."""
        return self._queue_counts

    def caches(self) -> Iterable[CacheStats]:
        """Answers."""
        return (self.cache.stats(),)

    async def blocking(self, work: Callable[[], Result]) -> Result:
        """Run what would block the event loop in one of a few threads."""
        return await asyncio.get_running_loop().run_in_executor(self.threads, work)

    async def _models(self, request: Request) -> Response:
        found = [{"id": name, "object": "model", "owned_by": "mcp-demo"} for name in MODEL_MEMORY]
        return JSONResponse({"object": "list", "data": found})

    async def _chat(self, request: Request) -> Response:
        began, status = time.monotonic(), "500"
        try:
            answer = await self._answer(request)
            status = str(answer.status_code)
            return answer
        except asyncio.CancelledError:
            status = "cancelled"
            raise
        finally:
            self.metrics.answered(status, time.monotonic() - began)

    async def _later(self, request: Request) -> Response:
        """A document to be worked on some time: queued, and answered at once."""
        began, status = time.monotonic(), 202
        try:
            asked = await body(request)
            job = {"model": str(asked["model"]), "prompt": str(asked["input"]), "max_tokens": 8}
            await self.later.submit_later(job)
            return JSONResponse({"status": "queued"}, 202)
        except (ValueError, KeyError) as problem:
            status = 400
            return error(status, f"expected `model` and `input`: {problem}")
        except (QueueFull, TimeoutError, JobFailed, ConnectionError) as problem:
            status = 503
            return error(status, f"cannot queue it now: {problem}", 5)
        finally:
            self.metrics.answered(str(status), time.monotonic() - began)

    async def _answer(self, request: Request) -> Response:
        client = request.headers.get("authorization") or (request.client.host if request.client else "unknown")
        if (wait := self.limiter.retry_after(client)) is not None:
            return error(429, "rate limit exceeded", wait)
        try:
            asked = self._read(await body(request))
        except ValueError as problem:
            return error(400, str(problem))
        key = cache_key(asked)
        if (cached := self.cache.get(key)) is not None:
            return Response(cached, media_type="application/json", headers={"X-Cache": "hit"})
        try:
            async with self.gate.enter():
                answer = await self._complete(client, asked)
        except (GateFull, GateTimeout, QueueFull) as problem:
            return error(503, str(problem), 1)
        except (TimeoutError, PoolTimeout) as problem:
            return error(504, f"timed out: {problem}" if str(problem) else "timed out")
        except (JobFailed, ConnectionError, SQLAlchemyError, OSError) as problem:
            self.log.error("%s: %s", type(problem).__name__, problem)
            return error(502, f"{type(problem).__name__}: {problem}")
        content = json.dumps(answer).encode()
        self.cache.set(key, content)
        return Response(content, media_type="application/json")

    def _read(self, asked: Json) -> Json:
        model, messages = asked.get("model"), asked.get("messages")
        if not isinstance(model, str) or model not in MODEL_MEMORY:
            raise ValueError(f"model must be one of {', '.join(MODEL_MEMORY)}")
        if not isinstance(messages, list) or not all(
            isinstance(m, dict) and isinstance(m.get("content"), str) for m in messages
        ):
            raise ValueError("messages must be a list of objects with a text `content`")
        most = self.settings.max_tokens_per_request
        tokens = asked.get("max_tokens", 16)
        if not isinstance(tokens, int) or not 1 <= tokens <= most:
            raise ValueError(f"max_tokens must be 1 to {most}")
        return {**asked, "max_tokens": tokens}

    async def _complete(self, client: str, asked: Json) -> Json:
        await self.hooks()
        prompt = "\n".join(message["content"] for message in asked["messages"])
        words = await self.blocking(lambda: len(_WORD.findall(prompt)))
        number = await self.store.begin(client, asked["model"], prompt)
        job = {"model": asked["model"], "prompt": prompt, "max_tokens": asked["max_tokens"]}
        reply = await self.jobs.submit(job, self.settings.http_timeout)
        await self.store.finish(number, reply["text"])
        return {
            "id": f"chatcmpl-{number}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": asked["model"],
            "choices": [
                {"index": 0, "message": {"role": "assistant", "content": reply["text"]}, "finish_reason": "length"}
            ],
            "usage": {
                "prompt_tokens": words,
                "completion_tokens": reply["tokens"],
                "total_tokens": words + reply["tokens"],
            },
        }


def _is_message(found: object) -> bool:
    return isinstance(found, dict) and isinstance(found.get("content"), str)


if __name__ == "__main__":
    serve(Api)
