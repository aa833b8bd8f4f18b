"""One HTTP client, and so one pool of connections, for the life of the service.

Retries and limits belong to the transport: `AsyncClient` takes no `retries`, and its own limits are ignored
once it is given a transport. Retries cover failed connects only. A request that finds no free connection
within `pool_timeout_s` fails with `httpx.PoolTimeout`, which nothing retries; here it is counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

from mcptop.demo.systems.stats import PoolStats, total
from mcptop.instrument import read

_CONNECT_S = 5.0
_WRITE_S = 5.0


class _SlotWait:
    """How long one request waited for a connection: until httpcore's first event about it, or its end."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._started = clock()
        self._seconds: float | None = None

    async def trace(self, _event: str, _info: object) -> None:
        self._seconds = self.seconds()

    def seconds(self) -> float:
        return self._clock() - self._started if self._seconds is None else self._seconds


class HttpPool:
    """A pooled HTTP client that can say how full its pool is. Raises what httpx raises."""

    def __init__(
        self,
        name: str,
        *,
        keepalive: int = 100,
        maximum: int = 100,
        retries: int = 3,
        timeout_s: float = 30.0,
        pool_timeout_s: float = 1.0,
        keepalive_expiry_s: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        limits = httpx.Limits(
            max_connections=maximum, max_keepalive_connections=keepalive, keepalive_expiry=keepalive_expiry_s
        )
        self._transport = httpx.AsyncHTTPTransport(retries=retries, limits=limits)
        timeout = httpx.Timeout(connect=_CONNECT_S, read=timeout_s, write=_WRITE_S, pool=pool_timeout_s)
        self._client = httpx.AsyncClient(transport=self._transport, timeout=timeout, trust_env=False)
        self._name = name
        self._clock = clock
        self._waits = 0
        self._wait_s = 0.0
        self._timeouts = 0

    async def request(self, method: str, url: str, **kw: Any) -> httpx.Response:
        """One request; its whole body is read, so its connection is free again. The `trace` extension is taken."""
        wait = _SlotWait(self._clock)
        extensions = {**(kw.pop("extensions", None) or {}), "trace": wait.trace}
        # Without this look a busy event loop would be booked as a busy pool.
        must_wait = self._full()
        try:
            return await self._client.request(method, url, extensions=extensions, **kw)
        except httpx.PoolTimeout:
            must_wait = True
            self._timeouts += 1
            raise
        finally:
            if must_wait:
                self._waits += 1
                self._wait_s += wait.seconds()

    async def get(self, url: str, **kw: Any) -> httpx.Response:
        """GET; see `request`."""
        return await self.request("GET", url, **kw)

    async def post(self, url: str, **kw: Any) -> httpx.Response:
        """POST; see `request`."""
        return await self.request("POST", url, **kw)

    def _full(self) -> bool:
        now = self.stats()
        return now.in_use is not None and now.max is not None and now.in_use >= now.max

    def stats(self) -> PoolStats:
        """The pool now. httpx does not publish its pool: what this version of it hides is None."""
        now = read(self._transport)
        return PoolStats(
            name=self._name,
            in_use=total("in_use", now),
            idle=total("idle", now),
            size=total("size", now),
            max=total("max", now),
            waiting=total("waiting", now),
            waits=self._waits,
            wait_s=self._wait_s,
            timeouts=self._timeouts,
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()
