"""The demo's `/metrics`: the guide's names, each with the labels and companions they lack.

Everything is read when somebody scrapes; between scrapes it costs nothing. Every pool has a `pool` label, for a service
with a database pool and an HTTP pool would otherwise overwrite one with the other. Seconds and bytes are in the names.
`mcp_service_cpu_percent` keeps the guide's name and unit (percent of one core).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import inf
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from mcptop.demo.systems.gc_watch import GcWatch
from mcptop.demo.systems.memory_watch import MemoryUse
from mcptop.demo.systems.resources import ResourceMeter
from mcptop.demo.systems.stats import BatchStats, CacheStats, PoolStats, QueueStats

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64)

Labels = tuple[str, ...]
Sample = tuple[Labels, float | None]


class Observed(Protocol):
    """What a service offers to be read at scrape time."""

    def pools(self) -> Iterable[PoolStats]:
        """Connection pools and the like."""

    def queues(self) -> Iterable[QueueStats]:
        """Queues, as last counted."""

    def caches(self) -> Iterable[CacheStats]:
        """Caches."""

    def batches(self) -> Iterable[BatchStats]:
        """Batchers."""

    def models(self) -> Iterable[tuple[str, int]]:
        """Loaded models and their bytes."""

    def inference_queues(self) -> Iterable[tuple[str, int]]:
        """Models and the requests that wait for them."""


def _gauge(name: str, says: str, labels: Sequence[str], samples: Iterable[Sample]) -> Metric:
    family = GaugeMetricFamily(name, says, labels=labels)
    for values, value in samples:
        if value is not None:
            family.add_metric(values, value)
    return family


def _counter(name: str, says: str, labels: Sequence[str], samples: Iterable[Sample]) -> Metric:
    family = CounterMetricFamily(name, says, labels=labels)
    for values, value in samples:
        if value is not None:
            family.add_metric(values, value)
    return family


class _Scrape(Collector):
    """Reads a service's parts whenever they are asked for."""

    def __init__(self, service: str, observed: Observed) -> None:
        self._service = service
        self._observed = observed

    def collect(self) -> Iterator[Metric]:
        yield from self._pools(list(self._observed.pools()))
        yield from self._queues(list(self._observed.queues()))
        yield from self._caches(list(self._observed.caches()))
        yield from self._batches(list(self._observed.batches()))
        yield _gauge(
            "mcp_model_memory_bytes",
            "Memory of a loaded model",
            ["service", "model_id"],
            (((self._service, model), float(size)) for model, size in self._observed.models()),
        )
        yield _gauge(
            "mcp_model_inference_queue_size",
            "Requests that wait for a model",
            ["service", "model_id"],
            (((self._service, model), float(size)) for model, size in self._observed.inference_queues()),
        )

    def _pools(self, pools: Sequence[PoolStats]) -> Iterator[Metric]:
        def per(field: Callable[[PoolStats], float | None]) -> Iterable[Sample]:
            return [((self._service, pool.name), field(pool)) for pool in pools]

        name, labels = "mcp_connection_pool", ["service", "pool"]
        yield _gauge(f"{name}_size", "Connections the pool holds, without overflow", labels, per(lambda p: p.size))
        yield _gauge(f"{name}_max", "Most connections, overflow included", labels, per(lambda p: p.max))
        yield _gauge(f"{name}_active", "Connections in use", labels, per(lambda p: p.in_use))
        yield _gauge(f"{name}_idle", "Connections open and free", labels, per(lambda p: p.idle))
        yield _gauge(f"{name}_waiting", "Callers that wait for a connection", labels, per(lambda p: p.waiting))
        yield _counter(f"{name}_waits", "Callers that had to wait", labels, per(lambda p: p.waits))
        yield _counter(f"{name}_wait_seconds", "Time callers waited, all together", labels, per(lambda p: p.wait_s))
        yield _counter(f"{name}_timeouts", "Callers that waited in vain", labels, per(lambda p: p.timeouts))

    def _queues(self, queues: Sequence[QueueStats]) -> Iterator[Metric]:
        def per(field: Callable[[QueueStats], float | None]) -> Iterable[Sample]:
            return [((self._service, queue.name), field(queue)) for queue in queues]

        name, labels = "mcp_queue", ["service", "queue"]
        yield _gauge(f"{name}_depth", "Jobs that wait", labels, per(lambda q: q.depth))
        yield _gauge(f"{name}_in_flight", "Jobs being worked on", labels, per(lambda q: q.in_flight))
        yield _gauge(f"{name}_capacity", "Jobs that may wait", labels, per(lambda q: q.capacity))
        yield _gauge(
            f"{name}_oldest_age_seconds", "Age of the oldest waiting job", labels, per(lambda q: q.oldest_age_s)
        )
        yield _counter(f"{name}_entered", "Jobs accepted", labels, per(lambda q: q.entered))
        yield _counter(f"{name}_left", "Jobs taken out", labels, per(lambda q: q.left))
        yield _counter(f"{name}_rejected", "Jobs refused because it was full", labels, per(lambda q: q.rejected))

    def _caches(self, caches: Sequence[CacheStats]) -> Iterator[Metric]:
        def per(field: Callable[[CacheStats], float | None]) -> Iterable[Sample]:
            return [((self._service, cache.name), field(cache)) for cache in caches]

        name, labels = "mcp_cache", ["service", "cache"]
        yield _gauge(f"{name}_entries", "Entries held", labels, per(lambda c: c.entries))
        yield _gauge(f"{name}_bytes", "Bytes held", labels, per(lambda c: c.bytes))
        yield _gauge(f"{name}_max_bytes", "Bytes it may hold", labels, per(lambda c: c.max_bytes))
        yield _counter(f"{name}_hits", "Lookups that found something", labels, per(lambda c: c.hits))
        yield _counter(f"{name}_misses", "Lookups that found nothing", labels, per(lambda c: c.misses))
        yield _counter(f"{name}_evictions", "Entries put out for lack of room", labels, per(lambda c: c.evictions))
        yield _counter(f"{name}_expirations", "Entries that grew too old", labels, per(lambda c: c.expirations))

    def _batches(self, batches: Sequence[BatchStats]) -> Iterator[Metric]:
        name, labels = "mcp_batch", ["service", "batcher"]
        sizes = HistogramMetricFamily(f"{name}_size", "Requests in a batch", labels=labels)
        for batch in batches:
            up_to = [sum(n for size, n in batch.sizes.items() if size <= bound) for bound in (*_BATCH_SIZES, inf)]
            bounds = (*(str(float(bound)) for bound in _BATCH_SIZES), "+Inf")
            buckets = list(zip(bounds, up_to, strict=True))
            total = sum(size * count for size, count in batch.sizes.items())
            sizes.add_metric((self._service, batch.name), buckets, total)
        yield sizes

        def per(field: Callable[[BatchStats], float | None]) -> Iterable[Sample]:
            return [((self._service, batch.name), field(batch)) for batch in batches]

        yield _gauge(f"{name}_pending", "Requests in the batch that fills", labels, per(lambda b: b.pending))
        yield _gauge(f"{name}_oldest_age_seconds", "Age of its oldest request", labels, per(lambda b: b.oldest_age_s))
        yield _counter(f"{name}_failed", "Batches that failed", labels, per(lambda b: b.failed))
        yield _counter(f"{name}_wait_seconds", "Time requests waited to be sent", labels, per(lambda b: b.wait_s))


