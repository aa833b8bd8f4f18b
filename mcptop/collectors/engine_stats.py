"""Containers by the engine's own stats, where their kernel is not this one: a VM, another host, or on request.

One stream per container and never more than a set number at once; what the engine does not say (files,
sockets, pressure) stays unknown.
"""

from __future__ import annotations

import threading
import time

from mcptop.collectors.base import Findings, NoData, SourceError, Tick
from mcptop.model.snapshot import Counters, Reading, Traffic
from mcptop.sources.docker_engine import DockerEngine, EngineError
from mcptop.sources.docker_target import Answer
from mcptop.sources.docker_watch import DockerWatch
from mcptop.units import plain

MAX_STREAMS = 64
"""Streams kept open at once: each costs the engine about as much as sampling one container costs mcptop in all."""


def reading_of(stats: Answer, read_at: float) -> Reading:
    """One answer of the stats stream. What is missing (a container that starts or stops) is None."""
    cpu: Answer = stats.get("cpu_stats") or {}
    memory: Answer = stats.get("memory_stats") or {}
    split: Answer = memory.get("stats") or {}
    throttling: Answer = cpu.get("throttling_data") or {}
    pids: Answer = stats.get("pids_stats") or {}
    usage = (cpu.get("cpu_usage") or {}).get("total_usage")
    limit = pids.get("limit")
    return Reading(
        read_at=read_at,
        cpu_usage_s=usage / 1e9 if usage and cpu.get("system_cpu_usage") else None,
        cpu_periods=throttling.get("periods"),
        cpu_throttled_periods=throttling.get("throttled_periods"),
        memory_usage_bytes=memory.get("usage"),
        # v1 answers have the total_ names, v2 answers have not.
        memory_inactive_file_bytes=_first(split, "total_inactive_file", "inactive_file"),
        memory_anon_bytes=_first(split, "total_rss", "anon"),
        memory_file_bytes=_first(split, "total_cache", "file"),
        memory_shmem_bytes=_first(split, "total_shmem", "shmem"),
        threads=pids.get("current"),
        pids_limit=limit if limit and limit < 1 << 60 else None,
        network=_network(stats.get("networks"), read_at),
        disk=_disk(stats, read_at),
    )


def _first(values: Answer, *names: str) -> int | None:
    return next((values[name] for name in names if name in values), None)


def _network(networks: Answer | None, read_at: float) -> Counters | None:
    if networks is None:
        return None
    parts = ((plain(name), values) for name, values in networks.items())
    return Counters(read_at, tuple(Traffic(name, v.get("rx_bytes", 0), v.get("tx_bytes", 0)) for name, v in parts))


def _disk(stats: Answer, read_at: float) -> Counters | None:
    entries = (stats.get("blkio_stats") or {}).get("io_service_bytes_recursive")
    if entries is None:
        return None
    totals: dict[str, list[int]] = {}
    for entry in entries:
        both = totals.setdefault(f"{entry.get('major')}:{entry.get('minor')}", [0, 0])
        operation = str(entry.get("op", "")).lower()[:1]
        if operation in "rw" and operation:
            both[operation == "w"] += int(entry.get("value") or 0)
    return Counters(read_at, tuple(Traffic(name, *both) for name, both in totals.items()))


class _Stream(threading.Thread):
    """Keeps the newest reading of one container."""

    def __init__(self, engine: DockerEngine, identity: str) -> None:
        super().__init__(name=f"mcptop-stats-{identity[:12]}", daemon=True)
        self._engine = engine
        self._identity = identity
        self._ended = threading.Event()
        self.reading: Reading | None = None

    def run(self) -> None:
        try:
            for stats in self._engine.stats(self._identity):
                if self._ended.is_set():
                    return
                self.reading = reading_of(stats, time.monotonic())
        except EngineError:
            return

    def end(self) -> None:
        self._ended.set()


class EngineStatsCollector:
    """The containers of an engine whose kernel cannot be read."""

    name = "docker stats"
    deadline_s = 2.0

    def __init__(self, watch: DockerWatch, max_streams: int = MAX_STREAMS) -> None:
        self._watch = watch
        self._max_streams = max_streams
        self._streams: dict[str, _Stream] = {}
        self._engine: DockerEngine | None = None
        self._shown: dict[str, Reading] = {}

    def collect(self, tick: Tick) -> Findings:
        """The newest figures that came."""
        inventory = self._watch.inventory
        if inventory.engine is None and not inventory.targets:
            if inventory.error:
                raise SourceError(inventory.error)
            raise NoData("waiting for the engine")
        running = [target.id for target in inventory.targets if target.state in ("running", "paused")]
        if inventory.engine is not None:
            self._follow(inventory.engine, running)
        readings = {key: stream.reading for key, stream in self._streams.items() if stream.reading is not None}
        stale = {key: reading.read_at for key, reading in readings.items() if reading is self._shown.get(key)}
        self._shown = readings
        left_out = len(running) - len(self._streams)
        return Findings(
            targets=inventory.targets,
            readings=readings,
            stale=stale,
            message=f"{left_out} of {len(running)} containers not sampled (limit {self._max_streams})"
            if left_out > 0
            else f"{len(running)} running",
        )

    def _follow(self, engine: DockerEngine, running: list[str]) -> None:
        if engine is not self._engine:
            self.close()
            self._engine = engine
        for identity in self._streams.keys() - set(running):
            self._streams.pop(identity).end()
        for identity, stream in list(self._streams.items()):
            if not stream.is_alive():
                del self._streams[identity]
        for identity in running:
            if identity not in self._streams and len(self._streams) < self._max_streams:
                stream = self._streams[identity] = _Stream(engine, identity)
                stream.start()

    def close(self) -> None:
        """End all streams; each notices at its next answer."""
        for stream in self._streams.values():
            stream.end()
        self._streams.clear()
