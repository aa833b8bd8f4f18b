"""HTTP for few and well-known readers: a thread for each of a bounded number of connections, one request on each.

Nothing here waits for a client longer than a few seconds, or reads more of one than a few kilobytes.
"""

from __future__ import annotations

import io
import socket
import socketserver
import ssl
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any

from mcptop.exporter.answers import Answer, Answers
from mcptop.exporter.plan import Plan

_MOST_CONNECTIONS = 16
_REQUEST_S, _ANSWER_S = 5.0, 30.0
"""So long a whole request, with its handshake, and so long a whole answer may take."""
_LONGEST_REQUEST = 16 << 10
"""Bytes; a scraper's request has a few hundred."""


class ListenError(Exception):
    """The address is taken or not of this machine; one line: why, and what to do."""


class _Patient(io.RawIOBase):
    """Reads a socket up to a moment and up to a size, whatever the pace of the other side."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection, self._deadline, self._room = connection, deadline, _LONGEST_REQUEST

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left_s = self._deadline - time.monotonic()
        if left_s <= 0 or self._room <= 0:
            raise TimeoutError("the request takes too long, or is too long")
        self._connection.settimeout(left_s)
        count = self._connection.recv_into(memoryview(buffer)[: self._room])
        self._room -= count
        return count


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        super().setup()
        self.rfile = io.BufferedReader(_Patient(self.connection, time.monotonic() + _REQUEST_S), _LONGEST_REQUEST)

    def do_GET(self) -> None:
        headers = self.headers
        self._send(self.server.answers.answer(self.command, self.path, {name: headers[name] for name in headers}))

    do_HEAD = do_GET
    do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_TRACE = do_CONNECT = do_GET

    def _send(self, answer: Answer) -> None:
        self.connection.settimeout(_ANSWER_S)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def version_string(self) -> str:
        return "mcptop"

    def log_message(self, *_: Any) -> None:
        """Nothing: what a client sends is no message of ours."""


class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Listens from the start on. `run` serves until `stop`. Raises `ListenError`."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, plan: Plan, answers: Answers) -> None:
        self.answers = answers
        self._tls = plan.tls
        self._places = threading.BoundedSemaphore(_MOST_CONNECTIONS)
        self.address_family = socket.AF_INET6 if ":" in plan.address else socket.AF_INET
        try:
            super().__init__((plan.address, plan.port), _Handler)
        except OSError as error:
            shown = f"[{plan.address}]" if ":" in plan.address else plan.address
            why = (error.strerror or str(error)).lower()
            message = f"cannot listen on {shown}:{plan.port}: {why}; choose another with --listen"
            raise ListenError(message) from None

    @property
    def url(self) -> str:
        """Where its pages are."""
        host, port = self.server_address[:2]
        shown = f"[{host!s}]" if self.address_family == socket.AF_INET6 else str(host)
        return f"{'https' if self._tls else 'http'}://{shown}:{port}/"

    def get_request(self) -> tuple[socket.socket, Any]:
        """The next connection."""
        try:
            return super().get_request()
        except OSError:  # out of descriptors, say: not again at once
            time.sleep(0.1)
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        """In a thread of its own while there is a place for one."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no more threads
            self._places.release()
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer it, and give the place back."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands first, where there is TLS."""
        # What a client does wrong, or does not do in time, ends its connection and is no event.
        with suppress(OSError):  # ssl.SSLError is one
            if self._tls is None:
                super().finish_request(request, client_address)
                return
            request.settimeout(_REQUEST_S)
            with self._tls.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)
                with suppress(ssl.SSLError, OSError):
                    secured.settimeout(1.0)
                    secured.unwrap()
