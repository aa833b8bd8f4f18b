"""ui: a page that shows the state of the stack."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from html import escape
from importlib import resources
from string import Template

import httpx
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from mcptop import units
from mcptop.demo.services.base import Json, Service
from mcptop.demo.services.serving import serve
from mcptop.demo.services.settings import Settings
from mcptop.demo.systems.http_pool import HttpPool
from mcptop.demo.systems.stats import PoolStats

_EVERY_S = 2.0


class Ui(Service):
    """Asks every service for its status and shows it."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.http = HttpPool("stack", maximum=20, keepalive=20, retries=0, timeout_s=2.0)
        self._urls = {
            "mcp-api": settings.api_url,
            "mcp-worker": settings.worker_url,
            "model-runner": settings.model_runner_url,
        }
        self._seen: dict[str, Json] = {}
        self._page = Template((resources.files(__package__) / "ui.html").read_text(encoding="utf-8"))

    def routes(self) -> Iterable[Route]:
        """The page, and what it is made of."""
        return (Route("/", self._show), Route("/stack.json", self._stack))

    async def start(self) -> None:
        """Keep looking."""
        self.go(self._look())

    async def stop(self) -> None:
        """Close the pool."""
        await self.http.aclose()

    def pools(self) -> Iterable[PoolStats]:
        """Connections to the other services."""
        return (self.http.stats(),)

    async def _look(self) -> None:
        while True:
            found = await asyncio.gather(*(self._ask(url) for url in self._urls.values()))
            self._seen = dict(zip(self._urls, found, strict=True))
            await asyncio.sleep(_EVERY_S)

    async def _ask(self, url: str) -> Json:
        try:
            answer = await self.http.get(f"{url}/status")
            found: Json = answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as problem:
            return {"error": f"{type(problem).__name__}: {problem}"}
        return found

    async def _stack(self, request: Request) -> Response:
        return JSONResponse(self._seen)

    async def _show(self, request: Request) -> Response:
        rows = "".join(_row(name, state) for name, state in self._seen.items())
        return HTMLResponse(self._page.substitute(rows=rows))


def _row(name: str, state: Json) -> str:
    if "error" in state:
        return f'<tr class="bad"><th>{escape(name)}</th><td colspan="4">{escape(state["error"])}</td></tr>'
    cells = (
        _memory(state["memory"]),
        "".join(_pool(each) for each in state["pools"]),
        "".join(_queue(each) for each in state["queues"]),
        "".join(_share(f"{model} {units.long_size(size)}") for model, size in state["models"].items()),
    )
    return f"<tr><th>{escape(name)}</th>" + "".join(f"<td>{cell or units.UNKNOWN}</td>" for cell in cells) + "</tr>"


def _memory(memory: Json) -> str:
    used, limit = memory["used_bytes"], memory["limit_bytes"]
    says = units.long_size(used) + (f" of {units.long_size(limit)}" if limit else "")
    return _share(says, used, limit)


def _pool(pool: Json) -> str:
    waiting = f", {pool['waiting']} waiting" if pool["waiting"] else ""
    return _share(_of(pool["name"], pool["in_use"], pool["max"]) + waiting, pool["in_use"], pool["max"], bool(waiting))


def _queue(queue: Json) -> str:
    depth, capacity = queue["depth"], queue["capacity"]
    return _share(_of(queue["name"], depth, capacity), depth, capacity)


def _of(name: str, value: int | None, most: int | None) -> str:
    known = [units.UNKNOWN if each is None else str(each) for each in (value, most)]
    return f"{name} {known[0]} of {known[1]}"


def _share(says: str, value: int | None = None, most: int | None = None, bad: bool = False) -> str:
    """A line, with a bar before it where the share is known."""
    bar = f'<meter value="{value}" max="{most}"></meter> ' if value is not None and most else ""
    opening = '<div class="bad">' if bad else "<div>"
    return f"{opening}{bar}{escape(says)}</div>"


if __name__ == "__main__":
    serve(Ui)
