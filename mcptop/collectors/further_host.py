"""One more Docker host beside the first: its containers with its name, by this kernel's files or by its own figures.

One that is gone is a line among the sources; its last containers stay, marked as old, and nobody else waits for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from mcptop.collectors.base import Collector, Findings, NoData, SourceError, Tick
from mcptop.collectors.whereabouts import Whereabouts
from mcptop.model.snapshot import Target
from mcptop.sources import docker_hosts
from mcptop.sources.docker_watch import DockerWatch, Inventory
from mcptop.sources.process_table import ProcessTable
from mcptop.units import plain

_LOOPBACK = ("//localhost", "//127.", "//[::1]", "//:")


class FurtherHost:
    """Watches one engine. `stats` has the engine's own figures; it is asked only where this kernel has none."""

    deadline_s = 2.0

    def __init__(
        self, address: str, watch: DockerWatch, stats: Collector, table: ProcessTable, before: Sequence[Host],
        reads_kernel: Callable[[], bool] = lambda: True,
    ) -> None:  # fmt: skip
        """`before`: the hosts that were named before it; what one of them has is theirs.

        `reads_kernel`: whether containers are read from this kernel at all.
        """
        self._address = address
        self._watch = watch
        self._stats = stats
        self._whereabouts = Whereabouts(table, force_api_only=False)
        self._reads_kernel = reads_kernel
        self._before = before
        self._of: tuple[object, ...] = ()
        self._targets: tuple[Target, ...] = ()
        self.host = docker_hosts.short(address)
        """The engine's machine as it calls itself; until it answers, and where two are called so, its address."""

    @property
    def name(self) -> str:
        """Among the sources."""
        return f"docker {self.host}"

    @property
    def inventory(self) -> Inventory:
        """Its containers that none of the hosts before has, with its name."""
        inventory = self._watch.inventory
        self._rename(inventory)
        others = tuple(other.inventory.targets for other in self._before)
        of = (inventory.targets, self.host, self.is_here, *others)
        if len(of) != len(self._of) or any(one is not other for one, other in zip(of, self._of, strict=True)):
            theirs = {target.id for targets in others for target in targets}
            self._targets = tuple(self._hosted(each) for each in inventory.targets if each.id not in theirs)
            self._of = of
        return inventory._replace(targets=self._targets)

    @property
    def is_here(self) -> bool:
        """Whether its containers run on this kernel."""
        return self._whereabouts.banner is None and self._reads_kernel()

    def collect(self, tick: Tick) -> Findings:
        """Those of this kernel are somebody else's to measure; of the others, the engine's newest figures."""
        self._whereabouts.judge(self._watch.inventory)
        inventory = self.inventory
        if inventory.engine is None:
            if inventory.error is None:
                raise NoData("connecting")
            raise SourceError(inventory.error)
        version = inventory.engine.version
        says = f"{version}, API {inventory.engine.api_version}, {len(inventory.targets)} containers"
        if self.is_here:
            return Findings(message=says)
        found = self._stats.collect(tick)
        ids = {target.id for target in inventory.targets}
        return Findings(
            targets=inventory.targets,
            readings={key: reading for key, reading in found.readings.items() if key in ids},
            stale={key: since for key, since in found.stale.items() if key in ids},
            message=f"{says}, by its own figures; {found.message}",
        )

    def _rename(self, inventory: Inventory) -> None:
        if inventory.engine is None:
            return
        machine, address = plain(inventory.engine.machine, 64), docker_hosts.short(self._address)
        taken = {os.uname().nodename, *(other.host for other in self._before if isinstance(other, FurtherHost))}
        name = machine or address
        name = f"{machine} {address}" if machine in taken else name
        # The same object as long as it is the same name.
        self.host = self.host if name == self.host else name

    def _hosted(self, target: Target) -> Target:
        """Of another machine neither pids nor addresses mean anything here: somebody else has them."""
        if self.is_here:
            return replace(target, host=self.host)
        url = target.metrics_url
        reachable = url is not None and "//" in url and not any(each in url for each in _LOOPBACK)
        return replace(
            target, host=self.host, pid=None, addresses=(), gateways=(), published=(),
            metrics_url=url if reachable else None,
        )  # fmt: skip

    def close(self) -> None:
        """End its streams; the watch is stopped by who started it."""
        self._stats.close()


Host = DockerWatch | FurtherHost


class OfThisKernel:
    """The containers of all engines whose containers run on this kernel."""

    def __init__(self, first: DockerWatch, further: Callable[[], Sequence[FurtherHost]]) -> None:
        self._first = first
        self._further = further
        self._of: tuple[tuple[Target, ...], ...] = ()
        self._targets: tuple[Target, ...] = ()

    @property
    def inventory(self) -> Inventory:
        """Of the first engine, with the others' containers; the same tuple while nothing changed."""
        inventory = self._first.inventory
        parts = (inventory.targets, *(host.inventory.targets for host in self._further() if host.is_here))
        if len(parts) == 1:
            return inventory
        if len(parts) != len(self._of) or any(one is not other for one, other in zip(parts, self._of, strict=True)):
            self._of, self._targets = parts, tuple(target for part in parts for target in part)
        return inventory._replace(targets=self._targets)
