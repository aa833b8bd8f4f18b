"""The Docker engines a live source looks at: each watched by a thread, and who collects what of their containers."""

from __future__ import annotations

import time

from mcptop.collectors.base import Collector, Findings, Tick
from mcptop.collectors.containers import ContainerCollector
from mcptop.collectors.engine import EngineCollector
from mcptop.collectors.engine_stats import EngineStatsCollector
from mcptop.collectors.further_host import FurtherHost, OfThisKernel
from mcptop.collectors.swarm import SwarmCollector
from mcptop.config import Settings
from mcptop.sources import docker_glance
from mcptop.sources.docker_engine import DockerEngine
from mcptop.sources.docker_watch import DockerWatch
from mcptop.sources.process_table import ProcessTable
from mcptop.sources.procfs import Roots
from mcptop.sources.swarm_watch import SwarmWatch


class _ByKernelOrEngine:
    """Containers by the kernel's files where they are of this kernel, else by the engine's stats."""

    name = "containers"
    deadline_s = 2.0

    def __init__(self, engine: EngineCollector, kernel: ContainerCollector, stats: EngineStatsCollector) -> None:
        self._engine = engine
        self._kernel = kernel
        self._stats = stats

    def collect(self, tick: Tick) -> Findings:
        collector: Collector = self._kernel if self._engine.banner is None else self._stats
        return collector.collect(tick)

    def close(self) -> None:
        self._kernel.close()
        self._stats.close()


class Engines:
    """The first engine, whose containers may be of this kernel, and those of further hosts. Watched from `start` on."""

    def __init__(self, settings: Settings, roots: Roots, table: ProcessTable, hold_s: float) -> None:
        """`hold_s`: leave them alone for so long, because something else is more urgent."""
        socket = docker_glance.local_socket(settings.engine)
        self._first = DockerWatch(
            connect=lambda: DockerEngine(settings.engine),
            glance=lambda: docker_glance.containers(socket) if socket else None,
            hold_s=hold_s,
        )
        self._further: list[FurtherHost] = []
        self._engine = EngineCollector(self._first, table, settings.api_only, self._by_api_alone)
        self._watches = [self._first, *self._watch_further(settings, table, hold_s)]
        self._kernel = ContainerCollector(roots, table, OfThisKernel(self._first, lambda: self._further))
        self._swarm = SwarmWatch(lambda: [watch.inventory.engine for watch in self._watches])

    @property
    def collectors(self) -> tuple[Collector, ...]:
        """In the order in which a tick needs them."""
        containers = _ByKernelOrEngine(self._engine, self._kernel, EngineStatsCollector(self._first))
        return self._engine, *self._further, containers, SwarmCollector(self._swarm)

    @property
    def banner(self) -> str | None:
        """Why this kernel's files say nothing about the first engine's containers; None when they do."""
        return self._engine.banner

    @property
    def settled(self) -> bool:
        """Whether the first question about a swarm is answered, or there is nobody to ask."""
        return self._swarm.settled or self._first.inventory.engine is None

    def is_here(self, name: str) -> bool:
        """Whether the containers of that host are of this kernel."""
        return any(host.host == name and host.is_here for host in self._further)

    def start(self) -> None:
        """Start to connect and follow."""
        for watch in self._watches:
            watch.start()
        self._swarm.start()

    def wait(self, timeout_s: float) -> None:
        """Return once the engines' containers are all known, or it turned out that there is no engine."""
        deadline = time.monotonic() + timeout_s
        for watch in self._watches:
            watch.wait(max(0.0, deadline - time.monotonic()))

    def stop(self) -> None:
        """End all threads."""
        self._swarm.stop()
        for watch in self._watches:
            watch.stop()

    def _watch_further(self, settings: Settings, table: ProcessTable, hold_s: float) -> list[DockerWatch]:
        watches = []
        for address in settings.engines[1:]:
            watch = DockerWatch(connect=lambda address=address: DockerEngine(address), hold_s=hold_s)  # type: ignore[misc]
            host = FurtherHost(
                str(address), watch, EngineStatsCollector(watch), table, [self._first, *self._further],
                # Where the first engine's containers are not of this kernel, nobody reads its files for any.
                reads_kernel=lambda: self._engine.banner is None,
            )  # fmt: skip
            watches.append(watch)
            self._further.append(host)
        return watches

    def _by_api_alone(self) -> list[str]:
        return [host.host for host in self._further if not host.is_here]
