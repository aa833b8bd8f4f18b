"""The server, by real sockets: what it answers, and what it does not wait for, read or hold."""

from __future__ import annotations

import gzip
import http.client
import socket
import ssl
import threading
import time
from contextlib import suppress

import pytest

from mcptop.exporter import server as module
from mcptop.exporter.answers import Answers
from mcptop.exporter.pages import Pages
from mcptop.exporter.plan import plan
from mcptop.exporter.server import ListenError, Server
from mcptop.exposition.families import Choice
from mcptop.exposition.text import Form

from .certificates import Certificates
from .conftest import Serve
from .examples import everything, pages, series, value

PATIENCE_S = 30.0


def port(server: Server) -> int:
    return int(server.server_address[1])


def ask(server: Server, path: str = "/metrics", method: str = "GET", **headers: str) -> http.client.HTTPResponse:
    """The whole answer; its body was read into `.content`."""
    connection = http.client.HTTPConnection("127.0.0.1", port(server), timeout=PATIENCE_S)
    connection.request(method, path, headers={name.replace("_", "-"): text for name, text in headers.items()})
    answer = connection.getresponse()
    answer.content = answer.read()  # type: ignore[attr-defined]
    connection.close()
    return answer


def raw(server: Server, sent: bytes) -> bytes:
    """Everything that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", port(server)), PATIENCE_S) as connection:
        connection.sendall(sent)
        parts = []
        try:
            while part := connection.recv(1 << 16):
                parts.append(part)
        except ConnectionResetError:
            pass
        return b"".join(parts)


def test_the_page_in_the_format_and_the_coding_the_reader_likes(serve: Serve) -> None:
    server = serve()
    plain = ask(server)
    assert plain.status == 200
    assert plain.getheader("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    assert plain.getheader("Content-Encoding") is None
    assert value(series(plain.content.decode()), "mcptop_pool_in_use") == 20  # type: ignore[attr-defined]
    other = ask(server, Accept="application/openmetrics-text;version=1.0.0", Accept_Encoding="br, gzip;q=0.5")
    assert other.getheader("Content-Type") == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert other.getheader("Content-Encoding") == "gzip"
    page = gzip.decompress(other.content).decode()  # type: ignore[attr-defined]
    assert value(series(page, Form.OPENMETRICS), "mcptop_pool_in_use") == 20
    assert ask(server, Accept_Encoding="gzip;q=0").getheader("Content-Encoding") is None


def test_head_has_the_length_and_no_body(serve: Serve) -> None:
    server = serve()
    answer = ask(server, method="HEAD")
    assert (answer.status, answer.content) == (200, b"")  # type: ignore[attr-defined]
    assert int(answer.getheader("Content-Length") or 0) == len(ask(server).content)  # type: ignore[attr-defined]


def test_only_reading_and_only_what_there_is(serve: Serve) -> None:
    server = serve()
    assert ask(server, "/").status == 200
    assert ask(server, "/metrics?x=1").status == 200
    assert ask(server, "/debug").status == 404
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE"):
        answer = ask(server, method=method)
        assert (answer.status, answer.getheader("Allow")) == (405, "GET, HEAD")
    assert ask(server, method="BREW").status == 501


def test_another_name_is_refused(serve: Serve) -> None:
    assert ask(serve(), Host="evil.example").status == 403
    assert b" 403 " in raw(serve(), b"GET /metrics HTTP/1.0\r\n\r\n")


def test_the_token(serve: Serve) -> None:
    server = serve(token="geheim-7431")
    refused = ask(server)
    assert (refused.status, refused.getheader("WWW-Authenticate")) == (401, "Bearer")
    assert b"mcptop_" not in refused.content  # type: ignore[attr-defined]
    assert ask(server, "/").status == 401
    assert ask(server, Authorization="Bearer geheim-7431").status == 200
    assert ask(server, "/healthz").status == 200, "whoever restarts it needs no figures"


def test_health_follows_the_samples(serve: Serve) -> None:
    now = 1000.0
    made = Pages("1", Choice(), clock=lambda: now)
    server = serve(made)
    assert ask(server, "/healthz").status == 503
    assert ask(server).status == 503
    made.show(everything()[0])
    assert ask(server, "/healthz").status == 200
    now += 60.0
    late = ask(server, "/healthz")
    assert (late.status, late.content) == (503, b"the newest sample is 1m old\n")  # type: ignore[attr-defined]


def test_a_defect_is_an_answer_and_a_traceback_on_stderr(serve: Serve, capfd: pytest.CaptureFixture[str]) -> None:
    made = pages(*everything())
    made._choice = None  # type: ignore[assignment]
    assert ask(serve(made)).status == 500
    assert "defect in mcptop" in capfd.readouterr().err


def test_tls(serve: Serve, certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REQUEST_S", 2.0)
    server = serve(tls=certificates)
    assert server.url.startswith("https://127.0.0.1:")
    context = ssl.create_default_context(cafile=str(certificates.ca))
    connection = http.client.HTTPSConnection("127.0.0.1", port(server), timeout=PATIENCE_S, context=context)
    connection.request("GET", "/metrics")
    assert connection.getresponse().status == 200
    connection.close()
    assert raw(server, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n") == b"", "no page in the clear"
    assert b"mcptop" not in raw(server, b"\x16\x03\x01 nonsense")


def test_who_is_slow_or_says_nothing_is_left(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REQUEST_S", 0.5)
    server = serve()
    began = time.monotonic()
    assert raw(server, b"") == b""
    assert raw(server, b"GET /metrics HTTP/1.1\r\nHost: localh") == b""
    with socket.create_connection(("127.0.0.1", port(server)), PATIENCE_S) as dripping:
        dripping.sendall(b"GET /metrics HTTP/1.1\r\n")
        with suppress(ConnectionError):
            while time.monotonic() - began < PATIENCE_S:  # a byte now and then does not buy time
                dripping.sendall(b"a")
                time.sleep(0.05)
    assert time.monotonic() - began < PATIENCE_S
    assert ask(server).status == 200


def test_a_request_has_an_end(serve: Serve) -> None:
    server = serve()
    head = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n"
    assert b" 200 " not in raw(server, head + b"X: " + b"a" * 20_000 + b"\r\n\r\n")
    assert b" 200 " not in raw(server, b"GET /" + b"a" * 70_000)
    assert b" 431 " in raw(server, head + b"X: a\r\n" * 150 + b"\r\n")
    assert b"mcptop_" not in raw(server, b"\x00\xff\xfe\r\n\r\n")
    two = raw(server, head + b"\r\n" + head + b"\r\n")
    assert two.count(b"HTTP/1.1 200 OK") == 1, "one connection, one request"


def test_a_client_that_reads_nothing_does_not_hold_the_others(serve: Serve) -> None:
    server = serve()
    held = [socket.create_connection(("127.0.0.1", port(server)), PATIENCE_S) for _ in range(5)]
    for each in held:
        each.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert ask(server).status == 200
    for each in held:
        each.close()


def test_connections_are_bounded_and_places_come_back(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_CONNECTIONS", 2)
    server = serve()
    before = threading.active_count()
    held = [socket.create_connection(("127.0.0.1", port(server)), PATIENCE_S) for _ in range(2)]
    deadline = time.monotonic() + PATIENCE_S
    while threading.active_count() < before + 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert raw(server, b"") == b"", "closed at once, before it said anything"
    assert threading.active_count() <= before + 2
    for each in held:
        each.close()
    while True:
        try:
            assert ask(server).status == 200
            break
        except (OSError, http.client.HTTPException):
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_an_address_that_is_taken_is_one_line(serve: Serve) -> None:
    taken = port(serve())
    planned = plan(f"127.0.0.1:{taken}", None, (None, None), False, {})
    with pytest.raises(ListenError, match=rf"^cannot listen on 127.0.0.1:{taken}: address already in use; choose"):
        Server(planned, Answers(pages(*everything()), planned.gate))
