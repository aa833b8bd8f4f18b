"""The engine itself: whether it answers, which one it is, and whether its containers run on this kernel."""

from __future__ import annotations

import os

from mcptop.collectors.base import Findings, NoData, SourceError, Tick
from mcptop.sources.docker_watch import DockerWatch, Inventory
from mcptop.sources.process_table import ProcessTable

_MISSING = "no pressure, OOM count, files, sockets or processes per container"
# A container that has just started may be in the engine's list a moment before its process is in the table.
_PATIENCE_TICKS = 3


class EngineCollector:
    """Reports the engine and decides where the figures of its containers come from."""

    name = "docker"
    deadline_s = 2.0

    def __init__(self, watch: DockerWatch, table: ProcessTable, force_api_only: bool) -> None:
        self._watch = watch
        self._table = table
        self._forced = force_api_only
        self._unseen_ticks = 0
        self.banner: str | None = None
        """Why this kernel's files say nothing about the containers; None when they do."""
        self._decide(Inventory())

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
            banner=self.banner,
            message=f"{engine.version}, API {engine.api_version}, {len(inventory.targets)} containers",
        )

    def _decide(self, inventory: Inventory) -> None:
        if self._forced:
            self.banner = f"API only, as asked: {_MISSING}"
        elif inventory.engine is not None:
            self.banner = self._why_not_here(inventory)
        self._table.show_containers = self.banner is None

    def _why_not_here(self, inventory: Inventory) -> str | None:
        engine = inventory.engine
        assert engine is not None
        if not engine.is_unix_socket:
            return f"API only: {engine.endpoint} is another host; {_MISSING}"
        if engine.kernel != os.uname().release:
            return f"API only: the engine runs in a VM ({engine.operating_system}); {_MISSING}"
        running = {target.id for target in inventory.targets if target.state == "running"}
        seen = not running or bool(running & self._table.container_ids())
        self._unseen_ticks = 0 if seen else self._unseen_ticks + 1
        if self._unseen_ticks < _PATIENCE_TICKS:
            return None if self._unseen_ticks == 0 else self.banner
        return f"API only: the containers' processes are not in /proc (hidden, or another pid namespace); {_MISSING}"

    def close(self) -> None:
        """Nothing to give back: the watch is stopped by who started it."""
