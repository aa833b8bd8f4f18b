"""Frames that look like a real stack: two leaking workers, a busy API, a model runner, a database, host processes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import sin
from typing import Any

from mcptop.model.frame import Frame, Own, Service, SourceReport, Status
from mcptop.model.host import Filesystem, Host, HostPressure, Pressure
from mcptop.model.instance import Cpu, Disk, FileDescriptors, Instance, Memory, Network, Sockets
from mcptop.model.value import Kind

MIB, GIB = 1 << 20, 1 << 30
NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
CPU, MEMORY = "cpu.cores", "memory.working_set"


class Shapes:
    """A history made of formulas: the value of a series at a tick is a function of the tick."""

    def __init__(self, tick: int, levels: dict[str, tuple[float, float]], born: int = 0) -> None:
        self.tick, self.levels, self.born = tick, levels, born

    def tail(self, key: str, metric: str, count: int) -> Sequence[float | None]:
        """The last `count` values."""
        ticks = range(max(self.born, self.tick - count + 1), self.tick + 1)
        return [self._value(key, metric, tick) for tick in ticks]

    def times(self, count: int) -> Sequence[float]:
        """One tick a second."""
        return [NOON.timestamp() + tick for tick in range(self.tick - count + 1, self.tick + 1)]

    def _value(self, key: str, metric: str, tick: int) -> float | None:
        base, growth = self.levels.get(f"{key} {metric}", (None, 0.0))
        if base is None or 300 < self.tick - tick < 320:
            return None
        if growth:
            return max(0.0, base - growth * (self.tick - tick))
        return max(0.0, base * (1 + 0.25 * sin(tick / 7) + 0.12 * sin(tick / 2.3)))


def instance(name: str, cores: float | None, used: float | None, limit: float | None = None, **more: Any) -> Instance:
    """A running container; `used` and `limit` in MiB, `quota` in cores."""
    quota, throttled = more.pop("quota", None), more.pop("throttled", None)
    trend, net = more.pop("trend", 0.0), more.pop("net", 12_000.0)
    fds, sockets = more.pop("fds", 20), more.pop("sockets", Sockets(established=8, listen=1))
    values = {
        "id": f"id-{name}",
        "name": name,
        "pid": 4000 + len(name),
        "health": "healthy",
        "image": f"registry.example/{name.rsplit('-', 1)[0]}:1.4",
        "started_at": NOON - timedelta(hours=3, minutes=12),
        "restarts": 0,
        "oom_kills": 0,
        "pids": 9,
        "threads": 9,
        "cpu": Cpu(cores, quota, None if quota is None or cores is None else cores / quota, throttled, 0.03),
        "memory": Memory(
            working_set_bytes=None if used is None else int(used * MIB),
            anon_bytes=None if used is None else int(used * 0.95 * MIB),
            file_bytes=31 * MIB,
            shmem_bytes=8 * MIB,
            limit_bytes=None if limit is None else int(limit * MIB),
            limit_ratio=None if limit is None or used is None else used / limit,
            trend_bytes_per_s=trend,
            pressure_some_avg10=0.0,
        ),
        "network": Network(net * 0.7, net * 0.3),
        "disk": Disk(0.0, net / 4, pressure_some_avg10=0.01),
        "fds": FileDescriptors(fds, 1024, fds / 1024),
        "sockets": sockets,
    }
    return Instance(**(values | more))


def service(name: str, *instances: Instance, project: str | None = "mcp-stack", kind: Kind = Kind.CONTAINER) -> Service:
    """A service of these instances."""
    return Service(project, name, kind, sum(i.state == "running" for i in instances), instances)


def process(name: str, cores: float, used: float) -> Service:
    """A host process without a project."""
    one = instance(
        name, cores, used, net=0.0, fds=12, trend=None, health=None, image=None, restarts=None, oom_kills=None
    )
    return service(name, one, project=None, kind=Kind.PROCESS)


def stack() -> tuple[Service, ...]:
    """The services of the pictures in the design."""
    leak = 144 * MIB / 3600
    return (
        service(
            "mcp-worker",
            instance("mcp-stack-mcp-worker-1", 0.52, 471, 512, quota=0.5, throttled=0.36, trend=leak, fds=21),
            instance("mcp-stack-mcp-worker-2", 0.48, 391, 512, quota=0.5, throttled=0.40, trend=leak, restarts=1),
        ),
        service("mcp-api", instance("mcp-stack-mcp-api-1", 0.41, 212, 1024, quota=2.0, throttled=0.0, trend=30.0,
                                    net=1.1 * MIB, fds=88, sockets=Sockets(established=50, close_wait=7))),
        service("model-runner", instance("mcp-stack-model-runner-1", 0.38, 1064, 4096, quota=2.0, throttled=0.0,
                                         net=40_000.0)),
        service("postgres", instance("mcp-stack-postgres-1", 0.09, 148, 1024, net=210_000.0, fds=71)),
        service("ui", instance("mcp-stack-ui-1", 0.01, 61, 256, quota=1.0, throttled=0.0, net=2_000.0, health=None)),
        service("migrate", Instance("id-migrate", "mcp-stack-migrate-1", state="exited", exit_code=0, restarts=0)),
        service("registry", instance("registry", 0.002, 24, net=100.0), project=None),
    )  # fmt: skip


def levels(services: tuple[Service, ...]) -> dict[str, tuple[float, float]]:
    """What the history of these services is made of: the present value, and growth a tick for what leaks."""
    made: dict[str, tuple[float, float]] = {"host cpu.ratio": (0.63, 0.0)}
    for one in services:
        totals = [0.0, 0.0, 0.0]
        for part in one.instances:
            grown = (part.memory.trend_bytes_per_s or 0.0) * 8
            used, cores = part.memory.working_set_bytes, part.cpu.cores
            if used is not None and cores is not None:
                made[f"{part.id} {CPU}"], made[f"{part.id} {MEMORY}"] = (cores, 0.0), (used, grown)
                made[f"{part.id} network.rx"] = (part.network.rx_bytes_per_s or 0.0, 0.0)
                made[f"{part.id} disk.write"] = (part.disk.write_bytes_per_s or 0.0, 0.0)
                totals = [totals[0] + cores, totals[1] + used, totals[2] + grown]
        if totals[1]:
            made[f"{one.key} {CPU}"], made[f"{one.key} {MEMORY}"] = (totals[0], 0.0), (totals[1], totals[2])
    made[f"group:mcp-stack {CPU}"] = (1.41, 0.0)
    made[f"group:host processes {CPU}"] = (0.12, 0.0)
    return made


HOST = Host(
    "build-7", 2, 0.63, int(23.5 * GIB), int(12.3 * GIB),
    pressure=HostPressure(Pressure(0.04), Pressure(0.0), Pressure(0.02)),
    disks=(Filesystem("/", "vda1", 80 * GIB, 23 * GIB, 0.71), Filesystem("/boot", "vda2", GIB, GIB // 2, 0.5)),
    network=Network(1.2 * MIB, 0.4 * MIB),
)  # fmt: skip
SOURCES = tuple(
    SourceReport(name, Status.OK, "", 0.002) for name in ("docker", "cgroups", "processes", "sockets", "host")
)


def frame(number: int = 1000, services: tuple[Service, ...] | None = None, **more: Any) -> Frame:
    """A frame of the stack with some host processes."""
    hosts = tuple(process(name, 0.01 * (n + 1), 40 + 10 * n) for n, name in enumerate(("sshd", "dockerd", "chronyd")))
    shown = (*stack(), *hosts) if services is None else services
    values = {
        "number": number, "at": NOON + timedelta(seconds=number - 1000), "host": HOST, "sources": SOURCES,
        "services": shown, "alerts": (), "own": Own(0.009, 61 * MIB, 0.0042), "interval_s": 1.0,
        "engine": "docker 28.2", "series": Shapes(number, levels(shown)),
    }  # fmt: skip
    return Frame(**(values | more))


def crowd(number: int, count: int = 120) -> Frame:
    """Many services whose figures all move with every frame."""
    services = tuple(service(f"svc-{n:03}", _busy(n, number), project="crowd") for n in range(count))
    return frame(number, services)


def _busy(n: int, number: int) -> Instance:
    cores, used = 0.5 + 0.4 * sin(n + number / 200), 100 + n + number % 50
    return instance(f"crowd-svc-{n:03}-1", cores, used, 512, quota=1.0, throttled=0.1, net=1000.0 * n + number)
