"""What stands before a Prometheus: wants a token, takes its time, answers something else. On loopback, gone after."""

from __future__ import annotations

import contextlib
import http.client
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple


class Said(NamedTuple):
    """An answer instead of Prometheus' own."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


class Front:
    """Hands requests on to a port. A context manager."""

    def __init__(self, port: int, certificate: Path | None = None) -> None:
        """`certificate`: a file with certificate and key, for HTTPS."""
        self._behind = port
        self.authorization: str | None = None
        """The header without which it answers 401."""
        self.delay_s = 0.0
        self.says: Said | None = None
        self.prefix = ""
        """A path below which Prometheus is."""
        self.asked: list[str] = []
        """The bodies of what was asked for."""
        self.answered = 0
        """Bytes, all answers together."""
        front = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                front._answer(self, self.rfile.read(int(self.headers.get("content-length", 0))))

            do_GET = do_POST

            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    super().handle()

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.port}"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            # The handshake is the handler's, so that one that fails holds nobody up.
            self._server.socket = context.wrap_socket(self._server.socket, True, do_handshake_on_connect=False)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def _answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        self.asked.append(body.decode())
        self._ended.wait(self.delay_s)
        try:
            self._send(handler, self._reply(handler, body))
        except OSError:
            return

    def _reply(self, handler: BaseHTTPRequestHandler, body: bytes) -> Said:
        if self.authorization is not None and handler.headers.get("authorization") != self.authorization:
            return Said(401, b"who are you?")
        if self.says is not None:
            return self.says
        if not handler.path.startswith(self.prefix):
            return Said(404, b"<html>not here</html>")
        behind = http.client.HTTPConnection("127.0.0.1", self._behind, timeout=20)
        try:
            kind = {"content-type": handler.headers.get("content-type", "text/plain")}
            behind.request(handler.command, handler.path.removeprefix(self.prefix), body, kind)
            answer = behind.getresponse()
            return Said(answer.status, answer.read(), (("content-type", "application/json"),))
        finally:
            behind.close()

    def _send(self, handler: BaseHTTPRequestHandler, said: Said) -> None:
        self.answered += len(said.body)
        handler.send_response(said.status)
        for name, value in (*said.headers, ("content-length", str(len(said.body)))):
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(said.body)

    def __enter__(self) -> Front:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def seconds(start: float) -> float:
    """Since then, by a clock that nobody sets."""
    return time.monotonic() - start
