"""A page of metrics through the adapters' tables: the pools, queues and models it speaks of. Pure.

What no sample says, or says with NaN, is None.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from math import isfinite
from typing import Any, TypeVar

from mcptop.adapters.tables import Adapter, Entry, Kinds, PoolTable, QueueTable, Term, as_term, figures
from mcptop.model.flow import Confidence, Model
from mcptop.model.flow_reading import PoolReading, QueueReading
from mcptop.model.page import Page, Sample
from mcptop.model.value import Value
from mcptop.units import plain

_REAL = frozenset(
    {
        "oldest_wait_s",
        "waits_total",
        "wait_seconds_total",
        "timeouts_total",
        "longest_s",
        "idle_in_transaction_s",
        "oldest_age_s",
        "entered_total",
        "left_total",
        "rejected_total",
    }
)
"""Figures that need not be whole; all others count things."""
MAX_FIGURE = 2.0**53
"""Up to here a float tells whole numbers apart; nobody counts, waits or holds more."""
MAX_NAMES = 500
"""Pools, queues and models each: a label with an id in it must not become a table of thousands."""
_BETWEEN_WORDS = re.compile(r"[^a-z0-9]+")

Key = tuple[str, ...]
Samples = dict[str, list[Sample]]
Named = TypeVar("Named", PoolReading, QueueReading, Model)


class Mapped(Value, frozen=True):
    """What a page says."""

    pools: tuple[PoolReading, ...] = ()
    queues: tuple[QueueReading, ...] = ()
    models: tuple[Model, ...] = ()
    names: tuple[str, ...] = ()
    """The adapters that found something."""
    cut: bool = False
    """There was more than is kept."""


def read(page: Page, adapters: Iterable[Adapter]) -> Mapped:
    """Every adapter's findings; of several with one name the first adapter's is kept."""
    samples: Samples = {}
    for sample in page.samples:
        samples.setdefault(sample.name, []).append(sample)
    each = [_of_one(samples, adapter) for adapter in adapters]
    pools = _first((pool.name, pool) for found in each for pool in found.pools)
    queues = _first((queue.name, queue) for found in each for queue in found.queues)
    models = _first((model.id, model) for found in each for model in found.models)
    return Mapped(
        pools[:MAX_NAMES],
        queues[:MAX_NAMES],
        models[:MAX_NAMES],
        tuple(name for found in each for name in found.names),
        max(len(pools), len(queues), len(models)) > MAX_NAMES,
    )


def _first(found: Iterable[tuple[str, Named]]) -> tuple[Named, ...]:
    kept: dict[str, Named] = {}
    for name, reading in found:
        kept.setdefault(name, reading)
    return tuple(kept.values())


def _of_one(samples: Samples, adapter: Adapter) -> Mapped:
    pools = tuple(pool for table in adapter.pool for pool in _pools(samples, table))
    queues = tuple(queue for table in adapter.queue for queue in _queues(samples, table))
    models = tuple(Model(name, **values) for table in adapter.model for name, values, _ in _rows(samples, table))
    return Mapped(pools, queues, models, (adapter.name,) if pools or queues or models else ())


def _pools(samples: Samples, table: PoolTable) -> Iterator[PoolReading]:
    for name, values, confidence in _rows(samples, table):
        yield PoolReading(name, kind=_kind(table.kind, name), confidence=confidence, **values)


def _queues(samples: Samples, table: QueueTable) -> Iterator[QueueReading]:
    for name, values, confidence in _rows(samples, table):
        yield QueueReading(name, kind=_kind(table.kind, name) or "queue", confidence=confidence, **values)


def _kind(kind: str | Kinds | None, name: str) -> str | None:
    if not isinstance(kind, Kinds):
        return kind
    words = _BETWEEN_WORDS.split(name.lower())
    return next((found for found, of in kind.words.items() if any(word in of for word in words)), kind.otherwise)


def _rows(samples: Samples, table: Entry) -> Iterator[tuple[str, dict[str, Any], Confidence]]:
    """One for each name: its figures, and whether one of them was computed from others."""
    columns = {
        field: [(term, _values(samples, term, table)) for term in terms] for field, terms in figures(table).items()
    }
    whole = len(table.labels)
    keys = dict.fromkeys(key for column in columns.values() for _, of in column for key in of if len(key) == whole)
    for key in keys:
        values: dict[str, Any] = {}
        computed = False
        for field, column in columns.items():
            for term, of in column:
                if (value := _at(of, key)) is not None:
                    values[field] = _figure(field, term, value)
                    computed |= bool(term.less or term.minus)
                    break
        if (name := _name(key, table)) and any(value is not None for value in values.values()):
            yield name, values, Confidence.DERIVED if computed else Confidence.MEASURED


def _name(key: Key, table: Entry) -> str:
    return plain("/".join(part for part in key if part and part not in table.omit)).strip() or table.name


def _at(of: dict[Key, float], key: Key) -> float | None:
    """The value for a key, or the one that holds for all that begin so."""
    return next((of[key[:length]] for length in range(len(key), -1, -1) if key[:length] in of), None)


def _figure(field: str, term: Term, value: float) -> float | int | None:
    if not 0 <= value <= MAX_FIGURE or (term.zero_is_unlimited and value == 0):
        return None
    return value if field in _REAL else round(value)


def _values(samples: Samples, term: Term, table: Entry, outer: tuple[str, ...] | None = None) -> dict[Key, float]:
    """A term's value for each key; where a part of it is unknown, it has none. `outer`: labels if it names none."""
    own = term.labels if term.labels is not None else outer
    labels = table.labels if own is None else own
    groups: dict[Key, list[float]] = {}
    for sample in samples.get(term.metric, ()):
        if _chosen(sample, term) and (own is not None or _meant(sample, table)):
            groups.setdefault(tuple(sample.labels.get(label, "") for label in labels), []).append(sample.value)
    fold = max if term.largest else sum
    values = {key: fold(group) * term.scale - term.minus for key, group in groups.items() if all(map(isfinite, group))}
    for sign, others in ((1, term.plus), (-1, term.less)):
        for other in map(as_term, others):
            values = _with(values, sign, _values(samples, other, table, own))
    return values


def _with(values: dict[Key, float], sign: int, others: dict[Key, float]) -> dict[Key, float]:
    found = ((key, value, _at(others, key)) for key, value in values.items())
    return {key: value + sign * other for key, value, other in found if other is not None}


def _chosen(sample: Sample, term: Term) -> bool:
    return all(_has(sample, label, value) for label, value in term.where.items())


def _meant(sample: Sample, table: Entry) -> bool:
    return (
        all(sample.labels.get(label) for label in table.having)
        and not any(sample.labels.get(label) for label in table.lacking)
        and not any(_has(sample, label, value) for label, value in table.unless.items())
    )


def _has(sample: Sample, label: str, value: str | tuple[str, ...]) -> bool:
    return sample.labels.get(label, "") in ((value,) if isinstance(value, str) else value)
