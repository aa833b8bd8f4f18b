"""What every service of the demo is: an ASGI program with health, metrics, status and switches.

Faults change a service only through the seams it declares. The one all have is `on_request`, inside each request.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mcptop.demo.services.metrics import Metrics
from mcptop.demo.services.settings import Settings, SettingsError
from mcptop.demo.switches import Switches
from mcptop.demo.systems.gc_watch import GcWatch
from mcptop.demo.systems.memory_watch import MemoryMonitor, MemoryUse, read_memory
from mcptop.demo.systems.stats import BatchStats, CacheStats, PoolStats, QueueStats
from mcptop.instrument import CONTENT_TYPE

Hook = Callable[[], Awaitable[None]]
Json = dict[str, Any]

_MEMORY_EVERY_S = 5.0
BACKLOG = 128
"""Connections that may wait to be accepted."""


class Service:
    """One program of the stack. Subclasses add routes, start what they need in `start` and end it in `stop`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.name = settings.mcptop_service
        self.log = logging.getLogger(self.name)
        self.on_request: list[Hook] = []
        """Seam: each is awaited inside every request of the service's main route."""
        self.unhealthy: str | None = None
        """Seam: why the health check fails."""
        self.listener: socket.socket | None = None
        """Seam: the socket connections arrive at."""
        self.backlog = BACKLOG
        self.refusal: str | None = None
        """Why it did not start."""
        self.gc_watch = GcWatch()
        self.metrics = Metrics(self.name, self, self.memory, self.gc_watch)
        self.monitor = MemoryMonitor(self.memory, on_high=self.memory_is_high)
        self._started = time.time()
        self._tasks: set[asyncio.Task[None]] = set()

    # What subclasses say.

    def routes(self) -> Iterable[Route]:
        """The service's own routes."""
        return ()

    async def start(self) -> None:
        """Begin; called on the event loop, before the first request. Raises `SettingsError`."""

    async def stop(self) -> None:
        """End what `start` began."""

    async def refresh(self) -> None:
        """Look at what can only be counted asynchronously, before metrics or status are read."""

    async def memory_is_high(self, use: MemoryUse) -> None:
        """Give back what can be given back."""

    def pools(self) -> Iterable[PoolStats]:
        """See `mcptop.demo.services.metrics.Observed`."""
        return ()

    def queues(self) -> Iterable[QueueStats]:
        """See `mcptop.demo.services.metrics.Observed`."""
        return ()

    def caches(self) -> Iterable[CacheStats]:
        """See `mcptop.demo.services.metrics.Observed`."""
        return ()

    def batches(self) -> Iterable[BatchStats]:
        """See `mcptop.demo.services.metrics.Observed`."""
        return ()

    def models(self) -> Iterable[tuple[str, int]]:
        """See `mcptop.demo.services.metrics.Observed`."""
        return ()

    def inference_queues(self) -> Iterable[tuple[str, int]]:
        """See `mcptop.demo.services.metrics.Observed`."""
        return ()

    # What all have.

    def memory(self) -> MemoryUse:
        """Memory in use against this service's own limit."""
        return read_memory(self.settings.limit_bytes)

    def go(self, work: Awaitable[None]) -> asyncio.Task[None]:
        """Run something beside the requests until the service stops; its failure is logged, not lost."""

        async def guarded() -> None:
            try:
                await work
            except asyncio.CancelledError:
                raise
            except Exception:
                self.log.exception("background work failed")

        task = asyncio.create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def hooks(self) -> None:
        """What faults do inside a request."""
        for hook in tuple(self.on_request):
            await hook()

    def status(self) -> Json:
        """What the ui's page shows of this service."""
        use = self.memory()
        return {
            "service": self.name,
            "pid": os.getpid(),
            "up_s": round(time.time() - self._started, 1),
            "memory": {"used_bytes": use.used_bytes, "limit_bytes": use.limit_bytes, "source": use.source},
            "pools": [_plain(each) for each in self.pools()],
            "queues": [_plain(each) for each in self.queues()],
            "caches": [_plain(each) for each in self.caches()],
            "batches": [_plain(each) for each in self.batches()],
            "models": dict(self.models()),
        }

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/health", self._health),
                Route("/metrics", self._metrics),
                Route("/status", self._status),
                *self.routes(),
            ],
            lifespan=self._lifespan,
        )

    @asynccontextmanager
    async def _lifespan(self, app: Starlette):  # type: ignore[no-untyped-def]
        self.gc_watch.install()
        try:
            await self.start()
        except SettingsError as problem:
            self.refusal = str(problem)
            raise
        switches = self.go(Switches(self, self.settings.directory).run())
        self.go(self._watch_memory())
        self.log.info("ready on %s:%s", self.settings.listen_host, self.settings.listen_port)
        try:
            yield
        finally:
            # Faults first: they put back what the service's own end expects to find.
            switches.cancel()
            await asyncio.gather(switches, return_exceptions=True)
            await self.stop()
            rest = tuple(self._tasks)
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)
            self.gc_watch.remove()

    async def _watch_memory(self) -> None:
        while True:
            await self.monitor.check()
            await asyncio.sleep(_MEMORY_EVERY_S)

    async def _health(self, request: Request) -> Response:
        if self.unhealthy:
            return JSONResponse({"status": "unhealthy", "because": self.unhealthy}, 503)
        return JSONResponse({"status": "ok"})

    async def _metrics(self, request: Request) -> Response:
        await self.refresh()
        return Response(self.metrics.text(), media_type=CONTENT_TYPE)

    async def _status(self, request: Request) -> Response:
        await self.refresh()
        return JSONResponse(self.status())


def _plain(value: object) -> Json:
    return {name: getattr(value, name) for name in type(value).__dataclass_fields__}  # type: ignore[attr-defined]


def error(status: int, message: str, retry_after_s: float | None = None) -> Response:
    """An error in the form OpenAI's clients know."""
    headers = {} if retry_after_s is None else {"Retry-After": str(max(1, round(retry_after_s)))}
    return JSONResponse({"error": {"message": message, "type": "mcp_error", "code": status}}, status, headers)


async def body(request: Request) -> Json:
    """The request's JSON object. Raises `ValueError` naming what is wrong."""
    try:
        found = json.loads(await request.body())
    except ValueError as problem:
        raise ValueError(f"the body is not JSON: {problem}") from None
    if not isinstance(found, dict):
        raise ValueError("the body must be a JSON object")
    return found
