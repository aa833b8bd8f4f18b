"""HTTP clients under load against a real server."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import httpx
import pytest
import requests
import urllib3

from mcptop.instrument import read
from mcptop.instrument.registry import Registry
from tests.instrument.slow_http import SlowHttp
from tests.instrument.waiting import became, becomes, picked

FULL = {"in_use": 2, "idle": 0, "waiting": 1}


def _names(thing: object) -> dict[str, dict[str, float]]:
    registry = Registry()
    registry.watch(thing, "out")
    assert registry.errors.count == 0
    return {each.name: dict(each.figures) for each in registry.look()}


async def test_httpx_under_load(http: SlowHttp) -> None:
    limits = httpx.Limits(max_connections=2, max_keepalive_connections=1)
    async with httpx.AsyncClient(limits=limits, trust_env=False, timeout=20) as client:
        assert read(client) == {"size": 1, "max": 2, "in_use": 0, "idle": 0, "waiting": 0}
        asked = [asyncio.ensure_future(client.get(f"{http.url}/wait")) for _ in range(3)]
        await becomes(client, **FULL)
        http.answer()
        await asyncio.gather(*asked)
        assert read(client) == {"size": 1, "max": 2, "in_use": 0, "idle": 1, "waiting": 0}


def test_httpx_of_threads(http: SlowHttp) -> None:
    limits = httpx.Limits(max_connections=2)
    with httpx.Client(limits=limits, trust_env=False, timeout=20) as client, ThreadPoolExecutor(3) as threads:
        asked = [threads.submit(client.get, f"{http.url}/wait") for _ in range(3)]
        became(client, **FULL, max=2, size=2)
        http.answer()
        assert [each.result(20).text for each in asked] == ["ok"] * 3


def test_httpx_without_limits_has_no_maximum() -> None:
    with httpx.Client(limits=httpx.Limits(), trust_env=False) as client:
        assert picked(client, "size", "max", "in_use") == {"size": None, "max": None, "in_use": 0}


def test_a_transport_of_its_own_ignores_the_clients_limits() -> None:
    limits = httpx.Limits(max_connections=7)
    transport = httpx.HTTPTransport()
    with httpx.Client(transport=transport, limits=limits) as client:
        assert read(client)["max"] == 100
        assert read(client) == read(transport) == read(transport._pool)


def test_each_mount_is_a_pool_of_its_own() -> None:
    """A transport that serves two patterns is one pool; a pattern without a proxy has none."""
    internal = httpx.HTTPTransport(limits=httpx.Limits(max_connections=3))
    mounts = {"all://a.internal": internal, "all://b.internal": internal, "https://": httpx.HTTPTransport(),
              "http://localhost": None}  # fmt: skip
    with httpx.Client(mounts=mounts, trust_env=False) as client:
        found = _names(client)
        assert {name.split(" ")[0] for name in found} == {"out"}
        assert sorted(figures["max"] for figures in found.values()) == [3, 100, 100]
        assert {"out", "out https://"} < found.keys()
        assert read(client)["max"] == 100


def test_a_transport_without_a_pool_has_no_figures() -> None:
    with httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200))) as client:
        assert client.get("http://x/").status_code == 200
        assert _names(client) == {}


async def test_aiohttp_under_load(http: SlowHttp) -> None:
    async def get() -> None:
        async with session.get(f"{http.url}/wait") as answer:
            await answer.read()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=2)) as session:
        assert read(session) == {"max": 2, "in_use": 0, "idle": 0, "waiting": 0}
        asked = [asyncio.ensure_future(get()) for _ in range(3)]
        await becomes(session, **FULL)
        assert read(session.connector) == read(session)
        http.answer()
        await asyncio.gather(*asked)
        assert picked(session, "in_use", "idle", "waiting") == {"in_use": 0, "idle": 2, "waiting": 0}
    assert read(session) == {}


async def test_aiohttp_without_a_limit_has_no_maximum() -> None:
    async with aiohttp.TCPConnector(limit=0) as connector:
        assert picked(connector, "max", "in_use") == {"max": None, "in_use": 0}


def test_urllib3_under_load(http: SlowHttp) -> None:
    with urllib3.PoolManager(maxsize=2, block=True) as manager, ThreadPoolExecutor(3) as threads:
        pool = manager.connection_from_url(http.url)
        asked = [threads.submit(manager.request, "GET", f"{http.url}/wait") for _ in range(3)]
        became(pool, **FULL, size=2, max=2)
        http.answer()
        assert [each.result(20).data for each in asked] == [b"ok"] * 3
        became(pool, in_use=0, idle=2, waiting=0)
        assert _names(manager).keys() == {f"out {http.url}"}
        pool.close()
        assert read(pool) == _names(manager) == {}


def test_requests_has_a_pool_for_each_host(http: SlowHttp) -> None:
    """It does not block: more connections than its size are opened and thrown away, so there is no maximum."""
    with requests.Session() as session:
        session.trust_env = False
        assert session.get(http.url).text == "ok"
        session.mount("http://localhost", requests.adapters.HTTPAdapter(pool_maxsize=3, pool_block=True))
        here = http.url.replace("127.0.0.1", "localhost")
        assert session.get(here).text == "ok"
        assert _names(session) == {
            f"out {http.url}": {"size": 10, "in_use": 0, "idle": 1, "waiting": 0},
            f"out http://localhost {here}": {"size": 3, "max": 3, "in_use": 0, "idle": 1, "waiting": 0},
        }


@pytest.mark.parametrize("client", [httpx.Client, httpx.AsyncClient])
def test_a_client_that_hides_its_pool_has_no_figures(client: type) -> None:
    made = client(trust_env=False)
    made._transport._pool = object()
    registry = Registry()
    registry.watch(made, "out")
    assert [dict(each.figures) for each in registry.look()] == [{}]
    assert registry.errors.count > 0
