"""The HTTP pool against a real server: its limits hold, and what waited is counted."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from mcptop.demo.systems.http_pool import HttpPool


class Server:
    """Answers each request once `answer` is set, on connections that stay open."""

    def __init__(self) -> None:
        self.answer = asyncio.Event()
        self.connections = 0
        self.requests = 0
        self.changed = asyncio.Condition()
        self._writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        self.connections += 1
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                async with self.changed:
                    self.requests += 1
                    self.changed.notify_all()
                await self.answer.wait()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def saw(self, requests: int) -> None:
        async with asyncio.timeout(10), self.changed:
            await self.changed.wait_for(lambda: self.requests >= requests)


@pytest.fixture
async def server() -> AsyncIterator[tuple[Server, str]]:
    state = Server()
    listener = await asyncio.start_server(state.serve, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    yield state, f"http://127.0.0.1:{port}/"
    state.answer.set()
    listener.close()
    await listener.wait_closed()


async def test_defect_1_the_limits_hold_the_eleventh_of_ten_waits_and_times_out(server: tuple[Server, str]) -> None:
    state, url = server
    pool = HttpPool("models", keepalive=10, maximum=10, pool_timeout_s=0.05)
    busy = [asyncio.create_task(pool.get(url)) for _ in range(10)]
    await state.saw(10)
    assert (pool.stats().in_use, pool.stats().idle, pool.stats().max) == (10, 0, 10)
    with pytest.raises(httpx.PoolTimeout):
        await pool.get(url)
    # Defect 3: a pool timeout is visible, with the time it cost.
    full = pool.stats()
    assert (full.timeouts, full.waits) == (1, 1)
    assert full.wait_s >= 0.04
    assert state.connections == 10
    state.answer.set()
    assert [answer.text for answer in await asyncio.gather(*busy)] == ["ok"] * 10
    await pool.aclose()


async def test_defect_2_one_client_reuses_its_connection(server: tuple[Server, str]) -> None:
    state, url = server
    state.answer.set()
    pool = HttpPool("models")
    for _ in range(5):
        assert (await pool.post(url, json={})).status_code == 200
    assert state.connections == 1
    now = pool.stats()
    assert (now.in_use, now.idle, now.waiting, now.waits, now.wait_s) == (0, 1, 0, 0, 0.0)
    await pool.aclose()


async def test_a_waiting_request_is_seen_and_its_wait_is_counted(server: tuple[Server, str]) -> None:
    state, url = server
    now = [100.0]
    pool = HttpPool("models", maximum=1, pool_timeout_s=30, clock=lambda: now[0])
    first = asyncio.create_task(pool.get(url))
    await state.saw(1)
    second = asyncio.create_task(pool.get(url))
    while pool.stats().waiting != 1:
        await asyncio.sleep(0)
    now[0] += 2.5
    state.answer.set()
    await asyncio.gather(first, second)
    assert (pool.stats().waits, pool.stats().wait_s, pool.stats().timeouts) == (1, 2.5, 0)
    await pool.aclose()


async def test_a_cancelled_waiter_leaves_no_trace_in_the_pool(server: tuple[Server, str]) -> None:
    state, url = server
    pool = HttpPool("models", maximum=1, pool_timeout_s=30)
    first = asyncio.create_task(pool.get(url))
    await state.saw(1)
    second = asyncio.create_task(pool.get(url))
    while pool.stats().waiting != 1:
        await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    assert (pool.stats().waiting, pool.stats().waits) == (0, 1)
    state.answer.set()
    await first
    await pool.aclose()


async def test_defect_1_retries_reach_the_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = 0

    async def refuse(*_args: object, **_kw: object) -> object:
        nonlocal attempts
        attempts += 1
        raise OSError("refused")

    async def at_once(_seconds: float) -> None:
        return None

    monkeypatch.setattr("anyio.connect_tcp", refuse)
    monkeypatch.setattr("httpcore._backends.auto.AutoBackend.sleep", lambda _self, seconds: at_once(seconds))
    pool = HttpPool("models", retries=3)
    with pytest.raises(httpx.ConnectError):
        await pool.get("http://127.0.0.1:1/")
    assert attempts == 4
    await pool.aclose()


async def test_a_refused_connection_is_an_error_and_no_pool_wait() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        pool = HttpPool("models", retries=0)
        with pytest.raises(httpx.ConnectError):
            await pool.get(f"http://127.0.0.1:{unused.getsockname()[1]}/")
    assert (pool.stats().waits, pool.stats().in_use) == (0, 0)
    await pool.aclose()


async def test_what_this_httpx_hides_is_unknown_not_zero() -> None:
    pool = HttpPool("models")
    await pool.aclose()
    pool._transport = object()  # type: ignore[assignment]
    now = pool.stats()
    assert (now.in_use, now.idle, now.size, now.max, now.waiting) == (None, None, None, None, None)
    assert now.timeouts == 0
