"""An httpx transport whose timeout is one deadline for the whole exchange, held at the socket.

httpx has a timeout for each read only: an endpoint that sends a byte now and then, in its headers say, is waited for
without end. Here each operation on the socket gets what is left of the exchange's time.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any, cast

import httpcore
import httpx

_MOST_CONNECTIONS = 64
_SLICE_S = 0.2
"""Between two looks at whether an answer is still wanted."""
_KEPT_S = 60.0
"""Longer than the pause between two looks at an endpoint; one that is forgotten is not held on to."""


class DeadlineTransport(httpx.BaseTransport):
    """Sends requests with a pool of httpcore's. Raises httpcore's errors, not those of httpx."""

    def __init__(self, trust: ssl.SSLContext | None = None, over: threading.Event | None = None) -> None:
        """`trust`: whose certificates count, where not those that come with httpcore. `over`: nobody waits any more."""
        self._pool = httpcore.ConnectionPool(
            ssl_context=trust,
            max_connections=_MOST_CONNECTIONS,
            keepalive_expiry=_KEPT_S,
            network_backend=_Backend(over),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, its body not read yet; `timeout` (httpx's, in seconds) counts from here to the body's end."""
        seconds = request.extensions["timeout"]["read"]
        ends = time.monotonic() + seconds
        url = request.url
        answer = self._pool.handle_request(
            httpcore.Request(
                request.method,
                httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=cast("Iterable[bytes]", request.stream),
                # The pool hands these to our sockets as they are: moments, not spans.
                extensions={"timeout": {"connect": ends, "read": ends, "write": ends, "pool": seconds}},
            )
        )
        body = _Body(cast("httpcore.ConnectionInterface", answer.stream))
        return httpx.Response(answer.status, headers=answer.headers, stream=body, extensions=answer.extensions)

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()


class _Body(httpx.SyncByteStream):
    """A body as httpcore gives it, in the form httpx wants."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream

    def close(self) -> None:
        self._stream.close()


def _left(ends: float | None, error: type[httpcore.TimeoutException]) -> float | None:
    """Seconds until then. Raises `error` when it has passed."""
    if ends is None:
        return None
    left = ends - time.monotonic()
    if left <= 0:
        raise error("no complete answer in time")
    return left


class _Backend(httpcore.NetworkBackend):
    """httpcore's own, told a moment where it expects a span."""

    def __init__(self, over: threading.Event | None) -> None:
        self._plain = httpcore.SyncBackend()
        self._over = over

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._plain.connect_tcp(host, port, left, local_address, socket_options), self._over)


class _Stream(httpcore.NetworkStream):
    """A connection whose operations are over at a moment."""

    def __init__(self, stream: httpcore.NetworkStream, over: threading.Event | None) -> None:
        self._stream = stream
        self._over = over

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        while True:
            left = _left(timeout, httpcore.ReadTimeout)
            if self._over is None or left is None or left <= _SLICE_S:
                return self._stream.read(max_bytes, left)
            try:
                return self._stream.read(max_bytes, _SLICE_S)
            except httpcore.ReadTimeout:
                if self._over.is_set():
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._over)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
