"""`mcptop serve` as a program: what it answers, whom it lets in, and that nothing is left of it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest

from tests.serve import chromium

ENVIRONMENT = os.environ | {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}
SERVE = (sys.executable, "-m", "mcptop", "serve")
PATIENCE_S = 60
CLOSED = """new Promise(seen => {
    const look = () => document.body.classList.contains("-closed") && seen(true);
    new MutationObserver(look).observe(document.body, {attributes: true});
    look();
})"""


class Served:
    """A server that runs, and a client for it."""

    def __init__(self, process: Process, address: str, session: aiohttp.ClientSession) -> None:
        self.process, self.address, self.session = process, address, session
        found = re.fullmatch(r"(http://127\.0\.0\.1:(\d+))/\?token=([\w-]{32})", address)
        assert found is not None
        self.base, self.port, self.token = found[1], int(found[2]), found[3]

    async def status(self, path: str, **headers: str) -> int:
        """Of a request."""
        async with self.session.get(f"{self.base}{path}", headers=headers) as answer:
            return answer.status

    def visit(self, token: str = "", **headers: str) -> aiohttp.client._WSRequestContextManager:
        """A visit, as the page's code makes it."""
        address = f"{self.base}/ws/{token or self.token}?width=120&height=36"
        return self.session.ws_connect(address, headers={"Origin": self.base} | headers)

    def dashboards(self) -> list[int]:
        """Processes of its visitors."""
        pid = self.process.pid
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@asynccontextmanager
async def served(*options: str) -> AsyncIterator[Served]:
    process = await asyncio.create_subprocess_exec(*SERVE, "--port", "0", *options, stdout=PIPE, env=ENVIRONMENT)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE_S), aiohttp.ClientSession() as session:
            line = (await process.stdout.readline()).decode()
            yield Served(process, line.removeprefix("mcptop: ").strip(), session)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def seen(visit: aiohttp.ClientWebSocketResponse, text: bytes) -> None:
    """Until this was drawn."""
    drawn = b""
    while text not in drawn:
        message = await visit.receive()
        assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), message
        drawn += message.data if isinstance(message.data, bytes) else b""


async def gone(pids: list[int]) -> None:
    """Until all of them have ended."""
    for pid in pids:
        with suppress(ProcessLookupError):
            await ended(os.pidfd_open(pid))


async def ended(handle: int) -> None:
    """A process that has ended makes its descriptor readable."""
    loop, event = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(handle, event.set)
    try:
        await event.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)


async def test_only_this_machines_pages_with_the_token_are_answered() -> None:
    async with served() as server:
        page = f"/?token={server.token}"
        assert await server.status(page) == 200
        assert await server.status("/") == await server.status("/?token=wrong") == 403
        assert await server.status(page, Host="evil.example") == 403
        assert await server.status(page, Origin="http://evil.example") == 403
        assert await server.status("/static/js/textual.js", Host="evil.example") == 403
        assert await server.status("/static/") == 403
        assert await server.status(f"/download/x?token={server.token}") == 404
        for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}, {"Origin": "null"}):
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await server.visit(**headers)
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await server.visit("wrong")
        assert server.dashboards() == []


async def test_it_listens_on_loopback_only() -> None:
    async with served() as server:
        tables = "".join(Path(f"/proc/net/{name}").read_text() for name in ("tcp", "tcp6"))
        listening = re.findall(rf": (\w+:{server.port:04X}) \w+:0000 0A ", tables)
        assert listening == [f"0100007F:{server.port:04X}"]


async def test_a_page_loads_nothing_from_elsewhere_and_may_not() -> None:
    async with served() as server, server.session.get(server.address) as answer:
        page = await answer.text()
        policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert f"connect-src ws://127.0.0.1:{server.port};" in policy
    assert "unsafe-eval" not in policy
    assert re.findall(r"(?:https?|wss?)://[^\"'/]+", page) == [f"ws://127.0.0.1:{server.port}"]
    assert "<script>" not in page


