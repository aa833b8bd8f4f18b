"""What every collector is and gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from mcptop.model.flow_reading import FlowReading
from mcptop.model.instance import FileDescriptors, Sockets
from mcptop.model.snapshot import HostReading, Reading, Target
from mcptop.model.swarm import Swarm

SLOW_TICKS = 5
"""Dear or lazy facts are read on every fifth tick, a fifth of the targets at a time."""


class Tick(NamedTuple):
    """The moment to collect for."""

    number: int
    """Counts from 1."""
    monotonic: float
    targets: tuple[Target, ...] = ()
    """What the collectors before this one have found in this tick."""


class NoData(Exception):
    """There is nothing to collect here, and that is no failure; the message says why."""


class SourceError(Exception):
    """The source is broken; one line says what, where, what to do. What it found before stays, if nothing else is said.

    `instead`: what there is in its place, where what was found before is known to be so no more.
    """

    def __init__(self, says: str, instead: Findings | None = None) -> None:
        super().__init__(says)
        self.instead = instead


@dataclass
class Findings:
    """What one collector found in one tick. The sampler puts the findings of all together."""

    host: HostReading | None = None
    targets: tuple[Target, ...] = ()
    readings: dict[str, Reading] = field(default_factory=dict)
    sockets: dict[str, Sockets] = field(default_factory=dict)
    files: dict[str, FileDescriptors] = field(default_factory=dict)
    flows: dict[str, FlowReading] = field(default_factory=dict)
    """Target -> its pools, queues and models, as this source sees them."""
    endpoints: dict[str, str] = field(default_factory=dict)
    """Target -> the page of metrics it has, as it may be shown."""
    stale: dict[str, float] = field(default_factory=dict)
    """Targets whose reading is an old one -> monotonic time it is of."""
    host_sockets: Sockets | None = None
    swarm: Swarm | None = None
    engine: str | None = None
    banner: str | None = None
    message: str = ""
    """Added to the report of this source: how much it found, what it could not see."""


class Collector(Protocol):
    """One subject. `collect` may raise `NoData` or `SourceError`; anything else is a defect and reported as such."""

    deadline_s: float

    @property
    def name(self) -> str:
        """Among the sources."""

    def collect(self, tick: Tick) -> Findings:
        """Read once."""

    def close(self) -> None:
        """Give back what is held."""
