"""Where the containers of an engine run: on this kernel, whose files then tell of them, or elsewhere."""

from __future__ import annotations

import os

from mcptop.sources.docker_watch import Inventory
from mcptop.sources.process_table import ProcessTable

MISSING = "no pressure, OOM count, files, sockets or processes per container"
# A container that has just started may be in the engine's list a moment before its process is in the table.
_PATIENCE_TICKS = 3


class Whereabouts:
    """Whether the containers of an engine run on this kernel."""

    def __init__(self, table: ProcessTable, force_api_only: bool) -> None:
        self._table = table
        self._unseen_ticks = 0
        self._forced = force_api_only
        self.banner: str | None = f"API only, as asked: {MISSING}" if force_api_only else None
        """Why this kernel's files say nothing about the containers; None when they do."""

    def judge(self, inventory: Inventory) -> None:
        """Once a tick. While the engine does not answer it is as it was."""
        if not self._forced and inventory.engine is not None:
            self.banner = self._why_not_here(inventory)

    def _why_not_here(self, inventory: Inventory) -> str | None:
        engine = inventory.engine
        assert engine is not None
        if not engine.is_unix_socket:
            return f"API only: {engine.endpoint} is another host; {MISSING}"
        if engine.kernel != os.uname().release:
            return f"API only: the engine runs in a VM ({engine.operating_system}); {MISSING}"
        running = {target.id for target in inventory.targets if target.state == "running"}
        seen = not running or bool(running & self._table.container_ids())
        self._unseen_ticks = 0 if seen else self._unseen_ticks + 1
        if self._unseen_ticks < _PATIENCE_TICKS:
            return None if self._unseen_ticks == 0 else self.banner
        return f"API only: the containers' processes are not in /proc (hidden, or another pid namespace); {MISSING}"
