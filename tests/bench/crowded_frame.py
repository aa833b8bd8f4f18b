"""A frame of many services, with everything a service can have, and the snapshot it was made of."""

from __future__ import annotations

from datetime import UTC, datetime

from mcptop.model.flow import Confidence, Model, Pool, Queue
from mcptop.model.frame import Frame, Own, Service
from mcptop.model.host import Host
from mcptop.model.instance import Cpu, Disk, FileDescriptors, Instance, Memory, Sockets
from mcptop.model.snapshot import Counters, Reading, Snapshot, Traffic
from mcptop.model.value import Kind

_NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def frame_of(services: int, replicas: int = 2, tick: int = 0) -> tuple[Frame, Snapshot]:
    """As it is at one tick; each tick has other figures."""
    found = tuple(_service(number, replicas, tick) for number in range(services))
    readings = {one.id: _reading(tick) for service in found for one in service.instances}
    host = Host("bench", 8, 0.3, 64 << 30, 32 << 30)
    frame = Frame(tick + 1, _NOON, host, (), found, (), Own(0.01, 50 << 20, 0.02), 1.0, "docker 28.2", monotonic=1.0)
    return frame, Snapshot(_NOON, 1.0, None, (), readings, {}, {}, (), {})


def _service(number: int, replicas: int, tick: int) -> Service:
    name = f"service-{number:03d}"
    names = [f"shop-{name}-{replica + 1}" for replica in range(replicas)]
    pools = tuple(_pool(kind, one, tick) for one in names for kind in ("db", "http", "tcp"))
    queues = tuple(
        Queue("jobs", "queue", one, 12 + tick, 3, 1000, 4.25, 10.5, 9.25, rejected=tick, source="metrics (mcp)")
        for one in names
    )
    models = (Model("llama3-8b", 5 << 30, 8 << 30, instance=names[0]),) if number % 10 == 0 else ()
    instances = tuple(_instance(one, number, tick) for one in names)
    return Service("shop", name, Kind.CONTAINER, replicas, instances, pools, queues, models)


def _pool(kind: str, replica: str, tick: int) -> Pool:
    if kind == "tcp":
        return Pool("tcp", kind, "10.0.0.7:5432", replica, open=12 + tick, connecting=0, close_wait=1, source="kernel",
                    confidence=Confidence.INFERRED)  # fmt: skip
    return Pool(kind, kind, "postgres", replica, in_use=20 + tick, idle=3, max=50, waiting=tick, wait_s=0.0125,
                timeouts=3, source="metrics (mcp)")  # fmt: skip


def _instance(name: str, number: int, tick: int) -> Instance:
    used = (200 << 20) + number * 4096 + tick
    return Instance(
        f"{number:08x}{sum(name.encode()):08x}" * 4, name, 1000 + number, image="shop/api:1.2", health="healthy",
        started_at=_NOON, restarts=0, oom_kills=0,
        cpu=Cpu(0.123456789 + tick / 7, 1.0, 0.123456789, 0.01, 0.002),
        memory=Memory(used, used - 4096, 4096 * 77, 0, used + (9 << 20), 512 << 20, used / (512 << 20), None, 0.0),
        disk=Disk(pressure_some_avg10=0.0), pids=12, threads=24, pids_limit=4096,
        fds=FileDescriptors(64, 1024, 0.0625), sockets=Sockets(12, 1, 3, 2),
    )  # fmt: skip


def _reading(tick: int) -> Reading:
    traffic = Counters(1.0, (Traffic("eth0", 123456789 + tick, 987654321 + tick),))
    return Reading(1.0, cpu_usage_s=1234.5678 + tick, cpu_periods=1000 + tick, cpu_throttled_periods=7,
                   network=traffic, disk=traffic)  # fmt: skip
