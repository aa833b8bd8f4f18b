"""The live source of snapshots: this machine's kernel and its engines, wired together.

The monitor takes snapshots from whatever has `sample` and `close`; this is the one that looks at the world.
"""

from __future__ import annotations

import time

from mcptop.adapters.reader import MetricsReader
from mcptop.closeup.world import World
from mcptop.collectors.base import Collector, Findings, Tick
from mcptop.collectors.containers import ContainerCollector
from mcptop.collectors.engine import EngineCollector
from mcptop.collectors.engine_stats import EngineStatsCollector
from mcptop.collectors.files import FileCollector
from mcptop.collectors.further_host import FurtherHost, OfThisKernel
from mcptop.collectors.host import HostCollector
from mcptop.collectors.metrics import MetricsCollector
from mcptop.collectors.processes import ProcessCollector
from mcptop.collectors.servers import server_collectors
from mcptop.collectors.sockets import SocketCollector
from mcptop.collectors.swarm import SwarmCollector
from mcptop.config import Settings, user_tables
from mcptop.model.snapshot import Snapshot
from mcptop.sampler import Sampler
from mcptop.sources import docker_glance
from mcptop.sources.address_book import AddressBook
from mcptop.sources.docker_engine import DockerEngine
from mcptop.sources.docker_hosts import connector
from mcptop.sources.docker_watch import DockerWatch
from mcptop.sources.kept import raise_descriptor_limit
from mcptop.sources.process_table import ProcessTable
from mcptop.sources.procfs import Roots
from mcptop.sources.scraper import Scraper
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


class LiveSource:
    """Samples this machine. The engines are connected to in the background from the start."""

    def __init__(self, settings: Settings, hold_engine_s: float = 0.0) -> None:
        """`hold_engine_s`: leave the engines alone for so long, because something else is more urgent."""
        raise_descriptor_limit()
        roots = Roots(settings.path_procfs, settings.path_sysfs)
        table = ProcessTable(roots)
        book = AddressBook()
        socket = docker_glance.local_socket(settings.engine)
        self._watch = DockerWatch(
            connect=lambda: DockerEngine(settings.engine),
            glance=lambda: docker_glance.containers(socket) if socket else None,
            hold_s=hold_engine_s,
        )
        self._further: list[FurtherHost] = []
        engine = EngineCollector(self._watch, table, settings.api_only, self._by_api_alone)
        self._watches = [self._watch, *self._watch_further(settings, table, engine, hold_engine_s)]
        kernel = ContainerCollector(roots, table, OfThisKernel(self._watch, lambda: self._further))
        self._swarm = SwarmWatch(lambda: [watch.inventory.engine for watch in self._watches])
        self._metrics = MetricsCollector(
            Scraper(MetricsReader(user_tables()), settings.scrape_interval), book, settings.scrape, settings.probe
        )
        # The order is the order of a tick: the table of processes is refreshed before anyone asks it.
        self._sampler = Sampler(
            [
                HostCollector(roots),
                ProcessCollector(roots, table, settings.service),
                engine,
                *self._further,
                _ByKernelOrEngine(engine, kernel, EngineStatsCollector(self._watch)),
                SwarmCollector(self._swarm),
                SocketCollector(roots, table, book),
                FileCollector(roots, table),
                *server_collectors(settings.postgres, settings.redis, book, lambda: DockerEngine(settings.engine)),
                self._metrics,
            ]
        )
        self.world = World(
            roots, table, book, connector(settings.engines), lambda: engine.banner, is_here=self._is_here
        )
        """What a closer look at one service looks through."""
        for watch in self._watches:
            watch.start()
        self._swarm.start()

    def _watch_further(
        self, settings: Settings, table: ProcessTable, first: EngineCollector, hold_s: float
    ) -> list[DockerWatch]:
        watches = []
        for address in settings.engines[1:]:
            watch = DockerWatch(connect=lambda address=address: DockerEngine(address), hold_s=hold_s)  # type: ignore[misc]
            host = FurtherHost(
                str(address), watch, EngineStatsCollector(watch), table, [self._watch, *self._further],
                # Where the first engine's containers are not of this kernel, nobody reads its files for any.
                reads_kernel=lambda: first.banner is None,
            )  # fmt: skip
            watches.append(watch)
            self._further.append(host)
        return watches

    def _by_api_alone(self) -> list[str]:
        return [host.host for host in self._further if not host.is_here]

    def _is_here(self, name: str) -> bool:
        return any(host.host == name and host.is_here for host in self._further)

    def wait_for_engine(self, timeout_s: float) -> None:
        """Return once the engines' containers are all known, or it turned out that there is no engine."""
        deadline = time.monotonic() + timeout_s
        for watch in self._watches:
            watch.wait(max(0.0, deadline - time.monotonic()))

    rates_come = True
    """A rate that is missing at the second look may be there a second later."""

    @property
    def settled(self) -> bool:
        """Whether the next sample would say no more than the last one: each endpoint was read, or cannot be."""
        return self._metrics.settled and (self._swarm.settled or self._watch.inventory.engine is None)

    def sample(self) -> Snapshot:
        """One look."""
        return self._sampler.sample()

    def close(self) -> None:
        """End all threads and connections."""
        self._swarm.stop()
        for watch in self._watches:
            watch.stop()
        self._sampler.close()
