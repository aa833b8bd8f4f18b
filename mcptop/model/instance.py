"""What is known of one replica: its use of CPU, memory, network, disk, files and sockets."""

from __future__ import annotations

from datetime import datetime

from mcptop.model.value import Value


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
    health_output: str | None = None
    """What its health check said last, in one line; only while it fails."""
    image: str | None = None
    started_at: datetime | None = None
    restarts: int | None = None
    oom_kills: int | None = None
    exit_code: int | None = None
    """Of the last run that ended; None if none did."""
    asked_to_stop: bool = False
    """Somebody had it stopped, while mcptop looked: whatever its exit code, that is no fault."""
    cpu: Cpu = Cpu()
    memory: Memory = Memory()
    network: Network = Network()
    disk: Disk = Disk()
    pids: int | None = None
    threads: int | None = None
    pids_limit: int | None = None
    fds: FileDescriptors = FileDescriptors()
    sockets: Sockets | None = None
    metrics_url: str | None = None
    """Its page of metrics, without user and password."""
    age_s: float | None = None
    """Age of the numbers when they are late; None when they are of this tick."""
    host: str | None = None
    """The machine it is on, where that is not the one mcptop looks from."""
