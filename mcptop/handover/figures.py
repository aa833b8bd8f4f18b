"""The figures of a service as words, and of all services as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from mcptop import units
from mcptop.handover.contents import Fact, Table
from mcptop.model.flow import Pool, Queue
from mcptop.model.frame import Service
from mcptop.presentation import cells, flow_facts
from mcptop.presentation.flow_rows import replica_of, source_of
from mcptop.presentation.row import Row, group_of
from mcptop.presentation.runs import safe

_HEADS = ("service", "group", "state", "running", "CPU (cores)", "quota", "throttled", "memory", "limit", "share",
          "trend/h", "restarts", "OOM kills", "waiting", "queued", "sockets", "files", "up")  # fmt: skip


def facts(row: Row, at: datetime) -> tuple[Fact, ...]:
    """The key figures of a service; what is not known is left out, but for CPU and memory."""
    figures = row.figures
    found = [
        ("State", _state(row)),
        ("CPU", _cpu(row)),
        ("Memory", _memory(row)),
        ("Trend", _trend(row)),
        ("Restarts", units.count(figures.restarts)),
        ("OOM kills", units.count(figures.oom_kills)),
        ("Files, sockets", f"{units.count(figures.fds)} open, {units.count(figures.established)} connections"),
        ("Up", _up(row, at)),
        ("Image", _images(row)),
        *_flows(row),
    ]
    always = ("CPU", "Memory")
    return tuple(fact for fact in found if fact[0] in always or fact[1] not in (units.UNKNOWN, ""))


def _state(row: Row) -> str:
    service = row.service
    assert service is not None
    return f"{row.state}, {row.replicas or 0} of {len(service.instances)} running"


def _cpu(row: Row) -> str:
    figures = row.figures
    if figures.cores is None:
        return units.UNKNOWN
    of = f" of {figures.limit_cores:.2f} cores" if figures.limit_cores else " cores, no quota"
    held = f", held back {units.percent(figures.throttled)} of the time" if figures.throttled else ""
    return f"{figures.cores:.2f}{of}{held}"


def _memory(row: Row) -> str:
    figures = row.figures
    used = units.long_size(figures.working_set)
    if used == units.UNKNOWN:
        return used
    if not figures.memory_limit:
        return f"{used}, no limit"
    worst = figures.memory_worst
    nearest = f", the fullest replica {units.percent(worst)}" if row.instance is None and worst else ""
    return f"{used} of {units.long_size(figures.memory_limit)} ({units.percent(figures.memory_ratio)}{nearest})"


def _trend(row: Row) -> str:
    grown = cells.trend(row)
    if grown == units.UNKNOWN:
        return grown
    left = cells.hours_left(row)
    full = f", limit in {units.duration(left * cells.HOUR)}" if left is not None and left < 48 else ""
    return f"anonymous memory {grown}/h{full}" if grown != "0" else "level"


def _up(row: Row, at: datetime) -> str:
    started = row.figures.started_at
    if started is None or row.judgement.stopped:
        return units.UNKNOWN
    return units.duration(max(0.0, (at - started).total_seconds()))


def _images(row: Row) -> str:
    service = row.service
    assert service is not None
    return ", ".join(sorted({safe(each.image) for each in service.instances if each.image}))


def _flows(row: Row) -> Iterator[Fact]:
    assert row.service is not None
    flow = row.figures.flow
    for pool, _ in flow.pools:
        yield f"Pool {flow_name(row.service, pool)}", _listed(flow_facts.pool_facts(pool), source_of(pool))
    for queue, _ in flow.queues:
        yield f"Queue {flow_name(row.service, queue)}", _listed(flow_facts.queue_facts(queue), source_of(queue))


def flow_name(service: Service, flow: Pool | Queue) -> str:
    """With its replica, where the service has several."""
    replica = replica_of(service, flow)
    return f"{safe(flow.name, 40)} ·{replica}" if replica else safe(flow.name, 40)


def _listed(known: Sequence[Fact], source: str) -> str:
    return ", ".join([*(f"{name} {value}" for name, value in known), f"from {source}"])


def table(rows: Iterable[Row], at: datetime) -> Table:
    """All services, those with problems first."""
    worst_first = sorted(rows, key=lambda row: (-row.judgement.level, row.project, row.name))
    return Table(_HEADS, tuple(_cells(row, at) for row in worst_first))


def _cells(row: Row, at: datetime) -> tuple[str, ...]:
    figures, service = row.figures, row.service
    assert service is not None
    cores, quota = figures.cores, figures.limit_cores
    return (
        f"{row.judgement.symbol} {row.name}", safe(group_of(service)[1]), row.state,
        f"{row.replicas or 0}/{len(service.instances)}",
        units.UNKNOWN if cores is None else f"{cores:.2f}", units.UNKNOWN if quota is None else f"{quota:g}",
        units.percent(figures.throttled), units.size(figures.working_set), units.size(figures.memory_limit),
        units.percent(figures.memory_ratio), cells.trend(row), units.count(figures.restarts),
        units.count(figures.oom_kills), _sum(pool.waiting for pool, _ in figures.flow.pools),
        _sum(queue.depth for queue, _ in figures.flow.queues), units.count(figures.established),
        units.count(figures.fds), _up(row, at),
    )  # fmt: skip


def _sum(values: Iterable[int | None]) -> str:
    known = [value for value in values if value is not None]
    return units.count(sum(known)) if known else units.UNKNOWN
