"""model-runner: holds "models" of a set size and spends real CPU for each token, in slots; what has none is deferred.

Its `/metrics` has llama.cpp's names beside the guide's; `/slots` and `/props` answer as llama.cpp's server does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mcptop.demo.services.base import Json, Service, body, error
from mcptop.demo.services.llama_metrics import LlamaMetrics
from mcptop.demo.services.serving import serve
from mcptop.demo.services.settings import Settings
from mcptop.demo.services.weights import Model
from mcptop.demo.systems.stats import PoolStats


class Runner(Service):
    """Models, slots, tokens."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.slots = max(2, min(8, round(settings.cpu_limit * 2)))
        self.delay_s = 0.0
        """Seam: how much longer each answer takes, without computing."""
        self._loaded: dict[str, Model] = {}
        self._loading = asyncio.Lock()
        self._free = asyncio.Semaphore(self.slots)
        self._threads = ThreadPoolExecutor(self.slots, thread_name_prefix="slot")
        self._busy = 0
        self._deferred: dict[str, int] = {}
        self.llama = LlamaMetrics(self, self.metrics.registry)

    def routes(self) -> Iterable[Route]:
        """Computing, model control, and llama.cpp's looks into it."""
        return (
            Route("/v1/batch", self._batch, methods=["POST"]),
            Route("/models/load", self._load, methods=["POST"]),
            Route("/models/unload", self._unload, methods=["POST"]),
            Route("/slots", self._show_slots),
            Route("/props", self._props),
        )

    async def stop(self) -> None:
        """Give everything back."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        for model in self._loaded.values():
            model.close()

    @property
    def busy(self) -> int:
        """Slots that compute."""
        return self._busy

    @property
    def deferred(self) -> int:
        """Requests that wait for a slot."""
        return sum(self._deferred.values())

    def pools(self) -> Iterable[PoolStats]:
        """Slots are a pool too."""
        free, waiting = self.slots - self._busy, self.deferred
        return (
            PoolStats(
                name="slots",
                in_use=self._busy,
                idle=free,
                size=self.slots,
                max=self.slots,
                waiting=waiting,
                waits=self.llama.waits,
                wait_s=self.llama.wait_s,
                timeouts=0,
            ),
        )

    def models(self) -> Iterable[tuple[str, int]]:
        """What is loaded."""
        return [(model.id, model.size) for model in self._loaded.values()]

    def inference_queues(self) -> Iterable[tuple[str, int]]:
        """Deferred requests by model."""
        return self._deferred.items()

    async def _load(self, request: Request) -> Response:
        asked = await body(request)
        model_id, size = str(asked["model"]), int(asked["bytes"])
        async with self._loading:
            if model_id in self._loaded:
                return JSONResponse({"loaded": model_id})
            used, budget = sum(m.size for m in self._loaded.values()), self.settings.model_budget_bytes
            if used + size > budget:
                return error(507, f"{model_id} needs {size} bytes, {budget - used} of {budget} are free")
            # In a thread: touching every page takes a while, and health checks go on.
            self._loaded[model_id] = await asyncio.to_thread(Model, model_id, size)
        return JSONResponse({"loaded": model_id})

    async def _unload(self, request: Request) -> Response:
        model_id = str((await body(request))["model"])
        async with self._loading:
            model = self._loaded.get(model_id)
            if model is not None and model.users:
                return error(423, f"{model_id} is in use")
            if model is not None:
                del self._loaded[model_id]
                model.close()
        return JSONResponse({"unloaded": model_id})

    async def _batch(self, request: Request) -> Response:
        asked = await body(request)
        model = self._loaded.get(str(asked["model"]))
        if model is None:
            return error(409, f"{asked['model']} is not loaded")
        began = time.monotonic()
        model.users += 1
        try:
            results = await asyncio.gather(*(self._complete(model, each) for each in asked["requests"]))
        finally:
            model.users -= 1
        self.metrics.answered("200", time.monotonic() - began)
        return JSONResponse({"results": results})

    async def _complete(self, model: Model, asked: Json) -> Json:
        began = time.monotonic()
        self._deferred[model.id] = self._deferred.get(model.id, 0) + 1
        try:
            await self._free.acquire()
        finally:
            self._deferred[model.id] -= 1
        self._busy += 1
        self.llama.decode_begins(self._busy, time.monotonic() - began)
        try:
            await self.hooks()
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            prompt, count = str(asked["prompt"]), int(asked["max_tokens"])
            began = time.monotonic()
            loop = asyncio.get_running_loop()
            words = await loop.run_in_executor(self._threads, model.tokens, prompt, count)
            self.llama.decoded(len(prompt.split()), len(words), time.monotonic() - began)
        finally:
            self._busy -= 1
            self._free.release()
        return {"text": " ".join(words), "tokens": len(words)}

    async def _show_slots(self, request: Request) -> Response:
        return JSONResponse([{"id": number, "is_processing": number < self._busy} for number in range(self.slots)])

    async def _props(self, request: Request) -> Response:
        return JSONResponse({"total_slots": self.slots, "model_path": ",".join(self._loaded)})


if __name__ == "__main__":
    serve(Runner)
