"""Pools and queues of one service over a window: which of them is the worst, and how bad it is. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from mcptop.model.flow import Pool, Queue
from mcptop.model.frame import Service
from mcptop.playbook import symptoms
from mcptop.playbook.steps.series import drawn, grown, mean, rounded

ACCEPT, TCP = "accept", "tcp"
_INNER = ("db", "redis", "slots")
_OFTEN = 0.3
_DEPTH_PER_S = 0.1
"""Growth of a queue below which nothing is said to grow, in entries a second."""
Figures = Mapping[str, Any]
Flow = TypeVar("Flow", Pool, Queue)
Looks = Sequence[tuple[float, Service]]
"""Seconds, and what the service was then."""
Seen = list[tuple[float, Flow]]


def figures(own: Looks, instance: str) -> dict[str, Any]:
    """Of the pools and queues that are the instance's, or the service's as a whole."""
    every = _by_name(own, lambda service: symptoms.pools_of(service, instance))
    queues = _by_name(own, lambda service: symptoms.queues_of(service, instance))
    pools = {key: seen for key, seen in every.items() if seen[-1][1].kind not in (TCP, None)}
    jobs = {key: seen for key, seen in queues.items() if seen[-1][1].kind != ACCEPT}
    links = [[p for p in symptoms.pools_of(service, instance) if p.kind == TCP] for _, service in own]
    waiting = [found for seen in pools.values() if (found := mean([pool.waiting for _, pool in seen])) is not None]
    pool_key, pool = _worst(pools, _pool, _pool_rank)
    queue_key, queue = _worst(jobs, _queue, _queue_rank)
    charts = {
        "waiting": drawn("count", *_series(pools[pool_key], lambda each: each.waiting)) if pool_key else None,
        "queue": drawn("count", *_series(jobs[queue_key], lambda each: each.depth)) if queue_key else None,
    }
    return {
        "frames": len(own),
        "pools": len(pools),
        "queues": len(jobs),
        "waiting": rounded(sum(waiting)) if waiting else None,
        "pool": pool or dict.fromkeys(_POOL),
        "queue": queue or dict.fromkeys(_QUEUE),
        "accept": _accept(queues),
        "connections": rounded(mean([_sum([p.open for p in each]) for each in links])),
        "idle_connections": rounded(mean([_sum([p.idle for p in each]) for each in links])),
        "series": {
            key: chart for key, chart in charts.items() if chart and any(v is not None for v in chart["values"])
        },
    }


def _by_name(own: Looks, read: Callable[[Service], Sequence[Flow]]) -> dict[str, Seen[Flow]]:
    found: dict[str, Seen[Flow]] = {}
    for at, service in own:
        for flow in read(service):
            found.setdefault(f"{flow.kind}/{flow.name}", []).append((at, flow))
    return found


def _worst(
    flows: Mapping[str, Seen[Flow]], read: Callable[[Seen[Flow]], Figures], rank: Callable[[Figures], Any]
) -> tuple[str, Figures]:
    """Its key and its figures; both empty when there is none."""
    return max(((key, read(seen)) for key, seen in flows.items()), key=lambda pair: rank(pair[1]), default=("", {}))


def _series(seen: Seen[Flow], read: Callable[[Flow], float | None]) -> tuple[list[float], list[float | None]]:
    return [at for at, _ in seen], [read(flow) for _, flow in seen]


def _sum(values: Sequence[int | None]) -> float | None:
    """None only where there is something, and nothing of it is known."""
    known = [value for value in values if value is not None]
    return float(sum(known)) if known or not values else None


def _pool_rank(pool: Figures) -> tuple[float, ...]:
    """Where callers wait for several, the inner one is the cause: a request keeps its place while it waits for it."""
    is_waited_for = (pool["waiting_share"] or 0.0) >= _OFTEN
    is_inner = pool["kind"] in _INNER
    return is_waited_for, is_waited_for and is_inner, pool["waiting"] or 0.0, pool["use"] or 0.0


def _pool(seen: Seen[Pool]) -> Figures:
    every, last = [pool for _, pool in seen], seen[-1][1]
    full = [p.in_use >= p.max for p in every if p.in_use is not None and p.max]
    waits, gave_up = mean([p.waits_per_s for p in every]), mean([p.timeouts_per_s for p in every])
    in_use = [p.in_use for p in every if p.in_use is not None]
    values = {
        "waiting": mean([p.waiting for p in every]),
        "waiting_most": max((p.waiting for p in every if p.waiting is not None), default=None),
        "waiting_share": mean([float(p.waiting > 0) for p in every if p.waiting is not None]),
        "in_use": mean(in_use),
        "in_use_lowest": min(in_use, default=None),
        "max": last.max,
        "use": mean([p.in_use / p.max for p in every if p.in_use is not None and p.max]),
        "full_share": sum(full) / len(full) if full else None,
        "wait_s": mean([p.wait_s for p in every]),
        "waits_per_s": waits,
        "timeouts_per_s": gave_up,
        "gave_up_ratio": min(1.0, gave_up / waits) if waits and gave_up is not None else None,
        "idle_in_transaction": last.idle_in_transaction,
        "idle_in_transaction_s": last.idle_in_transaction_s,
    }
    named = {"name": last.name, "kind": last.kind, "peer": last.peer, "source": last.source}
    return {**named, **{key: rounded(value) for key, value in values.items()}}


def _queue_rank(queue: Figures) -> float:
    growth = queue["growth"]
    return float((growth["slope_per_s"] or 0.0) * 10 if growth else 0.0) + (queue["depth"] or 0)


def _queue(seen: Seen[Queue]) -> Figures:
    every, last = [queue for _, queue in seen], seen[-1][1]
    return {
        "name": last.name,
        "depth": last.depth,
        "in_flight": last.in_flight,
        "capacity": last.capacity,
        "in_per_s": rounded(mean([q.in_per_s for q in every])),
        "out_per_s": rounded(mean([q.out_per_s for q in every])),
        "oldest_age_s": rounded(last.oldest_age_s),
        "rejected_per_s": rounded(mean([q.rejected_per_s for q in every])),
        "source": last.source,
        "growth": grown(*_series(seen, lambda queue: queue.depth), _DEPTH_PER_S),
    }


_POOL = tuple(_pool([(0.0, Pool(""))]))
_QUEUE = tuple(_queue([(0.0, Queue(""))]))


def _accept(queues: Mapping[str, Seen[Queue]]) -> Figures:
    """The fullest backlog at its worst moment."""
    seen = [queue for each in queues.values() for _, queue in each if queue.kind == ACCEPT and queue.depth is not None]
    if not seen:
        return dict.fromkeys(("port", "depth", "capacity", "over"))
    worst = max(seen, key=lambda q: (q.depth or 0) / (q.capacity or 1))
    over = (worst.depth or 0) / worst.capacity if worst.capacity else None
    return {"port": worst.name, "depth": worst.depth, "capacity": worst.capacity, "over": rounded(over)}
