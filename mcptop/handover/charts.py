"""The last minutes of a troubled service as curves: memory and CPU, and the pools and queues that are its trouble."""

from __future__ import annotations

from collections.abc import Iterator

from mcptop.handover.contents import Chart
from mcptop.handover.figures import flow_name
from mcptop.history import KEPT_S
from mcptop.model.frame import Frame, pool_key, queue_key
from mcptop.playbook.drawing import Mark
from mcptop.presentation import event_rows, rows, time_axis
from mcptop.presentation.judgement import Level
from mcptop.presentation.row import Row
from mcptop.verdicts.curves import Curve, thinned

_MOST = 8
"""Charts of one service."""
_POINTS = 300
"""More than that no chart shows; of those between the highest is kept."""


def of_row(services: list[Row], row: Row, frame: Frame) -> tuple[Chart, ...]:
    """Those that have something to show."""
    drawn = (_chart(frame, row, wanted) for wanted in _wanted(services, row))
    return tuple(chart for chart in drawn if chart is not None)[:_MOST]


Wanted = tuple[str, str, str, str, float | None]
"""Name of the curve, its unit, key and metric of the series, and the limit."""


def _wanted(services: list[Row], row: Row) -> Iterator[Wanted]:
    service, figures = row.service, row.figures
    assert service is not None
    yield "memory", "bytes", row.key, "memory.working_set", figures.memory_limit
    yield "CPU", "cores", row.key, "cpu.cores", figures.limit_cores
    for pool, judged in figures.flow.pools:
        if judged.level >= Level.WARNING:
            name, key = f"pool {flow_name(service, pool)}", pool_key(service, pool)
            yield f"{name} in use", "count", key, "pool.in_use", pool.max
            yield f"{name} waiting", "count", key, "pool.waiting", None
    for queue, judged in figures.flow.queues:
        if judged.level >= Level.WARNING:
            name, key = f"queue {flow_name(service, queue)}", queue_key(service, queue)
            yield f"{name} waiting", "count", key, "queue.depth", queue.capacity
    if row.instance is None:
        yield from _replicas(services, row)


def _replicas(services: list[Row], row: Row) -> Iterator[Wanted]:
    """The memory of the replicas that are in trouble: in the sum one of many is not seen."""
    assert row.service is not None
    for instance in row.service.instances:
        one = rows.find(services, instance.id)
        if one is not None and one.judgement.level >= Level.WARNING:
            yield f"memory {one.name}", "bytes", instance.id, "memory.working_set", one.figures.memory_limit


def _chart(frame: Frame, row: Row, wanted: Wanted) -> Chart | None:
    name, unit, key, metric, limit = wanted
    count = max(2, round(KEPT_S / frame.interval_s))
    times, values = frame.series.times(count), frame.series.tail(key, metric, count)
    first = next((at for at, value in enumerate(values) if value is not None), len(values))
    # Times and values end together; a thing that is younger than the history has fewer.
    times, values = times[len(times) - len(values) + first :], values[first:]
    if sum(value is not None for value in values) < 2:
        return None
    shown = min(_POINTS, len(values))
    seconds = tuple(times[at * (len(times) - 1) // (shown - 1)] - times[0] for at in range(shown))
    curve = Curve(name, unit, seconds, tuple(thinned(values, shown)), None if limit is None else float(limit))
    if curve.is_idle and unit == "count":
        return None
    return Chart(curve, frame.at.timestamp() - seconds[-1], _marks(frame, row, key, seconds[-1]))


def _marks(frame: Frame, row: Row, key: str, end: float) -> tuple[Mark, ...]:
    """On a clock that says `end` at the time of the frame; the chart of a replica has its own ones only."""
    assert row.service is not None
    is_replica = any(instance.id == key for instance in row.service.instances)
    events = [event for event in event_rows.marks(frame.events, row) if not is_replica or event.instance == key]
    found = time_axis.marks(events, frame.at.timestamp())
    return tuple(Mark(end - mark.age_s, mark.symbol, mark.word, mark.style != "accent") for mark in found)
