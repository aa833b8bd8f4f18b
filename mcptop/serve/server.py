"""The server: a page, the terminal's code and fonts, and one websocket for each visitor. On loopback only."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import Sequence
from pathlib import Path

from aiohttp import WSCloseCode, web
from aiohttp.typedefs import Handler
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from textual_serve.server import Server, to_int

from mcptop.serve.gate import is_token, refusal
from mcptop.serve.visitor import HIGHEST, WIDEST, Visitor

ADDRESS = "127.0.0.1"
_LEAVING_S = 3.0
"""So long a new visitor waits for the place of one who is just leaving: whoever loads the page again is both."""
_ALIVE_S, _CLOSING_S = 15.0, 2.0
"""So often a page must show that it is there, and so long it may take to say goodbye."""
_LONGEST = 1 << 16
"""Of a message of a visitor, in bytes: much text can be pasted into a filter line."""
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self' data:; "
    "connect-src ws://{host}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class ServeError(Exception):
    """It cannot be served; one line: why, and what to do."""


class LocalServer(Server):
    """Runs `argv` for each visitor, for `most` at a time."""

    def __init__(self, argv: Sequence[str], port: int, most: int) -> None:
        super().__init__(argv[0], host=ADDRESS, port=port, title="mcptop")
        self._argv, self._most = argv, most
        self._token = secrets.token_urlsafe(24)
        self._places = asyncio.Semaphore(most)
        self._open: set[web.WebSocketResponse] = set()
        folder = FileSystemLoader(Path(__file__).parent / "templates")
        made = Environment(loader=folder, autoescape=True, undefined=StrictUndefined)
        self._page = made.get_template("page.html")

    @property
    def address(self) -> str:
        """Where a browser finds it; the token is in it."""
        return f"http://{ADDRESS}:{self.port}/?token={self._token}"

    async def until_stopped(self) -> None:
        """Serve until a signal says to end; nothing of a visitor is left. Raises `ServeError`."""
        stopped = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        runner = web.AppRunner(await self._make_app(), access_log=None)
        await runner.setup()
        try:
            self.port = await _listening(runner, self.port)
            print(f"mcptop: {self.address}\nmcptop: on this machine only, read-only; Ctrl+C ends it", flush=True)
            await stopped.wait()
        finally:
            await runner.cleanup()

    async def _make_app(self) -> web.Application:
        app = web.Application(middlewares=[self._guarded])
        app.add_routes([
            web.get("/", self.handle_index),
            web.get("/ws/{token}", self.handle_websocket),
            web.static("/static", self.statics_path),
        ])  # fmt: skip
        app.on_response_prepare.append(_protect)
        app.on_shutdown.append(self.on_shutdown)
        return app

    async def on_shutdown(self, app: web.Application) -> None:
        """Every visit ends, and with it its process."""
        await asyncio.gather(*(each.close(code=WSCloseCode.GOING_AWAY) for each in set(self._open)))
        for _ in range(self._most):
            await self._places.acquire()

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        is_socket = request.path.startswith("/ws/")
        if why := refusal(request.headers.get("Host", ""), request.headers.get("Origin"), is_socket):
            raise web.HTTPForbidden(text=f"mcptop: {why}\n")
        given = request.match_info.get("token", "") if is_socket else request.query.get("token", "")
        if not request.path.startswith("/static/") and not is_token(given, self._token):
            raise web.HTTPForbidden(text="mcptop: take the whole address that `mcptop serve` printed, with its token\n")
        return await handler(request)

    async def handle_index(self, request: web.Request) -> web.Response:
        """The page, where there is a place."""
        try:
            async with asyncio.timeout(_LEAVING_S), self._places:
                pass
        except TimeoutError:
            raise self._full() from None
        page = self._page.render(
            websocket=f"ws://{request.host}/ws/{self._token}", token=self._token,
            size=min(40, max(8, to_int(request.query.get("fontsize", ""), 15))),
        )  # fmt: skip
        return web.Response(text=page, content_type="text/html")

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """A visit."""
        if self._places.locked():
            raise self._full()
        async with self._places:
            websocket = web.WebSocketResponse(heartbeat=_ALIVE_S, timeout=_CLOSING_S, max_msg_size=_LONGEST)
            await websocket.prepare(request)
            visitor = Visitor(self._argv, websocket, self.download_manager)
            self._open.add(websocket)
            try:
                await visitor.start(_cells(request, "width", 80, WIDEST), _cells(request, "height", 24, HIGHEST))
                await self._process_messages(websocket, visitor)
            except (ValueError, AssertionError, LookupError, TypeError):  # not what the page's code sends
                await websocket.close(code=WSCloseCode.PROTOCOL_ERROR)
            finally:
                self._open.discard(websocket)
                await visitor.stop()
        return websocket

    def _full(self) -> web.HTTPServiceUnavailable:
        says = f"mcptop: {self._most} visitors are here, the most it lets in; close a page, or start it with --visitors"
        return web.HTTPServiceUnavailable(text=f"{says}\n")


def _cells(request: web.Request, name: str, otherwise: int, most: int) -> int:
    return max(1, min(to_int(request.query.get(name, ""), otherwise), most))


async def _protect(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)
    response.headers["Content-Security-Policy"] = _POLICY.format(host=request.host)


async def _listening(runner: web.AppRunner, port: int) -> int:
    try:
        await web.TCPSite(runner, ADDRESS, port).start()
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise ServeError(f"cannot listen on {ADDRESS}:{port}: {why}; choose another with --port") from None
    return int(runner.addresses[0][1])
