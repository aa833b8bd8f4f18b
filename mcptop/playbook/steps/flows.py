"""`flows`: the target's pools and queues over the window, whom it waits for, and who that one waits for.

Reads the monitor's frames; opens nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

import msgspec
from msgspec import Struct

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.model.flow import Pool, Queue
from mcptop.model.frame import Frame, Service
from mcptop.model.playbook import Safety
from mcptop.model.value import Value
from mcptop.playbook import symptoms
from mcptop.playbook.steps.base import Context, Raw, Seconds, StepFailure, now, observed
from mcptop.playbook.steps.series import drawn, grown, mean, names_of, rounded

_ACCEPT, _TCP, _SERVER = "accept", "tcp", "server"
_INNER = ("db", "redis", "slots")
_OFTEN = 0.3
_MOST_HOPS = 6
_DEPTH_PER_S = 0.1
"""Growth of a queue below which nothing is said to grow, in entries a second."""
Flow = TypeVar("Flow", Pool, Queue)


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """How long, and whether a target without any pool or queue is one that nothing can be said of."""

    watch_for: Seconds = msgspec.field(name="for", default=Seconds(10))
    require: str = ""
    """pools or queues: without one of them there is no evidence."""


class Moment(Value, frozen=True):
    """One frame, as far as it is about pools and queues."""

    at: float
    services: tuple[Service, ...]


class Flows:
    """See the module."""

    name: ClassVar[str] = "flows"
    says: ClassVar[str] = "watching pools, queues and who waits for whom"
    safety: ClassVar[Safety] = Safety.PASSIVE
    alongside: ClassVar[bool] = True
    options: ClassVar[type[Struct]] = Options
    emits: ClassVar[Mapping[str, str]] = {
        "frames": "how many looks",
        "pools": "how many pools the target has",
        "queues": "how many queues",
        "waiting": "callers that wait for any of its pools, in the mean",
        "pool.name": "the pool most callers wait for, or the fullest",
        "pool.kind": "db, redis, http, slots, tcp", "pool.peer": "whom it leads to",
        "pool.waiting": "callers that wait for it, in the mean", "pool.waiting_most": "at most",
        "pool.waiting_share": "share of the looks in which somebody waited",
        "pool.in_use": "connections in use, in the mean", "pool.max": "its maximum",
        "pool.full_share": "share of the looks in which it was full",
        "pool.use": "in use as a share of the maximum, in the mean",
        "pool.in_use_lowest": "fewest in use at any look",
        "pool.wait_s": "how long a wait took, in the mean", "pool.waits_per_s": "waits that ended, a second",
        "pool.timeouts_per_s": "callers that gave up, a second",
        "pool.gave_up_ratio": "these as a share of those that had to wait",
        "pool.idle_in_transaction": "connections with an open transaction and nothing to do",
        "pool.idle_in_transaction_s": "the oldest of these", "pool.source": "who says so",
        "queue.name": "the queue that grows most, or the deepest", "queue.depth": "entries at the end",
        "queue.in_flight": "taken and not finished", "queue.capacity": "how many it takes",
        "queue.in_per_s": "entries that come, a second", "queue.out_per_s": "that go, a second",
        "queue.oldest_age_s": "how long the first in line has waited", "queue.rejected_per_s": "turned away, a second",
        "queue.source": "who says so",
        **{name: text for name, text in names_of("queue.growth", "its depth").items()},
        "accept.depth": "most connections that waited to be accepted", "accept.capacity": "the listener's backlog",
        "accept.over": "most that waited, as a share of the backlog", "accept.port": "at which listener",
        "down.service": "the service its oldest request under way is sent to",
        "down.busy": "requests under way to it, in the mean", "down.busy_share": "share of the looks with any",
        "down.longest_s": "age of the oldest, median of the looks",
        "chain.services": "who waits for whom, from the target on", "chain.length": "how many hops",
        "chain.end": "the last one: it waits for nobody", "chain.end_cores": "its CPU",
        "chain.end_busy": "requests it holds up, in the mean", "chain.end_longest_s": "for how long",
        "chain.end_waiting": "callers in its own pools and queues", "chain.end_kind": "container, process, server",
        "connections": "open connections to all peers, in the mean",
        "idle_connections": "of which nothing is under way",
    }  # fmt: skip

    def expected_s(self, options: Options) -> float:
        """As long as it shall watch."""
        return float(options.watch_for)

    def collect(self, context: Context, options: Options) -> Raw:
        """Wait for the frames. Raises `StepFailure` where there is nothing to see."""
        began, started_at, since = time.monotonic(), now(), time.time()
        while time.monotonic() - began < options.watch_for and context.pause(0.2):
            pass
        frames = [frame for frame in context.frames.all() if frame.at.timestamp() >= since - 1.0]
        moments = [_moment(frame, since) for frame in frames]
        if not moments:
            raise StepFailure(StepStatus.NO_DATA, "the monitor gave no frame in time")
        data = msgspec.json.encode(moments)
        return (observed("flows.json", "monitor", data, started_at, time.monotonic() - began),)

    def read(self, raw: Raw, options: Options, subject: Subject) -> dict[str, Any]:
        """What flowed. Raises `StepFailure` where what is required is not there."""
        moments = msgspec.json.decode(raw[0].data, type=list[Moment])
        key = (subject.project, subject.service, subject.kind)
        own = [(m.at, s) for m in moments for s in m.services if (s.project, s.name, s.kind.value) == key]
        pools = _by_name(own, lambda s: symptoms.pools_of(s, subject.name))
        queues = _by_name(own, lambda s: symptoms.queues_of(s, subject.name))
        bounded = {name: seen for name, seen in pools.items() if seen[-1][1].kind not in (_TCP, None)}
        jobs = {name: seen for name, seen in queues.items() if seen[-1][1].kind != _ACCEPT}
        if (options.require == "pools" and not pools) or (options.require == "queues" and not jobs):
            raise StepFailure(StepStatus.NO_DATA, f"no {options.require} of {subject.service} are known")
        times = [at for at, _ in own]
        pool, queue = _worst_pool(bounded), _worst_queue(jobs)
        links = [[p for p in symptoms.pools_of(s, subject.name) if p.kind == _TCP] for _, s in own]
        return {
            "frames": len(own),
            "pools": len(bounded),
            "queues": len(jobs),
            "waiting": rounded(sum(mean([p.waiting for _, p in seen]) or 0.0 for seen in bounded.values()))
            if any(p.waiting is not None for seen in bounded.values() for _, p in seen) else None,
            "pool": pool,
            "queue": queue,
            "accept": _accept(queues),
            **_downstream(moments, subject),
            "connections": rounded(mean([sum(p.open or 0 for p in each) for each in links])),
            "idle_connections": rounded(mean([sum(p.idle or 0 for p in each) for each in links])),
            "series": _charts(times, bounded, jobs, pool, queue),
        }  # fmt: skip

    def summary(self, values: Mapping[str, Any]) -> str:
        """How many of each."""
        return f"{values['pools']} pools, {values['queues']} queues, {values['frames']} looks"


def _moment(frame: Frame, since: float) -> Moment:
    """Instances go along without their bulk: only who they are and what they compute."""
    return Moment(frame.at.timestamp() - since, frame.services)


Seen = list[tuple[float, Flow]]


def _by_name(
    own: Iterable[tuple[float, Service]], read: Callable[[Service], Sequence[Flow]]
) -> dict[str, list[tuple[float, Flow]]]:
    found: dict[str, list[tuple[float, Flow]]] = {}
    for at, service in own:
        for flow in read(service):
            found.setdefault(f"{flow.kind}/{flow.name}", []).append((at, flow))
    return found


def _worst_pool(pools: Mapping[str, Seen[Pool]]) -> dict[str, Any]:
    if not pools:
        return {}
    return max((_pool([pool for _, pool in seen]) for seen in pools.values()), key=_pool_rank)


def _pool_rank(pool: Mapping[str, Any]) -> tuple[float, ...]:
    """Where callers wait for several, the inner one is the cause: a request keeps its place while it waits for it."""
    is_waited_for = (pool["waiting_share"] or 0.0) >= _OFTEN
    is_inner = pool["kind"] in _INNER
    return is_waited_for, is_waited_for and is_inner, pool["waiting"] or 0.0, pool["use"] or 0.0


def _pool(seen: Sequence[Pool]) -> dict[str, Any]:
    last = seen[-1]
    full = [p.in_use >= p.max for p in seen if p.in_use is not None and p.max]
    waits, gave_up = mean([p.waits_per_s for p in seen]), mean([p.timeouts_per_s for p in seen])
    in_use = [p.in_use for p in seen if p.in_use is not None]
    used = mean([p.in_use / p.max for p in seen if p.in_use is not None and p.max])
    values = {
        "waiting": mean([p.waiting for p in seen]),
        "waiting_most": max((p.waiting for p in seen if p.waiting is not None), default=None),
        "waiting_share": mean([float(p.waiting > 0) for p in seen if p.waiting is not None]),
        "in_use": mean(in_use),
        "in_use_lowest": min(in_use, default=None),
        "max": last.max,
        "use": used,
        "full_share": sum(full) / len(full) if full else None,
        "wait_s": mean([p.wait_s for p in seen]),
        "waits_per_s": waits,
        "timeouts_per_s": gave_up,
        "gave_up_ratio": min(1.0, gave_up / waits) if waits and gave_up is not None else None,
        "idle_in_transaction": last.idle_in_transaction,
        "idle_in_transaction_s": last.idle_in_transaction_s,
    }
    named = {"name": last.name, "kind": last.kind, "peer": last.peer, "source": last.source}
    return {**named, **{key: rounded(value) for key, value in values.items()}}


def _worst_queue(queues: Mapping[str, Seen[Queue]]) -> dict[str, Any]:
    if not queues:
        return {}
    return max((_queue(seen) for seen in queues.values()), key=_queue_rank)


def _queue_rank(queue: Mapping[str, Any]) -> tuple[float, float]:
    growth = queue["growth"]
    return (growth["slope_per_s"] if growth and growth["slope_per_s"] else 0.0) * 10 + (queue["depth"] or 0), 0.0


def _queue(seen: Seen[Queue]) -> dict[str, Any]:
    last = seen[-1][1]
    return {
        "name": last.name,
        "depth": last.depth,
        "in_flight": last.in_flight,
        "capacity": last.capacity,
        "in_per_s": rounded(mean([q.in_per_s for _, q in seen])),
        "out_per_s": rounded(mean([q.out_per_s for _, q in seen])),
        "oldest_age_s": rounded(last.oldest_age_s),
        "rejected_per_s": rounded(mean([q.rejected_per_s for _, q in seen])),
        "source": last.source,
        "growth": grown([at for at, _ in seen], [q.depth for _, q in seen], _DEPTH_PER_S),
    }


def _accept(queues: Mapping[str, Seen[Queue]]) -> dict[str, Any]:
    seen = [queue for each in queues.values() for _, queue in each if queue.kind == _ACCEPT and queue.depth is not None]
    if not seen:
        return {}
    worst = max(seen, key=lambda q: (q.depth or 0) / (q.capacity or 1))
    over = (worst.depth or 0) / worst.capacity if worst.capacity else None
    return {"port": worst.name, "depth": worst.depth, "capacity": worst.capacity, "over": rounded(over)}


def _downstream(moments: Sequence[Moment], subject: Subject) -> dict[str, Any]:
    """Whom the target waits for, and on from there as long as that one waits for somebody too."""
    hops: list[dict[str, Any]] = []
    names = [subject.service]
    while len(hops) < _MOST_HOPS:
        hop = _slowest_peer(moments, names[-1], subject.project)
        if hop is None or hop["service"] in names:
            break
        hops.append(hop)
        names.append(hop["service"])
    if not hops:
        return {
            "down": {"busy_share": 0.0, "busy": 0.0, "longest_s": 0.0},
            "chain": {"length": 0, "end": subject.service},
        }
    end = hops[-1]
    last = [s for m in moments for s in m.services if s.name == end["service"] and s.project == subject.project]
    return {
        "down": hops[0],
        "chain": {
            "services": " -> ".join(names),
            "length": len(hops),
            "end": end["service"],
            "end_busy": end["busy"],
            "end_longest_s": end["longest_s"],
            "end_cores": rounded(mean([sum(i.cpu.cores or 0.0 for i in s.instances) for s in last])),
            "end_waiting": rounded(mean([float(_waiting(s)) for s in last])),
            "end_kind": last[-1].kind.value if last else None,
        },
    }


def _waiting(service: Service) -> int:
    pools = sum(pool.waiting or 0 for pool in service.pools if pool.kind != _SERVER)
    return pools + sum(queue.depth or 0 for queue in service.queues if queue.kind != _ACCEPT)


def _slowest_peer(moments: Sequence[Moment], name: str, project: str | None) -> dict[str, Any] | None:
    """The peer to which requests are under way most of the time; None when there is none."""
    seen: dict[str, list[Pool]] = {}
    looks = 0
    for moment in moments:
        for service in moment.services:
            if service.name == name and service.project == project:
                looks += 1
                for pool in service.pools:
                    if pool.kind == _TCP and pool.peer and pool.in_use is not None:
                        seen.setdefault(pool.peer, []).append(pool)
    found = []
    for peer, pools in seen.items():
        ages = sorted(pool.longest_s or 0.0 for pool in pools)
        busy = sum(pool.in_use or 0 for pool in pools) / looks
        share = sum(bool(pool.in_use) for pool in pools) / looks
        found.append({"service": peer, "busy": rounded(busy), "busy_share": rounded(min(1.0, share)),
                      "longest_s": rounded(ages[len(ages) // 2])})  # fmt: skip
    found = [hop for hop in found if hop["busy_share"] >= 0.5]
    return max(found, key=lambda hop: hop["busy"] * hop["longest_s"], default=None)


def _charts(
    times: list[float], pools: Mapping[str, Seen[Pool]], queues: Mapping[str, Seen[Queue]],
    pool: Mapping[str, Any], queue: Mapping[str, Any],
) -> dict[str, Any]:  # fmt: skip
    charts: dict[str, Any] = {}
    for seen in pools.values():
        if pool and seen[-1][1].name == pool["name"] and any(p.waiting is not None for _, p in seen):
            charts["waiting"] = drawn("count", [at for at, _ in seen], [p.waiting for _, p in seen])
    for entries in queues.values():
        if queue and entries[-1][1].name == queue["name"] and any(q.depth is not None for _, q in entries):
            charts["queue"] = drawn("count", [at for at, _ in entries], [q.depth for _, q in entries])
    return charts
