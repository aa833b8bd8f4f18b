"""The first list of containers, asked for by hand: when it may be, and every way it can fail."""

import socket
import threading
from pathlib import Path

import pytest

from mcptop.sources import docker_glance


def answering(path: Path, answer: bytes) -> threading.Thread:
    """A server that gives one answer."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(path))
    server.listen(1)

    def serve() -> None:
        with server:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b'HTTP/1.0 200 OK\r\nA: b\r\n\r\n[{"Id": "x"}]', [{"Id": "x"}]),
        (b"HTTP/1.0 200 OK\r\n\r\n[]", []),
        (b'HTTP/1.0 403 Forbidden\r\n\r\n{"message": "no"}', None),
        (b'HTTP/1.0 200 OK\r\n\r\n[{"Id": "x"', None),
        (b"HTTP/1.0 200 OK\r\n\r\n<html>", None),
        (b"", None),
    ],
)
def test_a_list_or_nothing(tmp_path: Path, answer: bytes, expected: object) -> None:
    thread = answering(tmp_path / "s", answer)
    assert docker_glance.containers(str(tmp_path / "s")) == expected
    thread.join(5)


def test_no_engine_is_nothing(tmp_path: Path) -> None:
    assert docker_glance.containers(str(tmp_path / "nobody")) is None


def test_only_a_socket_of_this_machine_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert docker_glance.local_socket(None) == "/var/run/docker.sock"
    assert docker_glance.local_socket("unix:///a/b.sock") == "/a/b.sock"
    assert docker_glance.local_socket("ssh://host") is None
    (tmp_path / "config.json").write_text('{"currentContext": "remote"}')
    assert docker_glance.local_socket(None) is None
    monkeypatch.setenv("DOCKER_HOST", "tcp://1.2.3.4:2375")
    assert docker_glance.local_socket(None) is None
