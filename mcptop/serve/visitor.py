"""One visitor: a dashboard in a process of its own, which ends with the visit."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from contextlib import suppress

from aiohttp.web import WebSocketResponse
from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

from mcptop.serve.visit import SERVED

WIDEST, HIGHEST = 500, 200
"""A terminal in cells; a browser says what it likes."""
_END_S = 5.0
"""So long a dashboard may take to end before it is ended."""


class Visitor(AppService):
    """`start` once, `stop` always. Without a shell, and in a process group that can be ended with all in it."""

    def __init__(self, argv: Sequence[str], websocket: WebSocketResponse, downloads: DownloadManager) -> None:
        super().__init__(
            shlex.join(argv),
            write_bytes=websocket.send_bytes,
            write_str=websocket.send_str,
            close=self._leave,
            download_manager=downloads,
        )
        self._argv = argv
        self._websocket = websocket

    async def set_terminal_size(self, width: int, height: int) -> None:
        """Tell the dashboard how large it is now."""
        await super().set_terminal_size(max(1, min(width, WIDEST)), max(1, min(height, HIGHEST)))

    async def run(self) -> None:
        """Show what the dashboard draws until it ends, however it ends."""
        try:
            await super().run()
        finally:
            await self._leave()

    async def stop(self) -> None:
        """End the dashboard: asked first, then not any more."""
        process = self._process
        if process is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_S):
                await super().stop()
                await process.wait()
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    async def _leave(self) -> None:
        await self._websocket.close()

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        environment = self._build_environment(width=width, height=height) | {SERVED: str(os.getpid())}
        self._process = process = await asyncio.create_subprocess_exec(
            *self._argv, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment, start_new_session=True
        )
        self._stdin = process.stdin
        return process