class _Process(Collector):
    """The guide's resource metrics, from one kept process object, and memory against the service's own limit."""

    def __init__(self, service: str, memory: Callable[[], MemoryUse], gc_watch: GcWatch) -> None:
        self._service = service
        self._memory = memory
        self._gc = gc_watch
        self._meter = ResourceMeter()
        self._meter.read()

    def collect(self) -> Iterator[Metric]:
        own = (self._service,)
        used = self._meter.read()
        memory = self._memory()
        yield _gauge("mcp_service_memory_bytes", "Resident memory", ["service"], [(own, used.memory_bytes)])
        yield _gauge(
            "mcp_service_cpu_percent",
            "CPU since the last scrape, percent of one core",
            ["service"],
            [(own, used.cpu_percent)],
        )
        yield _gauge(
            "mcp_service_disk_bytes",
            "Used bytes of the file system",
            ["service", "mount"],
            [((self._service, used.mount), used.disk_used_bytes)],
        )
        yield _gauge(
            "mcp_service_memory_limit_bytes", "Its own limit, not the host's", ["service"], [(own, memory.limit_bytes)]
        )
        yield _gauge(
            "mcp_service_memory_used_bytes", "What counts against that limit", ["service"], [(own, memory.used_bytes)]
        )
        yield from self._collections()

    def _collections(self) -> Iterator[Metric]:
        labels = ["service", "generation"]
        per = [((self._service, str(number)), each) for number, each in enumerate(self._gc.stats())]
        yield _counter("mcp_gc_collections", "Collections", labels, [(at, g.collections) for at, g in per])
        yield _counter("mcp_gc_collected", "Objects freed by them", labels, [(at, g.collected) for at, g in per])
        yield _counter("mcp_gc_pause_seconds", "Time they took", labels, [(at, g.pause_s) for at, g in per])


class Metrics:
    """The registry of one service: what it counts itself, and what is read from its parts."""

    def __init__(self, service: str, observed: Observed, memory: Callable[[], MemoryUse], gc_watch: GcWatch) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_Process(service, memory, gc_watch))
        self.registry.register(_Scrape(service, observed))
        self._service = service
        self._requests = Counter("mcp_requests", "Requests answered", ["service", "status"], registry=self.registry)
        duration = Histogram(
            "mcp_request_duration_seconds",
            "Time to answer",
            ["service"],
            registry=self.registry,
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
        )
        self._duration = duration.labels(service)

    def answered(self, status: str, seconds: float) -> None:
        """Count one request: its status (`200`, `429`, `timeout`, ...) and how long it took."""
        self._requests.labels(self._service, status).inc()
        self._duration.observe(seconds)

    def text(self) -> bytes:
        """The page."""
        return generate_latest(self.registry)
