"""Maxima in a document beside the page of metrics."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mcptop.adapters.beside import KEPT_S, Documents, whole_number
from mcptop.adapters.reader import MetricsReader, understand
from mcptop.adapters.tables import load_all

PAGE = (Path(__file__).parent.parent / "fixtures" / "metrics" / "captured" / "llama.cpp.txt").read_bytes()
ADAPTERS = load_all()


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    """Gives out `server.pages`, path to body, and remembers who was asked for."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append(self.path)  # type: ignore[attr-defined]
            body = made.pages.get(self.path)  # type: ignore[attr-defined]
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *args: object) -> None:
            return

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.pages = {"/metrics": PAGE}  # type: ignore[attr-defined]
    made.asked = []  # type: ignore[attr-defined]
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def test_the_number_of_slots_stands_in_props(server: ThreadingHTTPServer) -> None:
    server.pages["/props"] = b'{"default_generation_settings": {"n_ctx": 512}, "total_slots": 2}'  # type: ignore[attr-defined]
    read = MetricsReader(None)
    url = f"http://127.0.0.1:{server.server_port}/metrics"
    for _ in range(3):
        (pool,) = read(url).mapped.pools
        assert (pool.name, pool.in_use, pool.waiting, pool.max) == ("slots", 2, 2, 2)
        assert pool.max_source == "total_slots of /props"
    assert server.asked.count("/props") == 1  # type: ignore[attr-defined]


def test_a_page_without_the_document_is_worth_its_figures(server: ThreadingHTTPServer) -> None:
    (pool,) = MetricsReader(None)(f"http://127.0.0.1:{server.server_port}/metrics").mapped.pools
    assert (pool.in_use, pool.max, pool.max_source) == (2, None, None)


def test_it_is_looked_at_once_a_minute_and_only_for_who_has_one() -> None:
    asked: list[str] = []
    now = [1000.0]

    def fetch(url: str) -> bytes:
        asked.append(url)
        return b'{"total_slots": %d}' % len(asked)

    documents = Documents(fetch, lambda: now[0])
    mapped = understand(PAGE, "text/plain", ADAPTERS).mapped
    url = "http://127.0.0.1:8080/metrics?x=1"
    assert documents.complete(url, mapped, ADAPTERS).pools[0].max == 1
    now[0] += KEPT_S - 1
    assert documents.complete(url, mapped, ADAPTERS).pools[0].max == 1
    now[0] += 1
    assert documents.complete(url, mapped, ADAPTERS).pools[0].max == 2
    assert asked == ["http://127.0.0.1:8080/props"] * 2
    other = understand(b"go_sql_in_use_connections 3\n", "text/plain", ADAPTERS).mapped
    assert documents.complete(url, other, ADAPTERS) is other
    assert len(asked) == 2


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"<html>", b"{}", b'{"n": "2"}', b'{"n": 0}', b'{"n": -1}', b'{"n": 2.5}', b'{"n": null}', b"\xff",
     b'{"n": 1e300}', b'{"n": true}', b'{"n": 99999999999999999999}'],
)  # fmt: skip
def test_what_is_no_count_is_none(body: bytes) -> None:
    assert whole_number(body, "n") is None
