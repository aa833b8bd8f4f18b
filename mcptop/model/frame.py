"""What one tick means: services with rates, shares and trends, ready to be shown or printed.

A `Frame` is made by the monitor and never changes. The field names of everything below `Frame` are the
field names of `mcptop snapshot --json`; adding a field here adds it there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from msgspec import Struct


class Value(Struct, frozen=True, eq=False, gc=False):
    """Base of all values of a frame: immutable, compared by identity, no part of a reference cycle."""


class Kind(StrEnum):
    """What a service runs as."""

    CONTAINER = "container"
    PROCESS = "process"


class Cpu(Value, frozen=True):
    """CPU use since the previous sample."""

    cores: float | None = None
    limit_cores: float | None = None
    """The quota, in cores; None without one."""
    limit_ratio: float | None = None
    """cores / limit_cores."""
    throttled_ratio: float | None = None
    """Share of scheduler periods in which the quota held the instance back."""
    pressure_some_avg10: float | None = None
    """Share of the last 10 s in which some task waited for a CPU (0..1)."""


class Memory(Value, frozen=True):
    """Memory as the kernel charges it (containers) or as resident set (processes)."""

    working_set_bytes: int | None = None
    """Usage without the page cache that can be dropped at once (inactive file): what the limit acts on in practice."""
    anon_bytes: int | None = None
    file_bytes: int | None = None
    shmem_bytes: int | None = None
    usage_bytes: int | None = None
    limit_bytes: int | None = None
    limit_ratio: float | None = None
    """working_set_bytes / limit_bytes."""
    trend_bytes_per_s: float | None = None
    """Slope of anonymous memory over the history; None until there is a minute of it."""
    pressure_some_avg10: float | None = None


class Interface(Value, frozen=True):
    """One network interface."""

    name: str
    rx_bytes_per_s: float | None = None
    tx_bytes_per_s: float | None = None


class Network(Value, frozen=True):
    """All interfaces but loopback, and their sum. An instance on the host's network has None."""

    rx_bytes_per_s: float | None = None
    tx_bytes_per_s: float | None = None
    interfaces: tuple[Interface, ...] = ()


class Device(Value, frozen=True):
    """One block device."""

    name: str
    read_bytes_per_s: float | None = None
    write_bytes_per_s: float | None = None


class Disk(Value, frozen=True):
    """All block devices, and their sum."""

    read_bytes_per_s: float | None = None
    write_bytes_per_s: float | None = None
    devices: tuple[Device, ...] = ()
    pressure_some_avg10: float | None = None


class FileDescriptors(Value, frozen=True):
    """Open files of all processes of the instance."""

    open: int | None = None
    limit: int | None = None
    """Soft limit of the process that is nearest to its own."""
    limit_ratio: float | None = None
    """How near that process is; not open / limit, for the limit is per process."""


class Sockets(Value, frozen=True):
    """TCP sockets by state, IPv4 and IPv6, of the instance's network namespace."""

    established: int = 0
    close_wait: int = 0
    time_wait: int = 0
    listen: int = 0
    syn_sent: int = 0
    syn_recv: int = 0
    other: int = 0


class Instance(Value, frozen=True):
    """One container, or one host process with its descendants of the same service."""

    id: str
    name: str
    pid: int | None = None
    state: str = "running"
    """The engine's word (running, restarting, exited, paused, created, dead), or `running` for processes."""
    health: str | None = None
    """healthy, unhealthy, starting; None without a health check."""
    image: str | None = None
    started_at: datetime | None = None
    restarts: int | None = None
    oom_kills: int | None = None
    exit_code: int | None = None
    """Of the last run that ended; None if none did."""
    cpu: Cpu = Cpu()
    memory: Memory = Memory()
    network: Network = Network()
    disk: Disk = Disk()
    pids: int | None = None
    threads: int | None = None
    pids_limit: int | None = None
    fds: FileDescriptors = FileDescriptors()
    sockets: Sockets | None = None
    age_s: float | None = None
    """Age of the numbers when they are late; None when they are of this tick."""


