"""Connections to the engines that are made when they are needed and given up when they fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from mcptop.model.instance import Instance
from mcptop.sources.docker_engine import DockerEngine, EngineError

T = TypeVar("T")


class EngineLink:
    """One connection to each engine, for one thread."""

    def __init__(self, connect: Callable[[str], DockerEngine]) -> None:
        """`connect` knows which engine an instance is on, by its id."""
        self._connect = connect
        self._engines: dict[str | None, DockerEngine] = {}

    def ask(self, instance: Instance, question: Callable[[DockerEngine], T]) -> T:
        """What its engine answers. Raises `EngineError`; the next question is asked over a new connection then."""
        engine = self._engines.get(instance.host)
        if engine is None:
            engine = self._engines[instance.host] = self._connect(instance.id)
        try:
            return question(engine)
        except EngineError:
            del self._engines[instance.host]
            engine.close()
            raise

    def close(self) -> None:
        """Close the connections there are."""
        while self._engines:
            self._engines.popitem()[1].close()
