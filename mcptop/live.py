"""The live source of snapshots: this machine's kernel and its engines, wired together.

The monitor takes snapshots from whatever has `sample` and `close`; this is the one that looks at the world.
"""

from __future__ import annotations

from mcptop.adapters.reader import MetricsReader
from mcptop.closeup.world import World
from mcptop.collectors.files import FileCollector
from mcptop.collectors.host import HostCollector
from mcptop.collectors.metrics import MetricsCollector
from mcptop.collectors.processes import ProcessCollector
from mcptop.collectors.servers import server_collectors
from mcptop.collectors.sockets import SocketCollector
from mcptop.config import Settings, user_tables
from mcptop.engines import Engines
from mcptop.model.snapshot import Snapshot
from mcptop.sampler import Sampler
from mcptop.sources.address_book import AddressBook
from mcptop.sources.docker_engine import DockerEngine
from mcptop.sources.docker_hosts import connector
from mcptop.sources.kept import raise_descriptor_limit
from mcptop.sources.process_table import ProcessTable
from mcptop.sources.procfs import Roots
from mcptop.sources.scraper import Scraper


class LiveSource:
    """Samples this machine. The engines are connected to in the background from the start."""

    def __init__(self, settings: Settings, hold_engine_s: float = 0.0) -> None:
        """`hold_engine_s`: leave the engines alone for so long, because something else is more urgent."""
        raise_descriptor_limit()
        roots = Roots(settings.path_procfs, settings.path_sysfs)
        table = ProcessTable(roots)
        book = AddressBook()
        self._engines = engines = Engines(settings, roots, table, hold_engine_s)
        self._metrics = MetricsCollector(
            Scraper(MetricsReader(user_tables()), settings.scrape_interval), book, settings.scrape, settings.probe
        )
        # The order is the order of a tick: the table of processes is refreshed before anyone asks it.
        self._sampler = Sampler(
            [
                HostCollector(roots),
                ProcessCollector(roots, table, settings.service),
                *engines.collectors,
                SocketCollector(roots, table, book),
                FileCollector(roots, table),
                *server_collectors(settings.postgres, settings.redis, book, lambda: DockerEngine(settings.engine)),
                self._metrics,
            ]
        )
        self.world = World(
            roots, table, book, connector(settings.engines), lambda: engines.banner, is_here=engines.is_here
        )
        """What a closer look at one service looks through."""
        engines.start()

    def wait_for_engine(self, timeout_s: float) -> None:
        """Return once the engines' containers are all known, or it turned out that there is no engine."""
        self._engines.wait(timeout_s)

    rates_come = True
    """A rate that is missing at the second look may be there a second later."""

    @property
    def settled(self) -> bool:
        """Whether the next sample would say no more than the last one: each endpoint was read, or cannot be."""
        return self._metrics.settled and self._engines.settled

    def sample(self) -> Snapshot:
        """One look."""
        return self._sampler.sample()

    def close(self) -> None:
        """End all threads and connections."""
        self._engines.stop()
        self._sampler.close()