async def test_a_visit_is_a_dashboard_that_takes_keys_writes_no_files_and_ends(tmp_path: Path) -> None:
    async with served() as server:
        async with server.visit() as visit:
            await seen(visit, b"host processes")
            (pid,) = server.dashboards()
            cwd = set(Path().iterdir())
            for key in ("\x13", "H"):
                await visit.send_json(["stdin", key])
                await seen(visit, b"no files are written from a browser")
            assert set(Path().iterdir()) == cwd
        await gone([pid])
        assert await server.status(f"/?token={server.token}") == 200


async def test_q_ends_the_session() -> None:
    async with served() as server, server.visit() as visit:
        await seen(visit, b"host processes")
        await visit.send_json(["stdin", "q"])
        async for _ in visit:
            pass
        assert visit.closed
        await gone(server.dashboards())


@pytest.mark.parametrize(
    "nonsense", ["[", "{}", "[]", '["stdin"]', '["resize", {}]', '["resize", {"width": "x", "height": 1}]']
)
async def test_nonsense_ends_the_visit_only(nonsense: str) -> None:
    async with served() as server:
        async with server.visit() as visit:
            await visit.send_str(nonsense)
            async for _ in visit:
                pass
            assert visit.close_code == aiohttp.WSCloseCode.PROTOCOL_ERROR
        await gone(server.dashboards())
        assert await server.status(f"/?token={server.token}") == 200


async def test_one_visitor_too_many_is_told_so_until_another_leaves() -> None:
    async with served("--visitors", "2") as server, AsyncExitStack() as visits:
        for _ in range(2):
            await seen(await visits.enter_async_context(server.visit()), b"host processes")
        with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
            await server.visit()
        async with server.session.get(server.address) as answer:
            assert (answer.status, "2 visitors are here" in await answer.text()) == (503, True)
        assert len(server.dashboards()) == 2
        await visits.aclose()
        assert await server.status(f"/?token={server.token}") == 200


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
async def test_nothing_is_left_however_it_ends(number: signal.Signals) -> None:
    async with served() as server, server.visit() as one, server.visit() as two:
        await seen(one, b"host processes")
        await seen(two, b"host processes")
        pids = server.dashboards()
        assert len(pids) == 2
        server.process.send_signal(number)
        assert await server.process.wait() == (0 if number != signal.SIGKILL else -number)
        await gone(pids)


def test_a_port_that_is_taken_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run([*SERVE, "--port", str(port)], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 2
    assert re.fullmatch(
        rf"mcptop: cannot listen on 127.0.0.1:{port}: .*in use.*; choose another with --port\n", done.stderr
    )


def test_a_mistake_in_the_settings_is_said_at_once() -> None:
    done = subprocess.run([*SERVE, "--interval", "0"], capture_output=True, text=True, timeout=PATIENCE_S)
    assert (done.returncode, done.stdout) == (2, "")
    assert "interval" in done.stderr


def test_without_the_extra_it_says_how_to_get_it() -> None:
    without = "import sys; sys.modules['textual_serve'] = None; sys.argv[1:] = ['serve']"
    code = f"{without}; from mcptop.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 2
    assert done.stderr == "mcptop: serve needs a package that is not here: pip install 'mcptop[serve]'\n"


@pytest.mark.skipif(chromium.PROGRAM is None, reason="no chromium, chromium-browser or google-chrome here")
async def test_a_real_browser_shows_it(tmp_path: Path) -> None:
    async with served() as server, chromium.browser(tmp_path) as browser, browser.open(server.address) as tab:
        await tab.until_received(b"host processes")
        assert "-first-byte" in await tab.evaluate("document.body.className")
        assert await tab.evaluate("document.fonts.check('15px \"Roboto Mono\"')")
        assert tab.blocked == []
        places = {address.partition("://")[2].partition("/")[0] for address in tab.loaded}
        assert places == {f"127.0.0.1:{server.port}"}
        await tab.evaluate("new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
        picture = await tab.picture()
        if kept := os.environ.get("MCPTOP_KEEP_PICTURE"):
            Path(kept).write_bytes(picture)
        # A page without text, or with the note that it starts, has less than a tenth of that.
        assert len(picture) > 30_000
        server.process.terminate()
        await server.process.wait()
        assert await tab.evaluate(CLOSED)
