"""Frames that look like a real stack: two leaking workers, a busy API, a model runner, a database, host processes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import sin
from typing import Any

from msgspec.structs import replace

from mcptop.alerts.evaluator import Evaluator
from mcptop.model.event import Event, EventKind
from mcptop.model.flow import Budget, Confidence, Model, Pool, Queue, Share
from mcptop.model.frame import Frame, Own, Service, SourceReport, Status, pool_key, queue_key
from mcptop.model.host import Filesystem, Host, HostPressure, Pressure
from mcptop.model.instance import Cpu, Disk, FileDescriptors, Instance, Memory, Network, Sockets
from mcptop.model.value import Kind

MIB, GIB = 1 << 20, 1 << 30
NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
CPU, MEMORY, ANON = "cpu.cores", "memory.working_set", "memory.anon"


class Shapes:
    """A history made of formulas: the value of a series at a tick is a function of the tick."""

    def __init__(self, tick: int, levels: dict[str, tuple[float, float]], born: int = 0) -> None:
        self.tick, self.levels, self.born = tick, levels, born

    def tail(self, key: str, metric: str, count: int) -> Sequence[float | None]:
        """The last `count` values."""
        ticks = range(self.tick - count + 1, self.tick + 1)
        base, growth = self.levels.get(f"{key} {metric}", (None, 0.0))
        return [None if tick < self.born else self._value(base, growth, tick) for tick in ticks]

    def times(self, count: int) -> Sequence[float]:
        """One tick a second."""
        return [NOON.timestamp() + tick - 1000 for tick in range(self.tick - count + 1, self.tick + 1)]

    def before(self, ticks: int) -> Shapes:
        """The same history so many ticks ago."""
        return Shapes(self.tick - ticks, self.levels, self.born)

    def _value(self, base: float | None, growth: float, tick: int) -> float | None:
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


def service(
    name: str, *instances: Instance, project: str | None = "mcp-stack", kind: Kind = Kind.CONTAINER, **more: Any
) -> Service:
    """A service of these instances; `more`: its pools, queues and models."""
    return Service(project, name, kind, sum(i.state == "running" for i in instances), instances, **more)


def pool(name: str, in_use: int | None, most: int | None = None, **more: Any) -> Pool:
    """A pool its service measured itself."""
    return Pool(**({"name": name, "in_use": in_use, "max": most, "source": "metrics"} | more))


def seen(peer: str, in_use: int, **more: Any) -> Pool:
    """Connections to a peer, as the kernel shows them."""
    values = {"name": peer, "kind": "tcp", "peer": peer, "source": "kernel", "confidence": Confidence.INFERRED}
    return pool(**(values | {"in_use": in_use} | more))


def queue(name: str, depth: int | None, **more: Any) -> Queue:
    """A queue its service measured itself."""
    return Queue(**({"name": name, "kind": "queue", "depth": depth, "source": "metrics"} | more))


def backlog(depth: int, capacity: int = 128, **more: Any) -> Queue:
    """Connections nobody took yet."""
    return queue(":8000", depth, kind="accept", capacity=capacity, source="kernel", **more)


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
            pools=tuple(
                pool("db", 1, 10, kind="db", peer="postgres", idle=4, waiting=0, longest_s=0.31,
                     instance=f"mcp-stack-mcp-worker-{n}")
                for n in (1, 2)
            ),
            queues=(queue("jobs", 412, in_flight=2, oldest_age_s=130.0, in_per_s=7.1, out_per_s=4.1,
                          growth_per_s=3.0),),
        ),
        service("mcp-api", instance("mcp-stack-mcp-api-1", 0.41, 212, 1024, quota=2.0, throttled=0.0, trend=30.0,
                                    net=1.1 * MIB, fds=88, sockets=Sockets(established=50, close_wait=7)),
                pools=(
                    pool("db", 50, 50, kind="db", peer="postgres", idle=0, waiting=7, wait_s=0.8, waits_per_s=11.0,
                         timeouts_per_s=0.0, timeouts=3, longest_s=2.4),
                    pool("http", 3, 100, kind="http", peer="model-runner", idle=12, waiting=0, longest_s=0.92),
                    seen("model-runner:8080", 3, idle=12, connecting=0, close_wait=7, time_wait=2),
                ),
                queues=(backlog(0),)),
        service("model-runner", instance("mcp-stack-model-runner-1", 0.38, 1064, 4096, quota=2.0, throttled=0.0,
                                         net=40_000.0),
                pools=(pool("slots", 4, 8, kind="slots", waiting=0),),
                queues=(queue("requests", 2, in_flight=4, capacity=64, oldest_age_s=0.4, in_per_s=5.0, out_per_s=5.5,
                              growth_per_s=-0.5),),
                models=(Model("llama3", int(4.1 * GIB)), Model("qwen", int(1.2 * GIB)))),
        service("postgres", instance("mcp-stack-postgres-1", 0.09, 148, 1024, net=210_000.0, fds=71),
                pools=(pool("connections", 52, 97, kind="server", idle=9, longest_s=2.4, idle_in_transaction=1,
                            idle_in_transaction_s=0.4,
                            source="pg_stat_activity", max_source="max_connections 100 - 3 reserved"),)),
        service("ui", instance("mcp-stack-ui-1", 0.01, 61, 256, quota=1.0, throttled=0.0, net=2_000.0, health=None),
                pools=(seen("mcp-api:8000", 12, idle=3),), queues=(backlog(0),)),
        service("migrate", Instance("id-migrate", "mcp-stack-migrate-1", state="exited", exit_code=0, restarts=0)),
        service("registry", instance("registry", 0.002, 24, net=100.0), project=None),
    )  # fmt: skip


BUDGET = Budget(
    "postgres", 97, "max_connections 100 - 3 reserved",
    (Share("mcp-api", "db", 50, 3, "mcp-stack"), Share("mcp-worker", "db", 10, 2, "mcp-stack")), 170,
    "mcp-api db 50 x 3 + mcp-worker db 10 x 2 = 170 > 97", True, "mcp-stack", "container:mcp-stack/postgres",
)  # fmt: skip


def levels(services: tuple[Service, ...]) -> dict[str, tuple[float, float]]:
    """What the history of these services is made of: the present value, and growth a tick for what leaks."""
    made: dict[str, tuple[float, float]] = {"host cpu.ratio": (0.63, 0.0)}
    for one in services:
        for each in one.pools:
            made[f"{pool_key(one, each)} pool.in_use"] = (float(each.in_use or 0), 0.0)
            made[f"{pool_key(one, each)} pool.waiting"] = (float(each.waiting or 0), 0.0)
        for line in one.queues:
            made[f"{queue_key(one, line)} queue.depth"] = (float(line.depth or 0), line.growth_per_s or 0.0)
            made[f"{queue_key(one, line)} queue.in_flight"] = (float(line.in_flight or 0), 0.0)
        totals = [0.0, 0.0, 0.0]
        for part in one.instances:
            grown = (part.memory.trend_bytes_per_s or 0.0) * 8
            used, cores = part.memory.working_set_bytes, part.cpu.cores
            if used is not None and cores is not None:
                made[f"{part.id} {CPU}"], made[f"{part.id} {MEMORY}"] = (cores, 0.0), (used, grown)
                made[f"{part.id} {ANON}"] = (used * 0.95, part.memory.trend_bytes_per_s or 0.0)
                made[f"{part.id} network.rx"] = (part.network.rx_bytes_per_s or 0.0, 0.0)
                made[f"{part.id} disk.write"] = (part.disk.write_bytes_per_s or 0.0, 0.0)
                totals = [totals[0] + cores, totals[1] + used, totals[2] + grown]
        if totals[1]:
            made[f"{one.key} {CPU}"], made[f"{one.key} {MEMORY}"] = (totals[0], 0.0), (totals[1], totals[2])
    made[f"group:mcp-stack {CPU}"] = (1.41, 0.0)
    made[f"group:host processes {CPU}"] = (0.12, 0.0)
    return made


WORKER, API = "container:mcp-stack/mcp-worker", "container:mcp-stack/mcp-api"


def event(ago_s: float, kind: EventKind, says: str, bad: bool = False, service: str = "", name: str = "") -> Event:
    """Something that happened so long before noon."""
    return Event(NOON - timedelta(seconds=ago_s), kind, says, bad, service, f"id-{name}" if service else "", name)


EVENTS = (
    event(800, EventKind.DEPLOYED, "image mcp-worker:1.3 → mcp-worker:1.4", False, WORKER, "mcp-stack-mcp-worker-1"),
    event(620, EventKind.LIMIT, "memory limit 256 MiB → 512 MiB", False, WORKER, "mcp-stack-mcp-worker-1"),
    event(430, EventKind.OOM_KILL, "killed for lack of memory", True, WORKER, "mcp-stack-mcp-worker-2"),
    event(429, EventKind.RESTARTED, "restarted, exit code 137 (killed)", True, WORKER, "mcp-stack-mcp-worker-2"),
    event(95, EventKind.HEALTH, "healthy → unhealthy", True, API, "mcp-stack-mcp-api-1"),
    event(61, EventKind.HEALTH, "unhealthy → healthy", False, API, "mcp-stack-mcp-api-1"),
    event(12, EventKind.SOURCE, "failed: no answer for 2 s", True, name="docker"),
    event(9, EventKind.SOURCE, "works again", name="docker"),
)


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
        "engine": "docker 28.2", "budgets": (BUDGET,), "events": EVENTS, "series": Shapes(number, levels(shown)),
    }  # fmt: skip
    if "alerts" in more:
        return Frame(**(values | more))
    return judged(Frame(**(values | more)))


def judged(made: Frame) -> Frame:
    """The frame with its alerts, as if they had begun some minutes ago."""
    evaluator = Evaluator()
    for ago in (40, 20, 0):
        # Whether something grows is asked now and then only.
        series = made.series.before(ago) if isinstance(made.series, Shapes) else made.series
        # A service that is the same object is as it was.
        services = tuple(map(replace, made.services))
        found = evaluator.alerts(replace(made, at=made.at - timedelta(seconds=ago), series=series, services=services))
    return replace(made, alerts=tuple(replace(alert, since=made.at - timedelta(minutes=4)) for alert in found))


def crowd(number: int, count: int = 120) -> Frame:
    """Many services whose figures all move with every frame."""
    services = tuple(service(f"svc-{n:03}", _busy(n, number), project="crowd") for n in range(count))
    return frame(number, services)


def _busy(n: int, number: int) -> Instance:
    cores, used = 0.5 + 0.4 * sin(n + number / 200), 100 + n + number % 50
    return instance(f"crowd-svc-{n:03}-1", cores, used, 512, quota=1.0, throttled=0.1, net=1000.0 * n + number)
