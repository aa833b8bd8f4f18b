"""Recommendations as one JSON document. Units are in the names; unknown is null."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import Struct

from mcptop.advice.cpu import throttled
from mcptop.advice.memory import kills_of
from mcptop.advice.recommend import Recommendation, severity, whole_place
from mcptop.advice.replicas import Scale
from mcptop.advice.sized import Sized


class Part(Struct, frozen=True):
    """A limit or reservation, in bytes or cores as its place says."""

    unit: str
    current: float | None
    wanted: float | None
    """What fits; to be set where `advice` is raise, lower or set."""
    advice: str
    severity: str
    """How far `current` is from it, by KRR's steps: good, ok, warning, critical; unknown of reservations."""
    acute: bool
    because: str
    rule: str
    rejected: str
    floor: str
    missing: str
    steps: tuple[str, ...]


class Resource(Struct, frozen=True):
    """Both, and what they rest on."""

    p95: float | None
    peak: float | None
    limit: Part
    reservation: Part


class Replicas(Struct, frozen=True):
    """What a HorizontalPodAutoscaler would do."""

    now: int
    would_be: int
    seconds: float
    says: str
    signal: str
    against: str
    """What the connections of a database say against it."""


class Service(Struct, frozen=True):
    """One service."""

    project: str | None
    service: str
    kind: str
    status: str
    replicas: int
    observed_s: float
    samples: int
    coverage_ratio: float
    days: float
    confidence: str
    oom_kills: int
    throttled_ratio: float | None
    memory: Resource
    cpu: Resource
    autoscaler: Replicas | None
    profile: str
    notes: tuple[str, ...]


class Document(Struct, frozen=True, tag_field="schema", tag="mcptop.recommendations/1"):
    """`mcptop recommend --json`."""

    source: str
    since: datetime | None
    until: datetime | None
    looks: int
    services: tuple[Service, ...]
    profile: str | None
    """The smallest of the guide's that holds all of its services; null: none, or nothing is known."""
    profile_says: str


def document(found: Sequence[Recommendation], source: str, span: tuple[float, float] | None, looks: int) -> Document:
    """`span`: wall-clock seconds of the first look and the last."""
    place = whole_place(found)
    since, until = (datetime.fromtimestamp(at, UTC) for at in span) if span else (None, None)
    return Document(source, since, until, looks, tuple(_service(one) for one in found),
                    place.profile if place else None, place.says if place else "")  # fmt: skip


def _service(one: Recommendation) -> Service:
    seen = one.seen
    return Service(
        seen.project, seen.name, str(seen.kind), str(one.status), len(seen.running), round(seen.seconds, 3),
        seen.samples, round(seen.coverage, 4), round(seen.days, 3), str(one.confidence),
        sum(kill.count for kill in kills_of(seen)), throttled(seen),
        _resource("bytes", one.memory, one.memory_reserved), _resource("cores", one.cpu, one.cpu_reserved),
        _replicas(one.scale), one.place, one.notes,
    )  # fmt: skip


def _resource(unit: str, limit: Sized, reserved: Sized) -> Resource:
    far = str(severity(limit, unit == "bytes"))
    # What is reserved now the engine does not say.
    return Resource(limit.typical, limit.peak, _part(unit, limit, far), _part(unit, reserved, "unknown"))


def _part(unit: str, sized: Sized, far: str) -> Part:
    return Part(unit, sized.current, sized.wanted, str(sized.advice), far, sized.is_acute, sized.because, sized.rule,
                sized.rejected, sized.floor, sized.missing, sized.steps)  # fmt: skip


def _replicas(scale: Scale | None) -> Replicas | None:
    if scale is None:
        return None
    return Replicas(scale.replicas, scale.wanted, scale.seconds, scale.says, scale.signal, scale.budget)
