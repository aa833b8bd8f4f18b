"""Connecting to engines that are too old, that are none, or that cannot be spoken to."""

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mcptop.sources.docker_engine import DockerEngine, EngineError


class Server(socketserver.ThreadingUnixStreamServer):
    """Answers every request of its socket with the same document."""

    daemon_threads = True
    answer: bytes = b""


class Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while (line := self.rfile.readline()) and line != b"\r\n":
            pass
        assert isinstance(self.server, Server)
        self.wfile.write(self.server.answer)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[bytes], str]]:
    servers: list[Server] = []

    def start(body: bytes) -> str:
        server = Server(str(tmp_path / "engine.sock"), Handler)
        server.answer = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + body
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        return f"unix://{tmp_path}/engine.sock"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_an_engine_too_old_is_told_from_a_broken_one(serve: Callable[[bytes], str]) -> None:
    endpoint = serve(json.dumps({"ApiVersion": "1.30", "ServerVersion": "17.06"}).encode())
    with pytest.raises(EngineError, match=r"speaks API 1.30; mcptop needs 1.41 \(Docker 20.10\) or newer"):
        DockerEngine(endpoint)


def test_an_engine_newer_than_any_we_know_is_spoken_to_in_its_version(serve: Callable[[bytes], str]) -> None:
    engine = DockerEngine(serve(json.dumps({"ApiVersion": "1.99", "ServerVersion": "99.0"}).encode()))
    assert (engine.api_version, engine.version) == ("1.99", "99.0")
    engine.close()


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"{}"])
def test_something_else_behind_the_socket_is_one_clear_line(serve: Callable[[bytes], str], body: bytes) -> None:
    endpoint = serve(body)
    with pytest.raises(EngineError) as caught:
        DockerEngine(endpoint)
    assert endpoint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_broken_context_is_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONTEXT", "nowhere")
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text('{"currentContext": "nowhere"}')
    (tmp_path / "config.json").write_text('{"currentContext": "nowhere"}')
    with pytest.raises(EngineError) as caught:
        DockerEngine()
    assert "\n" not in str(caught.value)
    assert "nowhere" in str(caught.value)
