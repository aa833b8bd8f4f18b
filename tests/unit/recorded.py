"""Snapshots for tests of recordings: a small stack that changes in every way a real one does."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from mcptop.model.flow import Confidence, Model
from mcptop.model.flow_reading import FlowReading, PoolReading, QueueReading
from mcptop.model.frame import Frame, SourceReport, Status
from mcptop.model.host import Filesystem, Pressure
from mcptop.model.instance import FileDescriptors, Sockets
from mcptop.model.snapshot import BlockDevice, Counters, HostReading, Reading, Snapshot, Target, Traffic
from mcptop.model.value import Kind
from mcptop.monitor import Monitor
from mcptop.presentation import document
from mcptop.recording.framing import HEAD_SIZE, MAGIC, Flag, Place, framed, places
from mcptop.recording.parts import Existing
from mcptop.recording.writer import Writer

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
MIB = 1 << 20
EVENTS = (40, 70, 81)
"""Ticks at which something happens."""
WORKER, API, CRON = "a" * 64, "b" * 64, "77-1234"


def target(identity: str, name: str, kind: Kind = Kind.CONTAINER, **about: Any) -> Target:
    """Of project shop, where it is a container."""
    project = "shop" if kind is Kind.CONTAINER else None
    return Target(identity, f"{name}-1", kind, project, name, pid=100, restarts=0, **about)


_WORKER = target(
    WORKER, "worker", started_at=NOON, image="shop/worker:1", memory_limit_bytes=512 * MIB,
    environment=(("DB_POOL_SIZE", 20), ("WEB_CONCURRENCY", 3)), metrics_url="http://me:pw@:8000/metrics",
)  # fmt: skip
_API = target(API, "api", health="healthy", addresses=("172.18.0.2",), published=((8080, 80),))
_CRON = target(CRON, "cron", Kind.PROCESS)


def ticks(count: int, interval_s: float = 1.0, start: datetime = NOON) -> Iterator[Snapshot]:
    """One snapshot after the other; what did not change is the same object."""
    files = {WORKER: FileDescriptors(10, 1024, 0.01)}
    disk = Counters(1000.0, (Traffic("sda", 0, 0),))
    idle = Reading(1000.0, cpu_usage_s=5.0, memory_usage_bytes=MIB)
    flows: dict[str, tuple[FlowReading, ...]] = {}
    worker, api, sockets = _WORKER, _API, Sockets(3, 1)
    for number in range(count):
        now = 1000.0 + number * interval_s
        if number % 5 == 0:
            disk = Counters(now, (Traffic("sda", number * 4096, number * 8192),))
            flows = _flows(now, number, flows)
        if number % 7 == 6:
            sockets = Sockets(3, 1 + number % 5)
        if number == 40:
            api = replace(api, health="unhealthy")
        if number == 70:
            worker = replace(worker, restarts=1, started_at=NOON + timedelta(seconds=70))
        with_cron = (_CRON,) if number % 50 > 10 else ()
        yield Snapshot(
            at=start + timedelta(seconds=number * interval_s),
            monotonic=now,
            host=_host(now, number),
            targets=(worker, api, *with_cron),
            readings={WORKER: _busy(now, number, disk), API: idle},
            sockets={API: sockets},
            files=files,
            sources=(_source("docker", Status.ERROR if number in (90, 91) else Status.OK, number), _source("host")),
            stale={API: now - 4} if number == 95 else {},
            engine="docker 28.2",
            banner="a banner" if number > 99 else None,
            host_sockets=Sockets(7),
            flows=flows,
            endpoints={WORKER: "http://172.18.0.3:8000/metrics"},
        )


def _busy(now: float, number: int, disk: Counters) -> Reading:
    network = Counters(now, (Traffic("eth0", number * 1000, number * 500),))
    return Reading(
        now, now - 1, cpu_usage_s=number * 0.3, cpu_limit_cores=0.5, cpu_periods=10 * number,
        cpu_throttled_periods=3 * number, memory_usage_bytes=(100 + number) * MIB, memory_inactive_file_bytes=MIB,
        memory_anon_bytes=(90 + number) * MIB, memory_limit_bytes=512 * MIB, oom_kills=1 if number > 80 else 0, pids=4,
        network=network, disk=disk, memory_pressure=Pressure(0.25, 0.1), io_pressure=Pressure(0.0),
    )  # fmt: skip


def _host(now: float, number: int) -> HostReading:
    return HostReading(
        now, "box", 2, cpu_busy_ticks=100 * number, cpu_total_ticks=200 * number, memory_total_bytes=8 << 30,
        network=Counters(now, (Traffic("eth0", number, number), Traffic("docker0", 1, 1))), uplinks=frozenset({"eth0"}),
        devices=(BlockDevice("vda", number * 512, 0, number),),
        filesystems=(Filesystem("/", "vda", 1 << 30, 1 << 29, 0.5),),
    )  # fmt: skip


def _flows(now: float, number: int, before: dict[str, tuple[FlowReading, ...]]) -> dict[str, tuple[FlowReading, ...]]:
    pool = PoolReading("db", "db", "postgres", in_use=number % 20, max=20, waits_total=float(number), waiting=1)
    metrics = FlowReading(now, "metrics", (pool,), (QueueReading("jobs", depth=number, entered_total=number * 2.0),))
    seen = before.get(WORKER, (None, None))[1] or FlowReading(
        now, "kernel", (PoolReading("→postgres", "tcp", open=3, in_use=3, confidence=Confidence.INFERRED),), (),
        (Model("llama", 5, None, None),),
    )  # fmt: skip
    return {WORKER: (metrics, seen)}


def _source(name: str, status: Status = Status.OK, number: int = 0) -> SourceReport:
    return SourceReport(name, status, "does not answer" if status is Status.ERROR else "", 0.001 * number)


class Script:
    """Snapshots as a monitor's source."""

    def __init__(self, snapshots: Iterable[Snapshot]) -> None:
        self._snapshots = iter(snapshots)

    def sample(self) -> Snapshot:
        """The next."""
        return next(self._snapshots)

    def close(self) -> None:
        """Nothing is held."""


def live(snapshots: Iterable[Snapshot], count: int, interval_s: float = 1.0) -> list[dict[str, Any]]:
    """The documents of so many frames, as they were when it happened."""
    monitor = Monitor(Script(snapshots), interval_s)
    return [shown(monitor.step()) for _ in range(count)]


def shown(frame: Frame) -> dict[str, Any]:
    """The document of a frame but for what mcptop itself cost."""
    found: dict[str, Any] = msgspec.json.decode(document.to_json(frame, frame.services))
    del found["self"]
    return found


def write(path: Path, snapshots: Iterable[Snapshot], **about: Any) -> Path:
    """A file with these in it."""
    writer = Writer(path, about.pop("interval_s", 1.0), existing=about.pop("existing", Existing.REFUSE), **about)
    for number, snapshot in enumerate(snapshots):
        writer.add(snapshot, number in EVENTS)
    writer.close()
    return path


def spoil(path: Path, index: int) -> None:
    """Let a tick of this file make no sense, whatever its checksums say."""
    before, handle = path.read_bytes(), os.open(path, os.O_RDONLY)
    found = [each for each in places(handle, len(MAGIC), len(before)) if isinstance(each, Place)]
    os.close(handle)
    tick = [each for each in found if not each.flags & Flag.HEADER][index]
    start, end = tick.offset - HEAD_SIZE, tick.offset + tick.length
    path.write_bytes(before[:start] + framed(tick.flags, tick.at, b"nonsense") + before[end:])
