"""Collectors made from a configuration file, asked until something is so; and programs run as in a container."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mcptop.collectors.base import NoData, SourceError, Tick
from mcptop.collectors.servers import ServerCollector, server_collectors
from mcptop.config import load
from mcptop.model.flow_reading import FlowReading, PoolReading
from mcptop.model.snapshot import Target
from mcptop.model.value import Kind
from mcptop.sources.docker_engine import DockerEngine, EngineError
from mcptop.sources.server import Done

PATIENCE_S = 60.0

Flows = dict[str, FlowReading]


def until(check: Callable[[], None]) -> None:
    """Try until it holds; after a generous while its failure is the test's."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return check()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def target(service: str) -> Target:
    """A service of one process, whose id is its name."""
    return Target(id=service, name=service, kind=Kind.PROCESS, project=None, service=service)


def pool(flows: Flows, of: str, name: str) -> PoolReading:
    """One pool of one target."""
    return next(pool for pool in flows[of].pools if pool.name == name)


class Ports:
    """A naming that knows the local ports of connections that a test has opened, and where servers listen."""

    def __init__(self) -> None:
        self.owners: dict[int, str] = {}
        self.servers: dict[int, str] = {}

    def owner(self, address: str, port: int) -> str | None:
        return self.owners.get(port) if address == "127.0.0.1" else None

    def server(self, host: str, port: int) -> str | None:
        return self.servers.get(port) if host in ("127.0.0.1", "localhost") else None


def no_engine() -> DockerEngine:
    """For settings that need none."""
    raise EngineError("no engine here")


class Asking:
    """The collectors of some settings, as the sampler would call them."""

    def __init__(self, file: Path, services: Sequence[str]) -> None:
        self.naming = Ports()
        self.settings = load(file, {}, {})
        self.targets = tuple(map(target, services))
        self.collectors = server_collectors(self.settings.postgres, self.settings.redis, self.naming, no_engine, 0.1)
        self._tick = 0

    def once(self, collector: ServerCollector) -> tuple[Flows, str]:
        """Flows and message, or no flows and what is wrong."""
        self._tick += 1
        try:
            found = collector.collect(Tick(self._tick, time.monotonic(), self.targets))
        except (NoData, SourceError) as error:
            return {}, str(error)
        return found.flows, found.message

    def flows(self, position: int = 0) -> Flows:
        """The next figures of one collector."""
        before = self.once(self.collectors[position])[0]

        def fresh() -> None:
            self.latest, said = self.once(self.collectors[position])
            assert self.latest, said
            assert self.latest is not before

        until(fresh)
        return self.latest

    def says(self, text: str, position: int = 0) -> str:
        """Wait until one collector says this, and return the whole line."""

        def so() -> None:
            self.said = self.once(self.collectors[position])[1]
            assert text in self.said

        until(so)
        return self.said

    def close(self) -> None:
        for collector in self.collectors:
            collector.close()


class Beside:
    """Runs programs as `docker exec` would inside the server's container: here, with the server's port."""

    def __init__(self, options: Sequence[str] = (), **environment: str) -> None:
        self._options = list(options)
        self._environment = environment
        self.runs: list[tuple[list[str], dict[str, str], bytes]] = []

    def __call__(
        self, container: str, argv: Sequence[str], environment: Mapping[str, str], stdin: bytes, timeout_s: float
    ) -> Done:
        self.runs.append((list(argv), dict(environment), stdin))
        words = [argv[0], *self._options, *argv[1:]]
        env = os.environ | self._environment | dict(environment)
        done = subprocess.run(words, input=stdin, env=env, capture_output=True, timeout=PATIENCE_S)
        return Done(done.returncode, done.stdout, done.stderr)

    def variables(self, container: str, names: frozenset[str]) -> dict[str, str]:
        return {"POSTGRES_USER": "postgres"} if "POSTGRES_USER" in names else {}

    def close(self) -> None:
        """Nothing is held."""