class Pool(Value, frozen=True):
    """A connection pool of a service."""

    name: str


class Queue(Value, frozen=True):
    """A queue of a service."""

    name: str


class Service(Value, frozen=True):
    """A name under a project; its instances are its replicas."""

    project: str | None
    name: str
    kind: Kind
    replicas: int
    """Instances that run now."""
    instances: tuple[Instance, ...]
    pools: tuple[Pool, ...] = ()
    queues: tuple[Queue, ...] = ()
    models: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Identity across frames, and the key of the service's series in the history."""
        return f"{self.kind}:{self.project or ''}/{self.name}"

    @property
    def group(self) -> str:
        """The heading a service stands under: its project, or what it is."""
        return self.project or ("containers" if self.kind == Kind.CONTAINER else "host processes")

    @property
    def group_key(self) -> str:
        """The key of that group's series in the history."""
        return f"group:{self.group}"


class Pressure(Value, frozen=True):
    """PSI of one resource: shares of the last 10 s (0..1)."""

    some_avg10: float
    full_avg10: float | None = None


class HostPressure(Value, frozen=True):
    """PSI of the host; None where the kernel has no such file."""

    cpu: Pressure | None = None
    memory: Pressure | None = None
    io: Pressure | None = None


class Filesystem(Value, frozen=True):
    """A mounted file system, with the traffic of its device."""

    mount: str
    device: str
    total_bytes: int
    available_bytes: int
    used_ratio: float
    """As `df` computes it: used / (used + available to users)."""
    read_bytes_per_s: float | None = None
    write_bytes_per_s: float | None = None
    busy_ratio: float | None = None


class Host(Value, frozen=True):
    """The machine mcptop looks at."""

    name: str
    cpus: int
    cpu_ratio: float | None = None
    memory_total_bytes: int | None = None
    memory_available_bytes: int | None = None
    swap_total_bytes: int | None = None
    swap_free_bytes: int | None = None
    load_1m: float | None = None
    pressure: HostPressure = HostPressure()
    disks: tuple[Filesystem, ...] = ()
    network: Network = Network()
    sockets: Sockets | None = None


class Status(StrEnum):
    """How a source did in this tick."""

    OK = "ok"
    NO_DATA = "no_data"
    ERROR = "error"


class SourceReport(Value, frozen=True):
    """One source in one tick: a broken one is shown, never hidden."""

    name: str
    status: Status
    message: str
    duration_s: float


class Alert(Value, frozen=True):
    """A rule that holds for a service."""

    rule: str
    service: str
    says: str


class Own(Value, frozen=True):
    """What mcptop itself costs."""

    cpu_ratio: float | None = None
    rss_bytes: int | None = None
    tick_s: float | None = None


class Series(Protocol):
    """The history up to a frame, as a reader sees it."""

    def tail(self, key: str, metric: str, count: int) -> Sequence[float | None]:
        """The last `count` values of a series, oldest first; None where a tick has no value."""

    def times(self, count: int) -> Sequence[float]:
        """Wall-clock seconds of the last `count` ticks, oldest first."""


class NoSeries:
    """A history without a tick."""

    def tail(self, key: str, metric: str, count: int) -> Sequence[float | None]:
        """Nothing, whatever is asked for."""
        return ()

    def times(self, count: int) -> Sequence[float]:
        """Nothing."""
        return ()


class Frame(Struct, frozen=True, eq=False):
    """One tick, complete. Frames compare by identity: a new one is always news."""

    number: int
    """Counts up from 1; 0 is the empty frame."""
    at: datetime
    host: Host | None
    sources: tuple[SourceReport, ...]
    services: tuple[Service, ...]
    alerts: tuple[Alert, ...]
    own: Own
    interval_s: float
    engine: str | None = None
    """The engine and its version, such as `docker 28.2`; None while there is none."""
    banner: str | None = None
    """What this machine does not let mcptop see, in one line."""
    series: Series = NoSeries()


EMPTY = Frame(0, datetime.fromtimestamp(0, UTC), None, (), (), (), Own(), 1.0)
"""The frame before the first tick, so that nothing downstream needs a None."""
