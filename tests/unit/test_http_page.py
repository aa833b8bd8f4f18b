"""Pages of a real server that hangs, drips, redirects, lies and breaks off: one clear line each, and soon."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from mcptop.sources.http_page import HttpError, Limits, Pages, shown

SOON = Limits(deadline_s=0.4, size=1 << 20)
AMPLE = Limits(deadline_s=20.0, size=1 << 20)


class Server:
    """Answers each connection with one function; holds on to those that hang until the end."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/metrics"
        self.ended = threading.Event()
        self.requests: list[bytes] = []
        self.answer: Callable[[socket.socket], None] = lambda connection: None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            self.requests.append(connection.recv(65536))
            try:
                self.answer(connection)
            except OSError:
                return

    def says(self, body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> None:
        """From now on answer this."""
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
        data = "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body
        self.answer = lambda connection: connection.sendall(data)

    def close(self) -> None:
        """Let go of everybody."""
        self.ended.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def server() -> Iterator[Server]:
    """A server on loopback."""
    made = Server()
    yield made
    made.close()


@pytest.fixture
def pages() -> Iterator[Pages]:
    """What is tested."""
    made = Pages()
    yield made
    made.close()


def refused(pages: Pages, url: str, limits: Limits = AMPLE) -> str:
    """The line that is said."""
    with pytest.raises(HttpError) as caught:
        pages.fetch(url, limits)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_page(server: Server, pages: Pages) -> None:
    server.says(b"up 1\n", "Content-Type: text/plain; version=0.0.4")
    page = pages.fetch(server.url, AMPLE)
    assert (page.content_type, page.body) == ("text/plain; version=0.0.4", b"up 1\n")


def test_bytes_that_are_no_text_and_html_are_somebody_elses_to_judge(server: Server, pages: Pages) -> None:
    server.says(b"\xff\xfe up 1", "Content-Type: text/html")
    assert pages.fetch(server.url, AMPLE).body == b"\xff\xfe up 1"


def test_who_hangs_is_left(server: Server, pages: Pages) -> None:
    server.answer = lambda connection: bool(server.ended.wait(30)) and None
    assert "no complete answer in time" in refused(pages, server.url, SOON)


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"#"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n#\r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"X-More: yes\r\n"),
        (b"HTTP/1.1 200 ", b"O"),
    ],
    ids=["body", "chunks", "headers", "status"],
)
def test_who_drips_is_left(server: Server, pages: Pages, start: bytes, drop: bytes) -> None:
    drips = 0

    def drip(connection: socket.socket) -> None:
        nonlocal drips
        connection.sendall(start)
        while not server.ended.wait(0.02):
            drips += 1
            connection.sendall(drop)

    server.answer = drip
    assert "no complete answer in time" in refused(pages, server.url, SOON)
    assert drips < 500, "it was waited for to the end"


def test_a_redirect_is_said_and_not_followed(server: Server, pages: Pages) -> None:
    server.says(b"", "Location: http://user:secret@elsewhere/x", status="302 Found")
    says = refused(pages, server.url)
    assert "redirects to http://elsewhere/x" in says
    assert "secret" not in says
    assert len(server.requests) == 1


def test_a_redirect_keeps_its_control_characters_to_itself(server: Server, pages: Pages) -> None:
    server.says(b"", "Location: /x\x1b[2Jy", status="301 Moved")
    assert "\x1b" not in refused(pages, server.url)
    server.says(b"", status="304 Not Modified")
    assert "answers 304" in refused(pages, server.url)


def test_an_error_is_said(server: Server, pages: Pages) -> None:
    server.says(b"no", status="503 Service Unavailable")
    assert "503 Service Unavailable" in refused(pages, server.url)


def test_a_page_without_end_is_cut(server: Server, pages: Pages) -> None:
    server.says(b"x" * (10 << 20))
    assert "more than 1.0 MiB" in refused(pages, server.url)


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP"])
def test_squeezed_pages(server: Server, pages: Pages, encoding: str) -> None:
    lines = b"up 1\n" * 50_000
    server.says(gzip.compress(lines) + gzip.compress(b"down 1\n"), f"Content-Encoding: {encoding}")
    assert pages.fetch(server.url, AMPLE).body == lines + b"down 1\n"
    assert b"accept-encoding: gzip\r\n" in server.requests[0].lower()


def test_a_bomb_does_not_go_off(server: Server, pages: Pages) -> None:
    bomb = gzip.compress(bytes(300 << 20), 9)
    assert len(bomb) < 1 << 20
    server.says(bomb, "Content-Encoding: gzip")
    assert "more than 1.0 MiB" in refused(pages, server.url)


def test_half_a_body_and_damaged_ones(server: Server, pages: Pages) -> None:
    server.says(b"up 1", length=1000)
    assert "127.0.0.1" in refused(pages, server.url)
    squeezed = gzip.compress(b"up 1\n" * 1000)
    server.says(squeezed[: len(squeezed) // 2], "Content-Encoding: gzip")
    assert "breaks off" in refused(pages, server.url)
    server.says(b"not gzip at all", "Content-Encoding: gzip")
    assert "damaged" in refused(pages, server.url)
    server.says(b"?", "Content-Encoding: br")
    assert "was not asked for" in refused(pages, server.url)


def test_nobody_there_and_nonsense(server: Server, pages: Pages) -> None:
    server.answer = lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    assert refused(pages, server.url)
    server.answer = lambda connection: None
    assert refused(pages, server.url)
    with socket.create_server(("127.0.0.1", 0)) as other:
        gone = f"http://127.0.0.1:{other.getsockname()[1]}/"
    assert "refused" in refused(pages, gone)
    for url in ("file:///etc/passwd", "127.0.0.1:80/metrics", ""):
        assert "not an http or https URL" in refused(pages, url)
    assert "no such port" in refused(pages, "http://127.0.0.1:99999/metrics")
    assert "names no host" in refused(pages, "http:///metrics")
    assert refused(pages, "http://[::1/")
    assert refused(pages, "http://no.such.name.invalid/")


def test_a_password_is_used_and_never_shown(server: Server, pages: Pages) -> None:
    url = server.url.replace("://", "://me:secret@")
    server.says(b"up 1")
    pages.fetch(url, AMPLE)
    assert b"authorization: basic" in server.requests[0].lower()
    server.says(b"", status="500 Oops")
    assert "secret" not in refused(pages, url)
    assert shown(url) == server.url


@pytest.mark.parametrize("password", ["sec/ret", "sec?ret", "sec#ret", "sec@ret", "se/c@ret"])
def test_a_password_that_was_not_escaped_is_not_shown_either(pages: Pages, password: str) -> None:
    says = refused(pages, f"http://me:{password}@127.0.0.1:1/metrics")
    assert "ret" not in says
    assert "sec" not in says


def test_a_scheme_in_capitals(server: Server, pages: Pages) -> None:
    server.says(b"up 1")
    assert pages.fetch(server.url.replace("http", "HTTP"), AMPLE).body == b"up 1"
