"""A connection to the engine that is made when it is needed and given up when it fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from mcptop.sources.docker_engine import DockerEngine, EngineError

T = TypeVar("T")


class EngineLink:
    """One connection, for one thread."""

    def __init__(self, connect: Callable[[], DockerEngine]) -> None:
        self._connect = connect
        self._engine: DockerEngine | None = None

    def ask(self, question: Callable[[DockerEngine], T]) -> T:
        """What the engine answers. Raises `EngineError`; the next question is asked over a new connection then."""
        if self._engine is None:
            self._engine = self._connect()
        try:
            return question(self._engine)
        except EngineError:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None
