"""The load generator: chat requests at a set rate and mix, from many callers, whether or not the stack keeps up.

Open loop: a slow stack gets the same number of requests a minute as a fast one, as it would from its users.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable

import httpx

from mcptop.demo.services.base import Json, Service
from mcptop.demo.services.serving import serve
from mcptop.demo.services.settings import Settings, given_by
from mcptop.demo.systems.http_pool import HttpPool
from mcptop.demo.systems.stats import PoolStats

_TOKENS = (8, 16, 16, 32)
_REPEATED = 0.2
"""Share of the requests that ask what was asked before: what a response cache is for."""
_QUESTIONS = (
    "Why is the queue growing?",
    "Which service is near its memory limit?",
    "Explain the connection pool of the database.",
    "Summarise the incident of last night for the on-call channel.",
)
_LATER = 0.2
"""Share of the requests that leave a document to be worked on some time."""
_DOCUMENT = "The quarterly report of the platform team, in which every paragraph repeats the one before. " * 400
_MAX_IN_FLIGHT = 400
_LOOK_S = 0.5
"""How often it looks whether there is anything to do, while there is not."""


def shares(text: str) -> dict[str, float]:
    """Model -> share, from `MODEL=SHARE,MODEL=SHARE`. Raises ValueError."""
    found = {}
    for part in text.split(","):
        model, _, share = part.strip().partition("=")
        try:
            found[model] = float(share)
        except ValueError:
            found[model] = -1.0
        if not model or not 0 < found[model] < 1e9:
            raise ValueError(f"`{part.strip()}`: expected MODEL=SHARE, such as smollm2-360m=7")
    return found


class Load(Service):
    """Many callers in one process."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.per_minute = settings.load_per_minute
        """Seam: requests a minute; with 0 nobody comes."""
        self.http = HttpPool(
            "mcp-api", maximum=_MAX_IN_FLIGHT, keepalive=100, retries=0, timeout_s=20.0, pool_timeout_s=5.0
        )
        with given_by("LOAD_MIX"):
            self._mix = shares(settings.load_mix)
        self._random = random.Random(settings.mcptop_project)
        self._in_flight: set[asyncio.Task[None]] = set()
        self._number = 0

    async def start(self) -> None:
        """Begin when the api answers."""
        self.go(self._run())

    async def stop(self) -> None:
        """Nobody waits for the answers that are under way."""
        for task in tuple(self._in_flight):
            task.cancel()
        await asyncio.gather(*self._in_flight, return_exceptions=True)
        await self.http.aclose()

    def pools(self) -> Iterable[PoolStats]:
        """Connections to the api."""
        return (self.http.stats(),)

    async def _run(self) -> None:
        while not await self._api_answers():
            await asyncio.sleep(_LOOK_S)
        due = time.monotonic()
        while True:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if self.per_minute <= 0:
                due = time.monotonic() + _LOOK_S
                continue
            self._send()
            # Callers come at random; and what was missed while this loop was held up is not made up for.
            due = max(due + self._random.expovariate(self.per_minute / 60), time.monotonic() - 1)

    def _send(self) -> None:
        if len(self._in_flight) >= _MAX_IN_FLIGHT:
            self.metrics.answered("not-sent", 0.0)
            return
        task = asyncio.create_task(self._one())
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)

    async def _api_answers(self) -> bool:
        try:
            return (await self.http.get(f"{self.settings.api_url}/health")).status_code < 500
        except httpx.HTTPError:
            return False

    async def _one(self) -> None:
        await self.hooks()
        began, status = time.monotonic(), "failed"
        self._number += 1
        path, asked = (
            ("/v1/batches", self._document())
            if self._random.random() < _LATER
            else ("/v1/chat/completions", self._question())
        )
        user = {"Authorization": f"Bearer demo-user-{self._number % self.settings.load_users}"}
        try:
            status = str((await self.http.post(self.settings.api_url + path, json=asked, headers=user)).status_code)
        except httpx.TimeoutException:
            status = "timeout"
        except httpx.HTTPError:
            status = "failed"
        except asyncio.CancelledError:
            status = "cancelled"
            raise
        finally:
            self.metrics.answered(status, time.monotonic() - began)

    def _model(self) -> str:
        return self._random.choices(list(self._mix), list(self._mix.values()))[0]

    def _document(self) -> Json:
        return {"model": self._model(), "input": f"{self._number}: {_DOCUMENT}"}

    def _question(self) -> Json:
        question = self._random.choice(_QUESTIONS)
        if self._random.random() >= _REPEATED:
            question = f"{question} (ticket {self._number})"
        return {
            "model": self._model(),
            "max_tokens": self._random.choice(_TOKENS),
            "temperature": 0,
            "messages": [{"role": "user", "content": question}],
        }


if __name__ == "__main__":
    serve(Load)
