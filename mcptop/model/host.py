"""What is known of the machine."""

from __future__ import annotations

from mcptop.model.instance import Network, Sockets
from mcptop.model.value import Value


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
    host: str | None = None
    """Its machine, where there are several."""

    @property
    def key(self) -> str:
        """The key of its series in the history."""
        return f"disk:{self.mount}" if self.host is None else f"disk:{self.host}:{self.mount}"


def host_key(name: str) -> str:
    """The key of a machine's series in the history, where there are several."""
    return f"host:{name}"


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
