"""Several engines at once: which of them a container is on, and what to call each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

from mcptop.sources.docker_engine import DockerEngine, EngineError
from mcptop.units import plain

E = TypeVar("E", bound=DockerEngine)
Address = str | None
"""As in the settings; None: DOCKER_HOST, the current context, or the local socket."""


def find(hosts: Sequence[Address], container: str) -> Address:
    """The address of the engine that has this container; of the only one without asking it.

    Of those that answer; where none of them has it, the first: it says itself that it has not.
    """
    if len(hosts) > 1:
        for address in hosts:
            if _has(address, container):
                return address
    return hosts[0]


def connect(hosts: Sequence[Address], container: str) -> DockerEngine:
    """A connection to that engine. Raises `EngineError`."""
    return DockerEngine(find(hosts, container))


def connector(hosts: Sequence[Address]) -> Callable[[str], DockerEngine]:
    """`connect`, for who is given these hosts once."""
    return lambda container: connect(hosts, container)


def short(address: str) -> str:
    """An address as a name: `10.0.0.5:2375`, `web2`, the path of a socket; without user and password."""
    parts = urlsplit(address)
    if parts.scheme == "unix":
        return plain(parts.path, 64)
    return plain(parts.netloc.rpartition("@")[2] or address, 64)


def _has(address: Address, container: str) -> bool:
    try:
        engine = DockerEngine(address)
    except EngineError:
        return False
    try:
        return engine.inspect(container) is not None
    except EngineError:
        return False
    finally:
        engine.close()
