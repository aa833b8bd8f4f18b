"""The demo's `/metrics`: the guide's names, each with the labels and companions they lack.

Everything is read when somebody scrapes; between scrapes it costs nothing. Every pool has a `pool` label, for a service
with a database pool and an HTTP pool would otherwise overwrite one with the other. Seconds and bytes are in the names.
`mcp_service_cpu_percent` keeps the guide's name and unit (percent of one core).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from math import inf
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from mcptop.demo.systems.gc_watch import GcWatch
from mcptop.demo.systems.memory_watch import MemoryUse
from mcptop.demo.systems.resources import ResourceMeter
from mcptop.demo.systems.stats import BatchStats, CacheStats, PoolStats, QueueStats
from mcptop.instrument.figures import CACHE, POOL, QUEUE, Figure, Kind

_BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64)

Sample = tuple[tuple[str, ...], float | None]


BATCH = Kind(
    "mcp_batch",
    "batcher",
    (
        Figure("pending", "Requests in the batch that fills", "pending"),
        Figure("oldest_age_seconds", "Age of its oldest request", "oldest_age_s"),
        Figure("failed", "Batches that failed", "failed", True),
        Figure("wait_seconds", "Time requests waited to be sent", "wait_s", True),
    ),
)
GC = (
    Figure("collections", "Collections", "collections", True),
    Figure("collected", "Objects freed by them", "collected", True),
    Figure("pause_seconds", "Time they took", "pause_s", True),
)


class Part(Protocol):
    """Anything of a service that has figures and a name."""

    @property
    def name(self) -> str:
        """Its value of the label."""


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


def _metric(figure: Figure, prefix: str, labels: Sequence[str], samples: Iterable[Sample]) -> Metric:
    name = f"{prefix}_{figure.name}"
    family = (CounterMetricFamily if figure.counts else GaugeMetricFamily)(name, figure.says, labels=labels)
    for values, value in samples:
        # What is unknown has no sample; 0 would be a claim.
        if value is not None:
            family.add_metric(values, value)
    return family


class _Parts(Collector):
    """Reads a service's pools, queues, caches, batches and models."""

    def __init__(self, service: str, observed: Observed) -> None:
        self._service = service
        self._observed = observed

    def collect(self) -> Iterator[Metric]:
        yield from self._table(POOL, PoolStats, self._observed.pools())
        yield from self._table(QUEUE, QueueStats, self._observed.queues())
        yield from self._table(CACHE, CacheStats, self._observed.caches())
        batches = tuple(self._observed.batches())
        yield from self._table(BATCH, BatchStats, batches)
        yield self._batch_sizes(batches)
        yield self._by_model("memory_bytes", "Memory of a loaded model", self._observed.models())
        yield self._by_model("inference_queue_size", "Requests that wait", self._observed.inference_queues())

    def _table(self, kind: Kind, stats: type, parts: Iterable[Part]) -> Iterator[Metric]:
        known, said = tuple(parts), {field.name for field in fields(stats)}
        for figure in kind.figures:
            if figure.field in said:
                samples = (((self._service, part.name), getattr(part, figure.field)) for part in known)
                yield _metric(figure, kind.prefix, ("service", kind.label), samples)

    def _by_model(self, name: str, says: str, found: Iterable[tuple[str, int]]) -> Metric:
        samples = (((self._service, model), float(value)) for model, value in found)
        return _metric(Figure(name, says, ""), "mcp_model", ("service", "model_id"), samples)

    def _batch_sizes(self, batches: Iterable[BatchStats]) -> Metric:
        family = HistogramMetricFamily("mcp_batch_size", "Requests in a batch", labels=("service", "batcher"))
        for batch in batches:
            up_to = [sum(n for size, n in batch.sizes.items() if size <= bound) for bound in (*_BATCH_SIZES, inf)]
            bounds = (*(str(float(bound)) for bound in _BATCH_SIZES), "+Inf")
            total = sum(size * count for size, count in batch.sizes.items())
            family.add_metric((self._service, batch.name), list(zip(bounds, up_to, strict=True)), total)
        return family


class _Process(Collector):
    """The guide's resource metrics, from one kept process object, and memory against the service's own limit."""

    def __init__(self, service: str, memory: Callable[[], MemoryUse], gc_watch: GcWatch) -> None:
        self._service = service
        self._memory = memory
        self._gc = gc_watch
        self._meter = ResourceMeter()
        self._meter.read()

    def collect(self) -> Iterator[Metric]:
        used, memory, gc = self._meter.read(), self._memory(), self._gc.stats()
        yield self._own("memory_bytes", "Resident memory", used.memory_bytes)
        yield self._own("cpu_percent", "CPU since the last scrape, percent of one core", used.cpu_percent)
        yield self._own("memory_limit_bytes", "Its own memory limit, not the host's", memory.limit_bytes)
        yield self._own("memory_used_bytes", "What counts against that limit", memory.used_bytes)
        disk = Figure("disk_bytes", "Used bytes of the file system", "")
        yield _metric(disk, "mcp_service", ("service", "mount"), [((self._service, used.mount), used.disk_used_bytes)])
        for figure in GC:
            samples = (((self._service, str(each.generation)), getattr(each, figure.field)) for each in gc)
            yield _metric(figure, "mcp_gc", ("service", "generation"), samples)

    def _own(self, name: str, says: str, value: float | None) -> Metric:
        return _metric(Figure(name, says, ""), "mcp_service", ("service",), [((self._service,), value)])


class Metrics:
    """The registry of one service: what it counts itself, and what is read from its parts."""

    def __init__(self, service: str, observed: Observed, memory: Callable[[], MemoryUse], gc_watch: GcWatch) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_Process(service, memory, gc_watch))
        self.registry.register(_Parts(service, observed))
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
