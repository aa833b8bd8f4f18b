"""A real browser without a window, driven over its debugging socket."""

from __future__ import annotations

import asyncio
import base64
import itertools
import re
import shutil
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

NAMES = ("chromium", "chromium-browser", "google-chrome")
PROGRAM = next((found for name in NAMES if (found := shutil.which(name))), None)
_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--enable-unsafe-swiftshader", "--hide-scrollbars",
          "--no-first-run", "--window-size=1400,900", "--remote-debugging-port=0")  # fmt: skip


class Tab:
    """One page: what it loaded, what came over its websockets, what it looks like."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.loaded: list[str] = []
        """Addresses of all that was asked for."""
        self.blocked: list[str] = []
        """What the page's policy forbade, and other errors."""
        self.received = bytearray()

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """A command of the debugging protocol; meanwhile events are noted."""
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        while True:
            message = await self._socket.receive_json()
            if message.get("id") == number:
                return dict(message.get("result", message))
            self._note(message)

    async def until_received(self, text: bytes) -> None:
        """Wait until this was drawn."""
        while text not in self.received:
            self._note(await self._socket.receive_json())

    async def evaluate(self, script: str) -> Any:
        """The value of an expression in the page."""
        return (await self.call("Runtime.evaluate", expression=script, awaitPromise=True))["result"].get("value")

    async def picture(self) -> bytes:
        """PNG."""
        return base64.b64decode((await self.call("Page.captureScreenshot"))["data"])

    def _note(self, message: dict[str, Any]) -> None:
        params = message.get("params", {})
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.loaded.append(params["request"]["url"])
            case "Network.webSocketCreated":
                self.loaded.append(params["url"])
            case "Network.webSocketFrameReceived" if params["response"]["opcode"] == aiohttp.WSMsgType.BINARY:
                self.received += base64.b64decode(params["response"]["payloadData"])
            case "Log.entryAdded":
                self.blocked.append(params["entry"]["text"])


@asynccontextmanager
async def browser(folder: Path) -> AsyncIterator[Browser]:
    """One with a profile of its own."""
    assert PROGRAM is not None
    process = await asyncio.create_subprocess_exec(
        PROGRAM, *_FLAGS, f"--user-data-dir={folder}", "about:blank", stdout=DEVNULL, stderr=PIPE
    )
    assert process.stderr is not None
    try:
        port = await _port(process.stderr)
        # What it says later is of no interest, but it must be able to say it.
        rest = asyncio.create_task(process.stderr.read())
        async with aiohttp.ClientSession() as session:
            yield Browser(session, port)
    finally:
        process.terminate()
        await process.wait()
    await rest


class Browser:
    """Opens pages."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self._session, self._port = session, port

    @asynccontextmanager
    async def open(self, address: str) -> AsyncIterator[Tab]:
        """A page of its own; closed at the end."""
        base = f"http://127.0.0.1:{self._port}/json"
        async with self._session.put(f"{base}/new?about:blank") as answer:
            target = await answer.json()
        async with self._session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
            tab = Tab(socket)
            for domain in ("Network", "Page", "Runtime", "Log"):
                await tab.call(f"{domain}.enable")
            await tab.call("Page.navigate", url=address)
            yield tab
        async with self._session.get(f"{base}/close/{target['id']}"):
            pass


async def _port(says: asyncio.StreamReader) -> int:
    """The one it chose."""
    async for line in says:
        if found := re.match(rb"DevTools listening on ws://127\.0\.0\.1:(\d+)/", line):
            return int(found[1])
    raise AssertionError("the browser ended")
