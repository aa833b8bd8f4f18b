"""What one tick read: counters and gauges as the kernel and the engine gave them, nothing derived.

A `Snapshot` is made by the sampler (or read from a recording) and never changes. Values that did not
change between two ticks may be the same object in both snapshots.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from mcptop.model.flow_reading import FlowReading
from mcptop.model.frame import SourceReport
from mcptop.model.host import Filesystem, Pressure
from mcptop.model.instance import FileDescriptors, Sockets
from mcptop.model.swarm import Swarm
from mcptop.model.value import Kind, Value


class Target(Value, frozen=True):
    """What is watched: one container, or one tree of host processes of the same service."""

    id: str
    """The container's full id, or `PID-STARTTICKS` of the tree's root process."""
    name: str
    kind: Kind
    project: str | None
    service: str
    pid: int | None = None
    state: str = "running"
    health: str | None = None
    health_output: str | None = None
    """What the health check said last, in one line; only while it fails."""
    image: str | None = None
    started_at: datetime | None = None
    restarts: int | None = None
    oom_killed: bool = False
    """The engine says the last run was ended by the OOM killer."""
    oom_events: int = 0
    """OOM events the engine sent for this container while we listened."""
    exit_code: int | None = None
    asked_to_stop: bool = False
    """While we listened somebody sent it a signal to end, and it has not started since."""
    memory_limit_bytes: int | None = None
    """As configured; the kernel's own figure goes before it."""
    cpu_limit_cores: float | None = None
    metrics_url: str | None = None
    addresses: tuple[str, ...] = ()
    """Of a container, in all its networks, IPv4 and IPv6; none on the host's network."""
    gateways: tuple[str, ...] = ()
    """Of its networks: what comes from there comes from the host."""
    published: tuple[tuple[int, int], ...] = ()
    """Port of the host, port of the container."""
    environment: tuple[tuple[str, int], ...] = ()
    """Settings of pools among its variables, by allow-list; whole numbers only."""
    host: str | None = None
    """The machine it is on, where that is not the one mcptop looks from."""


class Traffic(Value, frozen=True):
    """Counters of one interface (received, sent) or one block device (read, written), in bytes."""

    name: str
    inward: int
    outward: int


class Counters(Value, frozen=True):
    """Traffic by interface or device, with the time it was read: not always together with the rest."""

    read_at: float
    parts: tuple[Traffic, ...]


class Reading(Value, frozen=True):
    """What the kernel (or the engine's stats) says about one target at one moment. None: no such figure here.

    The same object in two snapshots means: looked again, and nothing had changed.
    """

    read_at: float
    """Monotonic seconds."""
    previous_at: float | None = None
    """The look before this one: until then the counters of the reading before still held."""
    cpu_usage_s: float | None = None
    cpu_limit_cores: float | None = None
    cpu_periods: int | None = None
    cpu_throttled_periods: int | None = None
    memory_usage_bytes: int | None = None
    memory_inactive_file_bytes: int | None = None
    memory_anon_bytes: int | None = None
    memory_file_bytes: int | None = None
    memory_shmem_bytes: int | None = None
    memory_limit_bytes: int | None = None
    oom_kills: int | None = None
    pids: int | None = None
    threads: int | None = None
    pids_limit: int | None = None
    network: Counters | None = None
    disk: Counters | None = None
    cpu_pressure: Pressure | None = None
    memory_pressure: Pressure | None = None
    io_pressure: Pressure | None = None
    memory_working_set_bytes: int | None = None
    """Where the source gives it itself, and not what it is made of."""
    every_s: float | None = None
    """Seconds between two samples of a source that tells when it likes, and is not looked at: there the same object
    again means no news, not a counter that stood still."""


class BlockDevice(Value, frozen=True):
    """Counters of a block device of the host."""

    name: str
    read_bytes: int
    written_bytes: int
    busy_ms: int


class HostReading(Value, frozen=True):
    """What the kernel says about the machine."""

    read_at: float
    name: str
    cpus: int
    cpu_busy_ticks: int | None = None
    cpu_total_ticks: int | None = None
    memory_total_bytes: int | None = None
    memory_available_bytes: int | None = None
    swap_total_bytes: int | None = None
    swap_free_bytes: int | None = None
    load_1m: float | None = None
    cpu_pressure: Pressure | None = None
    memory_pressure: Pressure | None = None
    io_pressure: Pressure | None = None
    network: Counters | None = None
    uplinks: frozenset[str] = frozenset()
    """The interfaces that are real hardware: the host's total counts these only, or traffic would count twice."""
    devices: tuple[BlockDevice, ...] = ()
    filesystems: tuple[Filesystem, ...] = ()
    cpu_ratio: float | None = None
    """Where the source gives it itself, and no ticks."""


class Snapshot(Struct, frozen=True, eq=False):
    """Everything one tick read."""

    at: datetime
    monotonic: float
    host: HostReading | None
    targets: tuple[Target, ...]
    readings: dict[str, Reading]
    sockets: dict[str, Sockets]
    files: dict[str, FileDescriptors]
    sources: tuple[SourceReport, ...]
    stale: dict[str, float]
    """Targets whose reading could not be renewed in this tick -> monotonic time it is of."""
    engine: str | None = None
    banner: str | None = None
    host_sockets: Sockets | None = None
    flows: dict[str, tuple[FlowReading, ...]] = {}
    """Target -> what each source says of its pools, queues and models."""
    endpoints: dict[str, str] = {}
    """Target -> its page of metrics."""
    swarm: Swarm | None = None
    """As the managers have it; None where no manager was asked."""
    hosts: tuple[HostReading, ...] = ()
    """All machines, where there are several; then `host` is None."""
