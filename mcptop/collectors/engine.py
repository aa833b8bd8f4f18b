"""The engine itself: whether it answers, which one it is, and whether its containers run on this kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mcptop.collectors.base import Findings, NoData, SourceError, Tick
from mcptop.collectors.whereabouts import MISSING, Whereabouts
from mcptop.sources.docker_watch import DockerWatch, Inventory
from mcptop.sources.process_table import ProcessTable


class EngineCollector:
    """Reports the engine and decides where the figures of its containers come from."""

    name = "docker"
    deadline_s = 2.0

    def __init__(
        self,
        watch: DockerWatch,
        table: ProcessTable,
        force_api_only: bool,
        by_api_alone: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        """`by_api_alone`: the further hosts of which there are the engine's figures only, by name."""
        self._watch = watch
        self._table = table
        self._whereabouts = Whereabouts(table, force_api_only)
        self._by_api_alone = by_api_alone
        self._decide(Inventory())

    @property
    def banner(self) -> str | None:
        """Why this kernel's files say nothing about its containers; None when they do."""
        return self._whereabouts.banner

    def collect(self, tick: Tick) -> Findings:
        """Ask nothing: the watch thread has asked. Only judge."""
        inventory = self._watch.inventory
        self._decide(inventory)
        if inventory.engine is None:
            if inventory.error is None:
                raise NoData("connecting")
            # Names and states are the last ones known; the kernel's figures go on.
            raise SourceError(inventory.error)
        engine = inventory.engine
        version = engine.version.partition("+")[0]
        return Findings(
            engine=f"docker {version}",
            banner=self._banner(),
            message=f"{engine.version}, API {engine.api_version}, {len(inventory.targets)} containers",
        )

    def _decide(self, inventory: Inventory) -> None:
        self._whereabouts.judge(inventory)
        self._table.show_containers = self.banner is None

    def _banner(self) -> str | None:
        """One line for all hosts."""
        others = self._by_api_alone()
        if not others:
            return self.banner
        names = ", ".join(others)
        return f"{self.banner}; likewise {names}" if self.banner else f"API only for {names}: {MISSING}"

    def close(self) -> None:
        """Nothing to give back: the watch is stopped by who started it."""
