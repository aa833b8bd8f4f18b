"""From a service that names its metrics to its pools: real pages, and endpoints that misbehave."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mcptop.adapters.reader import MetricsReader
from mcptop.collectors.base import Findings, NoData, SourceError, Tick
from mcptop.collectors.metrics import MetricsCollector, with_host
from mcptop.model.snapshot import Target
from mcptop.model.value import Kind
from mcptop.sources.address_book import AddressBook
from mcptop.sources.scraper import Scraper

PAGE = b"""# TYPE mcp_connection_pool_active gauge
mcp_connection_pool_active{service="api",pool="db"} 3
mcp_connection_pool_max{service="api",pool="db"} 50
this line is no metric
"""


class Handler(BaseHTTPRequestHandler):
    """Serves what the server was given for a path; `hang` waits for the end."""

    def do_GET(self) -> None:
        """One page."""
        pages: dict[str, bytes] = self.server.pages  # type: ignore[attr-defined]
        if self.path == "/hang":
            self.server.ended.wait(30)  # type: ignore[attr-defined]
            return
        body = pages.get(self.path)
        self.send_response(200 if body is not None else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    """A server on loopback."""
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.daemon_threads = True
    made.pages, made.ended = {"/metrics": PAGE, "/page": b"<html>hello</html>"}, threading.Event()  # type: ignore[attr-defined]
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.ended.set()  # type: ignore[attr-defined]
    made.shutdown()
    made.server_close()


def target(id: str, url: str | None, *addresses: str) -> Target:
    """A service with an endpoint."""
    return Target(id=id, name=id, kind=Kind.CONTAINER, project=None, service=id, metrics_url=url, addresses=addresses)


class Ticks:
    """A collector and its ticks."""

    def __init__(self, *targets: Target, probe: bool = False, book: AddressBook | None = None) -> None:
        self.collector = MetricsCollector(
            Scraper(MetricsReader(None), every_s=0.05), book or AddressBook(), probe=probe
        )
        self.targets = targets

    def until(self, check: Callable[[Findings], object]) -> Findings:
        """Tick until the findings satisfy; each tick takes no time to speak of."""
        ends = time.monotonic() + 20
        while time.monotonic() < ends:
            began = time.thread_time()
            try:
                findings = self.collector.collect(Tick(1, time.monotonic(), self.targets))
            except SourceError as error:
                findings = Findings(message=f"ERROR {error}")
            assert time.thread_time() - began < 1.0
            if check(findings):
                return findings
        raise AssertionError(f"it did not happen: {findings}")


def url(server: ThreadingHTTPServer, path: str) -> str:
    """Of a page."""
    return f"http://127.0.0.1:{server.server_port}{path}"


def test_a_named_endpoint_becomes_pools(server: ThreadingHTTPServer) -> None:
    ticks = Ticks(target("api", url(server, "/metrics")))
    found = ticks.until(lambda findings: findings.flows)
    (pool,) = found.flows["api"].pools
    assert (pool.name, pool.in_use, pool.max, pool.idle) == ("db", 3, 50, None)
    ticks.collector.close()


def test_one_that_hangs_and_one_that_is_html_leave_the_rest_alone(server: ThreadingHTTPServer) -> None:
    ticks = Ticks(
        target("slow", url(server, "/hang")),
        target("page", url(server, "/page")),
        target("none", url(server, "/nothing")),
        target("api", url(server, "/metrics")),
    )
    found = ticks.until(lambda findings: findings.flows and "of 4 endpoints cannot be read" in findings.message)
    assert list(found.flows) == ["api"]
    ticks.until(lambda findings: "3 of 4" in findings.message or "4 of 4" in findings.message)
    ticks.collector.close()


def test_where_nothing_can_be_read_the_source_is_broken(server: ThreadingHTTPServer) -> None:
    ticks = Ticks(target("page", url(server, "/page")))
    found = ticks.until(lambda findings: findings.message.startswith("ERROR"))
    assert "page: HTML, not metrics: is this the right path?" in found.message
    ticks.collector.close()


def test_figures_of_one_that_went_away_stay_with_their_time(server: ThreadingHTTPServer) -> None:
    ticks = Ticks(target("api", url(server, "/metrics")), target("two", url(server, "/metrics")))
    before = ticks.until(lambda findings: len(findings.flows) == 2).flows["api"]
    server.pages.clear()  # type: ignore[attr-defined]
    server.pages["/other"] = PAGE  # type: ignore[attr-defined]
    ticks.targets = (ticks.targets[0], target("two", url(server, "/other")))
    found = ticks.until(lambda findings: "404" in findings.message and "two" in findings.flows)
    assert found.flows["api"].pools[0].in_use == before.pools[0].in_use
    ticks.collector.close()


def test_ports_are_probed_only_when_asked(server: ThreadingHTTPServer) -> None:
    it = target("api", None, "127.0.0.1")
    book = AddressBook()
    book.learn((it,), 0.0)
    book.learn_ports({"api": (server.server_port, 5432)})
    with pytest.raises(NoData):
        Ticks(it, book=book).collector.collect(Tick(1, 0.0, (it,)))
    ticks = Ticks(it, probe=True, book=book)
    assert ticks.until(lambda findings: findings.flows).flows["api"].pools[0].name == "db"
    ticks.collector.close()


@pytest.mark.parametrize(
    ("named", "address", "expected"),
    [
        ("http://:4000/metrics", "172.18.0.2", "http://172.18.0.2:4000/metrics"),
        ("http://:4000/metrics", "fd00::2", "http://[fd00::2]:4000/metrics"),
        ("http://:4000/metrics", None, None),
        ("http://other:4000/m", "172.18.0.2", "http://other:4000/m"),
        ("nonsense", "172.18.0.2", "nonsense"),
        ("http://[::1/", "172.18.0.2", "http://[::1/"),
    ],
)
def test_a_label_without_a_host_means_the_container(named: str, address: str | None, expected: str) -> None:
    assert with_host(named, address) == expected
