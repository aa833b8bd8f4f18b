"""The first list of containers, asked for by hand over the engine's local socket.

Loading the `docker` package takes longer than everything else at start, and the only thing the first picture
needs of the engine is the containers' names. Everything after this one question goes through the package.
"""

from __future__ import annotations

import json
import os
import socket
from typing import cast

import msgspec

from mcptop.sources.docker_engine import DEFAULT_SOCKET
from mcptop.sources.docker_target import Answer

_TIMEOUT_S = 0.5
_REQUEST = b"GET /containers/json?all=1 HTTP/1.0\r\nHost: docker\r\n\r\n"


def local_socket(host: str | None) -> str | None:
    """Path of the engine's socket when it is surely one of this machine; None when a context may say otherwise."""
    endpoint = host or os.environ.get("DOCKER_HOST")
    if endpoint:
        return endpoint.removeprefix("unix://") if endpoint.startswith("unix:///") else None
    return None if os.environ.get("DOCKER_CONTEXT") or _has_context() else DEFAULT_SOCKET


def _has_context() -> bool:
    folder = os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")
    try:
        with open(f"{folder}/config.json", "rb") as file:
            return bool(json.load(file).get("currentContext"))
    except (OSError, ValueError, AttributeError):
        return False


def containers(path: str) -> list[Answer] | None:
    """The engine's list of containers; None when it does not answer at once and in full."""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_TIMEOUT_S)
            connection.connect(path)
            connection.sendall(_REQUEST)
            answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    except OSError:
        return None
    head, _, body = answer.partition(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n", 1)[0]:
        return None
    try:
        return cast("list[Answer]", msgspec.json.decode(body, type=list[dict[str, object]]))
    except msgspec.MsgspecError:
        return None
