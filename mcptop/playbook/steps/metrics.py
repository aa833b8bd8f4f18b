"""`metrics`: what the target's own metrics page counts: requests, errors, latency, caches, batches, collections.

Counters are recognised by the endings of their names, as conventions have them; several of one kind are added up. The
pages of the services it calls are read too: more requests behind it than in front of it are repeats.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.model.frame import Frame
from mcptop.model.page import Page, PageKind, Sample
from mcptop.model.playbook import Safety
from mcptop.model.value import Value
from mcptop.playbook import symptoms
from mcptop.playbook.steps.base import Context, Raw, Seconds, StepFailure, now, observed
from mcptop.playbook.steps.series import drawn, grown, mean, names_of, quantile, rates, rounded
from mcptop.sources import metrics_text
from mcptop.sources.http_page import HttpError, Limits, Pages

_MOST_PEERS = 4
_MOSTLY_ITS_OWN = 0.6
_PAGE_LIMITS = Limits(deadline_s=1.5, size=2 << 20)
_REQUESTS_PER_S = 0.02
_FAILED = re.compile(r"5\d\d|5xx|408|429|499|error|exception|cancel|timeout", re.IGNORECASE)
_STATUS = ("status", "code", "status_code", "http_status_code", "http_response_status_code", "outcome")

# Kind -> what its counter's name ends with; of requests the first ending that is there, not the sum of several.
_COUNTERS: dict[str, tuple[str, ...]] = {
    "requests": ("requests_total", "request_duration_seconds_count", "requests_count", "requests"),
    "latency_s": ("request_duration_seconds_sum", "requests_duration_seconds_sum"),
    "latency_n": ("request_duration_seconds_count", "requests_duration_seconds_count"),
    "evictions": ("evictions_total",),
    "hits": ("cache_hits_total", "hits_total"),
    "misses": ("cache_misses_total", "misses_total"),
    "gc_s": ("gc_pause_seconds_total", "gc_duration_seconds_sum", "gc_pause_seconds_sum"),
    "batches": ("batch_size_count",),
    "batched": ("batch_size_sum",),
    "batch_wait_s": ("batch_wait_seconds_total", "batch_wait_seconds_sum"),
    "retries": ("retries_total",),
    "timeouts": ("timeouts_total",),
    "jobs": ("queue_entered_total",),
    "cache_bytes": ("cache_bytes",),
}


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """How long and how often."""

    watch_for: Seconds = msgspec.field(name="for", default=Seconds(10))
    every: Seconds = Seconds(1)


class Look(Value, frozen=True):
    """The counters of one page at one moment."""

    at: float
    service: str
    counts: dict[str, float]
    oldest_batch_s: float | None = None
    pending: float | None = None


class Metrics:
    """See the module."""

    name: ClassVar[str] = "metrics"
    says: ClassVar[str] = "reading its metrics page"
    safety: ClassVar[Safety] = Safety.PASSIVE
    alongside: ClassVar[bool] = True
    options: ClassVar[type[Struct]] = Options
    emits: ClassVar[Mapping[str, str]] = {
        "looks": "how often the page was read",
        "requests_per_s": "requests it answered, a second",
        "requests_high": "in the busiest tenth of the time", "requests_low": "in the quietest",
        "errors_ratio": "share of them that failed, or that nobody waited for any more",
        "done_per_s": "those that did not, a second",
        "latency_s": "mean time of a request",
        "evictions_per_s": "what caches threw out, a second", "hit_ratio": "share of the lookups that were hits",
        "misses_per_s": "lookups that were not, a second",
        "cache_bytes": "what its caches say they hold, in bytes, at the end",
        "cache_growth_bytes": "what came to that meanwhile",
        "gc_share": "share of the time inside the garbage collector",
        "batch.size": "entries of a batch, in the mean", "batch.wait_s": "how long an entry waited for its batch",
        "batch.oldest_s": "how long the first of the present batch has waited, at most",
        "batch.per_s": "batches a second",
        "retries_per_s": "repeats it counts, a second", "timeouts_per_s": "waits in vain, a second",
        "peer.service": "the service behind it that answers most", "peer.requests_per_s": "how many, a second",
        "amplification": "requests behind it for each request in front of it",
        **{name: text for name, text in names_of("requests", "requests a second").items()},
    }  # fmt: skip

    def expected_s(self, options: Options) -> float:
        """As long as it shall watch."""
        return float(options.watch_for)

    def collect(self, context: Context, options: Options) -> Raw:
        """Read the pages again and again. Raises `StepFailure`."""
        context.frames.wait(1, min(3.0, context.left_s))
        pages = _pages_of(context)
        if context.subject.service not in pages:
            raise StepFailure(StepStatus.SKIPPED, f"{context.subject.service} names no metrics page", applies=False)
        began, started_at, reader = time.monotonic(), now(), Pages()
        looks: list[Look] = []
        problem = ""
        try:
            while True:
                at = time.monotonic() - began
                for service, url in pages.items():
                    try:
                        looks.append(_look(service, metrics_text.parse(reader.fetch(url, _PAGE_LIMITS).body), began))
                    except HttpError as error:
                        problem = problem or str(error)
                over = time.monotonic() - began >= options.watch_for
                if over or not context.pause(options.every - (time.monotonic() - began - at)):
                    break
        finally:
            reader.close()
        if not any(look.service == context.subject.service for look in looks):
            raise StepFailure(StepStatus.NO_DATA, problem or "its metrics page says nothing")
        data = msgspec.json.encode(looks)
        return (observed("metrics.json", "http", data, started_at, time.monotonic() - began),)

    def read(self, raw: Raw, options: Options, subject: Subject) -> dict[str, Any]:
        """Rates of what is counted."""
        looks = msgspec.json.decode(raw[0].data, type=list[Look])
        own = [look for look in looks if look.service == subject.service]
        if len(own) < 2:
            raise StepFailure(StepStatus.NO_DATA, "its metrics page was read once only")
        requests = _rate(own, "requests")
        peer, behind = _peer(looks, subject.service)
        times = [look.at for look in own]
        rate = rates(times, [look.counts.get("requests") for look in own])
        smooth = [mean(rate[max(0, at - 2) : at + 3]) for at in range(len(rate))]
        errors = _rate(own, "errors")
        values = {
            "looks": len(own),
            "requests_per_s": requests,
            "done_per_s": None if requests is None or errors is None else requests - errors,
            "requests_high": quantile(smooth, 0.9),
            "requests_low": quantile(smooth, 0.1),
            "errors_ratio": _ratio(errors, requests),
            "latency_s": _ratio(_rate(own, "latency_s"), _rate(own, "latency_n")),
            "evictions_per_s": _rate(own, "evictions"),
            "hit_ratio": _hit_ratio(own),
            "misses_per_s": _rate(own, "misses"),
            "cache_bytes": own[-1].counts.get("cache_bytes"),
            "cache_growth_bytes": _growth(own, "cache_bytes"),
            "gc_share": _rate(own, "gc_s"),
            "retries_per_s": _rate(own, "retries"),
            "timeouts_per_s": _rate(own, "timeouts"),
            "amplification": _ratio(behind, _arrivals(own)),
        }
        return {
            **{key: rounded(value) for key, value in values.items()},
            "requests": grown(times[1:], rate, _REQUESTS_PER_S),
            "batch": {key: rounded(value) for key, value in _batch(own).items()},
            "peer": {"service": peer, "requests_per_s": rounded(behind)},
            "series": {"requests": drawn("per second", times[1:], rate)} if requests is not None else {},
        }

    def summary(self, values: Mapping[str, Any]) -> str:
        """The rate, if it is told."""
        rate = values["requests_per_s"]
        return f"{values['looks']} looks" + ("" if rate is None else f", {rate:.1f} requests/s")


def _pages_of(context: Context) -> dict[str, str]:
    """Service -> page: of the target, and of the services it has connections to.

    Of the latter only those most of whose connections are the target's, one process each side: of others one page does
    not tell how many of their requests are. Who only watches a service has a connection or two.
    """
    frame = context.frames.latest
    identity = symptoms.identity(context.subject, frame)
    own = next((i.metrics_url for i in symptoms.seen([frame], identity)), None)
    if own is None:
        return {}
    peers = _peers(frame, context.subject)
    project = [service for service in frame.services if service.project == context.subject.project]
    behind = [
        service
        for service in project
        if service.name in peers
        and context.subject.replicas == len(service.instances) == 1
        and _share(context, service.name) >= _MOSTLY_ITS_OWN
    ]
    pages = ((service.name, service.instances[0].metrics_url) for service in behind[:_MOST_PEERS])
    return {context.subject.service: own, **{name: url for name, url in pages if url is not None}}


def _share(context: Context, peer: str) -> float:
    """How many of the connections to a service are the target's, over all that was seen until now; 0 without any."""
    counts: Counter[str] = Counter()
    for frame in context.frames.all():
        for service in frame.services:
            if service.project == context.subject.project:
                counts[service.name] += sum(
                    (pool.in_use or 0) + (pool.idle or 0) + (pool.time_wait or 0)
                    for pool in service.pools
                    if pool.peer == peer and pool.kind == "tcp"
                )
    return counts[context.subject.service] / counts.total() if counts.total() else 0.0


