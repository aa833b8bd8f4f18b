"""Pools, queues and models of a `mcptop exporter`, as readings of the targets they belong to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mcptop.fleet.machine import Machine, whole
from mcptop.fleet.names import text
from mcptop.model.flow import Confidence, Model
from mcptop.model.flow_reading import FlowReading, PoolReading, QueueReading
from mcptop.sources.prometheus_answer import Labels, Series

_FAMILIES = ("mcptop_pool_", "mcptop_queue_", "mcptop_model_")
_LABELS = {
    "mcptop_pool_": ("pool", "pool_kind", "peer", "source", "confidence"),
    "mcptop_queue_": ("queue", "queue_kind", "source", "confidence"),
    "mcptop_model_": ("model",),
}
_POOL_COUNTS = ("open", "in_use", "idle", "max", "waiting", "idle_in_transaction", "connecting", "close_wait")
_POOL_FIGURES = {
    "wait_seconds": "oldest_wait_s", "longest_seconds": "longest_s",
    "idle_in_transaction_seconds": "idle_in_transaction_s", "timeouts_total": "timeouts_total",
}  # fmt: skip
_QUEUE_COUNTS = ("depth", "in_flight", "capacity")
_QUEUE_FIGURES = {
    "oldest_age_seconds": "oldest_age_s", "in_per_second": "in_per_s", "out_per_second": "out_per_s",
    "rejected_total": "rejected_total",
}  # fmt: skip
_CONFIDENCES = frozenset(Confidence)

Key = tuple[str, str, str, str]
_Things = dict[tuple[str, ...], dict[str, float]]


def of_series(found: Iterable[Series], ids: Mapping[Key, str], machine: Machine) -> dict[str, tuple[FlowReading, ...]]:
    """Target -> a reading for each source that spoke of it; `ids` by the labels of replicas."""
    things: dict[str, dict[str, _Things]] = {}
    for series in found:
        family = next((each for each in _FAMILIES if series.labels.get("__name__", "").startswith(each)), None)
        target = _target(series.labels, ids) if family is not None else None
        if family is None or target is None:
            continue
        labels = tuple(text(series.labels, name) for name in _LABELS[family])
        figures = things.setdefault(target, {}).setdefault(family, {}).setdefault(labels, {})
        figures[series.labels["__name__"].removeprefix(family)] = series.value
    return {target: tuple(_readings(of_it, machine)) for target, of_it in things.items()}


def _target(labels: Labels, ids: Mapping[Key, str]) -> str | None:
    """Whose it is; what is of the service as a whole stands with its first replica."""
    project, service, kind = text(labels, "project"), text(labels, "service"), text(labels, "kind")
    replica = text(labels, "replica")
    if replica or (project, service, kind, "") in ids:
        return ids.get((project, service, kind, replica))
    return next((id for key, id in ids.items() if key[:3] == (project, service, kind)), None)


def _readings(of_target: Mapping[str, _Things], machine: Machine) -> Iterable[FlowReading]:
    pools: dict[str, list[PoolReading]] = {}
    queues: dict[str, list[QueueReading]] = {}
    for labels, figures in of_target.get("mcptop_pool_", {}).items():
        pools.setdefault(labels[3], []).append(_pool(labels, figures))
    for labels, figures in of_target.get("mcptop_queue_", {}).items():
        queues.setdefault(labels[2], []).append(_queue(labels, figures))
    models = tuple(_model(labels[0], figures) for labels, figures in of_target.get("mcptop_model_", {}).items())
    sources = sorted(pools.keys() | queues.keys()) or ([""] if models else [])
    for place, source in enumerate(sources):
        yield FlowReading(
            machine.read_at,
            source or "prometheus",
            tuple(pools.get(source, ())),
            tuple(queues.get(source, ())),
            # Which source knew of them is not told.
            models if place == 0 else (),
            machine.every_s,
        )


def _confidence(word: str) -> Confidence:
    return Confidence(word) if word in _CONFIDENCES else Confidence.INFERRED


def _pool(labels: tuple[str, ...], figures: Mapping[str, float]) -> PoolReading:
    name, kind, peer, _, confidence = labels
    found: dict[str, Any] = {field: whole(figures.get(field)) for field in _POOL_COUNTS}
    found |= {field: figures.get(name) for name, field in _POOL_FIGURES.items()}
    return PoolReading(name, kind or None, peer or None, confidence=_confidence(confidence), **found)


def _queue(labels: tuple[str, ...], figures: Mapping[str, float]) -> QueueReading:
    name, kind, _, confidence = labels
    found: dict[str, Any] = {field: whole(figures.get(field)) for field in _QUEUE_COUNTS}
    found |= {field: figures.get(name) for name, field in _QUEUE_FIGURES.items()}
    return QueueReading(name, kind or None, confidence=_confidence(confidence), **found)


def _model(id: str, figures: Mapping[str, float]) -> Model:
    get = figures.get
    return Model(id, whole(get("memory_bytes")), whole(get("limit_bytes")), whole(get("vram_bytes")))
