"""An HTTP server on loopback: `/` is answered at once, `/wait` when the test says so. Connections stay open."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class SlowHttp:
    """Its address is `url`; everybody at `/wait` is answered after `answer()`."""

    def __init__(self) -> None:
        self._answer = answer = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if self.path.startswith("/wait"):
                    answer.wait(30)
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def answer(self) -> None:
        """Let everybody go."""
        self._answer.set()

    def close(self) -> None:
        """End it; clients are gone already."""
        self.answer()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