def _peers(frame: Frame, subject: Subject) -> set[str]:
    services = (s for s in frame.services if s.name == subject.service and s.project == subject.project)
    return {p.peer for s in services for p in s.pools if p.peer and p.peer != subject.service}


def _look(service: str, page: Page, began: float) -> Look:
    if page.kind is not PageKind.METRICS:
        raise HttpError("is no page of metrics")
    counts: dict[str, float] = {}
    for kind, endings in _COUNTERS.items():
        for ending in endings:
            found = [sample for sample in page.samples if sample.name.endswith(ending)]
            if found:
                counts[kind] = sum(sample.value for sample in found)
                if kind == "requests" and any(label in sample.labels for sample in found for label in _STATUS):
                    counts["errors"] = sum(sample.value for sample in found if _failed(sample))
                break
    return Look(
        at=time.monotonic() - began,
        service=service,
        counts=counts,
        oldest_batch_s=max(_of(page.samples, lambda name: name.endswith("batch_oldest_age_seconds")), default=None),
        pending=sum(_of(page.samples, lambda name: name.endswith("batch_pending"))) or None,
    )


def _failed(sample: Sample) -> bool:
    return any(_FAILED.match(sample.labels[label]) for label in _STATUS if label in sample.labels)


def _of(samples: Iterable[Sample], wanted: Callable[[str], bool]) -> list[float]:
    return [sample.value for sample in samples if wanted(sample.name)]


def _rate(looks: Sequence[Look], kind: str) -> float | None:
    """Growth a second; after a restart from the last reset on."""
    seen = [(look.at, look.counts[kind]) for look in looks if kind in look.counts]
    for at in range(len(seen) - 1, 0, -1):
        if seen[at][1] < seen[at - 1][1]:
            seen = seen[at:]
            break
    if len(seen) < 2 or seen[-1][0] <= seen[0][0]:
        return None
    return (seen[-1][1] - seen[0][1]) / (seen[-1][0] - seen[0][0])


def _growth(looks: Sequence[Look], gauge: str) -> float | None:
    """The last value less the first."""
    seen = [look.counts[gauge] for look in looks if gauge in look.counts]
    return seen[-1] - seen[0] if len(seen) > 1 else None


def _arrivals(looks: Sequence[Look]) -> float | None:
    """Requests answered, or jobs taken in, whichever are more: who falls behind has taken more than it did."""
    found = [rate for kind in ("requests", "jobs") if (rate := _rate(looks, kind)) is not None]
    return max(found, default=None)


def _ratio(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


def _hit_ratio(looks: Sequence[Look]) -> float | None:
    hits, misses = _rate(looks, "hits"), _rate(looks, "misses")
    return None if hits is None or misses is None else _ratio(hits, hits + misses)


def _batch(looks: Sequence[Look]) -> dict[str, float | None]:
    batched = _rate(looks, "batched")
    return {
        "size": _ratio(batched, _rate(looks, "batches")),
        "wait_s": _ratio(_rate(looks, "batch_wait_s"), batched),
        "oldest_s": max((look.oldest_batch_s for look in looks if look.oldest_batch_s is not None), default=None),
        "per_s": _rate(looks, "batches"),
    }


def _peer(looks: Sequence[Look], own: str) -> tuple[str | None, float | None]:
    """The busiest of the services behind it. Those given up are among the jobs that came, not the requests done."""
    names = dict.fromkeys(look.service for look in looks if look.service != own)
    found = [(rate, name) for name in names for kind in ("requests", "jobs")
             if (rate := _rate([look for look in looks if look.service == name], kind)) is not None]  # fmt: skip
    return (max(found)[1], max(found)[0]) if found else (None, None)
