"""The pools and queues of one row, judged once, and the one of each that stands for all in the service table.

Replicas of a service have a pool of the same name each: in the row of the service they are added up, the worst level
kept. What is measured goes before what is inferred.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from mcptop.alerts.pools import SERVER
from mcptop.alerts.queues import ACCEPT
from mcptop.model.flow import Confidence, Pool, Queue
from mcptop.model.frame import Service, pool_key, queue_key
from mcptop.presentation.judgement import NOBODY, Judged, Judgement, Level

JudgedPool = tuple[Pool, Judgement]
JudgedQueue = tuple[Queue, Judgement]


PoolName = tuple[str, str, str]
"""What a pool is called in every replica: its name, its peer, and who says so."""
_CLEARLY = 0.2
"""Another pool is shown when its share is higher by so much."""


class Use(Struct, frozen=True, eq=False):
    """What the POOL column shows."""

    in_use: int | None
    open: int | None
    max: int | None
    waiting: int
    level: Level = Level.OK
    inferred: bool = False
    server: bool = False
    """Connections a server gives: those of its clients' pools, seen from the other end."""
    pool: PoolName | None = None
    """Which of the row's pools it is; None of a group, and of what has none."""

    @property
    def share(self) -> float | None:
        """in_use / max."""
        return self.in_use / self.max if self.in_use is not None and self.max else None


class Backlog(Struct, frozen=True, eq=False):
    """What the QUEUE column shows."""

    depth: int | None
    growth_per_s: float | None
    level: Level = Level.OK
    inferred: bool = False
    shared: bool = False
    """On a broker: the services that use it may show the same entries."""


class Flow(Struct, frozen=True, eq=False):
    """All there is of one row. Of a group: the sums only."""

    pools: tuple[JudgedPool, ...] = ()
    queues: tuple[JudgedQueue, ...] = ()
    use: Use | None = None
    backlog: Backlog | None = None

    def __bool__(self) -> bool:
        """Whether there is anything to judge."""
        return bool(self.pools or self.queues)

    def of_replica(self, name: str) -> Flow:
        """What belongs to this replica only."""
        return self._part({name}, belongs=True) if self else self

    def of_none(self, replicas: Collection[str]) -> Flow:
        """What belongs to none of these replicas: to the service as a whole."""
        return self._part(replicas, belongs=False) if self else self

    def joined(self, other: Flow) -> Flow:
        """Both as one row shows them."""
        if not other:
            return self
        return _flow((*self.pools, *other.pools), (*self.queues, *other.queues))

    def _part(self, replicas: Collection[str], belongs: bool) -> Flow:
        pools = tuple(pair for pair in self.pools if (pair[0].instance in replicas) is belongs)
        queues = tuple(pair for pair in self.queues if (pair[0].instance in replicas) is belongs)
        return _flow(pools, queues, self.use.pool if self.use is not None else None)

    def fullest(self) -> float | None:
        """The share of its maximum of the fullest pool."""
        shares = [pool.in_use / pool.max for pool, _ in self.pools if pool.in_use is not None and pool.max]
        return max(shares, default=None)

    def waiting(self) -> int | None:
        """Callers that wait for any of the pools."""
        return _sum(pool.waiting for pool, _ in self.pools)

    def longest_wait(self) -> float | None:
        """Of all pools, in seconds."""
        return max((pool.wait_s for pool, _ in self.pools if pool.wait_s is not None), default=None)

    def deepest(self) -> int | None:
        """Depth of the deepest queue."""
        return max((queue.depth for queue, _ in self.queues if queue.depth is not None), default=None)


NO_FLOW = Flow()
"""The common case is one shared value."""
Shown = dict[str, PoolName]
"""Service -> the pool its row shows. Kept from frame to frame: a cell that changes its subject cannot be read."""


def of_service(service: Service, judged: Judged = NOBODY, shown: Shown | None = None) -> Flow:
    """Pools and queues of a service with their judgements; `shown` is followed, and brought up to date."""
    if not service.pools and not service.queues:
        return NO_FLOW
    flow = _flow(
        tuple((pool, judged.of_subject(pool_key(service, pool))) for pool in service.pools),
        tuple((queue, judged.of_subject(queue_key(service, queue))) for queue in service.queues),
        shown.get(service.key) if shown is not None else None,
    )
    if shown is not None and flow.use is not None and flow.use.pool is not None:
        shown[service.key] = flow.use.pool
    return flow


def total(parts: Sequence[Flow]) -> Flow:
    """What a group has of what its rows show, as far as it is measured and counted once: the entries of its queues
    added up; of its pools who waits, and the fullest, for places of different kinds are no sum."""
    uses = [f.use for f in parts if f.use is not None and not f.use.inferred and not f.use.server]
    backlogs = [f.backlog for f in parts if f.backlog is not None and not f.backlog.inferred]
    backlogs = [backlog for backlog in backlogs if not backlog.shared] or backlogs
    if not uses and not backlogs:
        return NO_FLOW
    return Flow(use=_worst(uses) if uses else None, backlog=_piled(backlogs) if backlogs else None)


def _worst(uses: Sequence[Use]) -> Use:
    fullest = max(uses, key=lambda use: -1.0 if use.share is None else use.share)
    return replace(fullest, waiting=sum(use.waiting for use in uses), level=max(use.level for use in uses), pool=None)


def _flow(pools: tuple[JudgedPool, ...], queues: tuple[JudgedQueue, ...], shown: PoolName | None = None) -> Flow:
    return Flow(pools, queues, _use_of(pools, shown), _backlog_of(queues))


def _use_of(pools: Sequence[JudgedPool], shown: PoolName | None) -> Use | None:
    """The most pressing one; the one that was shown before, unless that is clearly another."""
    by_name: dict[PoolName, list[Use]] = {}
    for pool, judgement in pools:
        inferred = pool.confidence is Confidence.INFERRED
        use = Use(
            pool.in_use,
            pool.open,
            pool.max,
            pool.waiting or 0,
            judgement.level,
            inferred,
            pool.kind == SERVER,
            (pool.name, pool.peer or "", pool.source),
        )
        by_name.setdefault((pool.name, pool.peer or "", pool.source), []).append(use)
    if not by_name:
        return None
    first = max((_added(by_name[name]) for name in sorted(by_name)), key=_first_use)
    before = _added(by_name[shown]) if shown in by_name else first
    return first if _is_clearly_worse(first, before) else before


def _first_use(use: Use) -> tuple[bool, Level, int, float, int]:
    return (not use.inferred, use.level, use.waiting, use.share or 0.0, use.in_use or 0)


def _is_clearly_worse(use: Use, before: Use) -> bool:
    if (use.inferred, use.level) != (before.inferred, before.level):
        return True
    if use.waiting or before.waiting:
        return use.waiting > before.waiting * (1 + _CLEARLY)
    if use.share is None and before.share is None:
        return (use.in_use or 0) > 2 * (before.in_use or 0)
    return (use.share or 0.0) - (before.share or 0.0) > _CLEARLY - 1e-9


def _added(uses: Sequence[Use]) -> Use:
    """One or several as one; a maximum of the whole exists only if every part has one."""
    if len(uses) == 1:
        return uses[0]
    limits = [use.max for use in uses]
    whole = None if None in limits else sum(limit for limit in limits if limit is not None)
    return Use(
        _sum(use.in_use for use in uses), _sum(use.open for use in uses), whole,
        sum(use.waiting for use in uses), max(use.level for use in uses),
        any(use.inferred for use in uses), any(use.server for use in uses), uses[0].pool,
    )  # fmt: skip


def _backlog_of(queues: Sequence[JudgedQueue]) -> Backlog | None:
    by_name: dict[tuple[str, bool, str], list[Backlog]] = {}
    for queue, judgement in queues:
        inferred = queue.confidence is Confidence.INFERRED
        backlog = Backlog(queue.depth, queue.growth_per_s, judgement.level, inferred, queue.kind == "broker")
        # Two listeners of a service have a name each, and are still no queue of work.
        by_name.setdefault((queue.name, queue.kind == ACCEPT, queue.source), []).append(backlog)
    piled = [(_piled(parts), key[1]) for key, parts in by_name.items()]
    return max(piled, key=lambda pair: _first_backlog(*pair))[0] if piled else None


def _first_backlog(backlog: Backlog, is_accept: bool) -> tuple[Level, bool, bool, int]:
    return (backlog.level, not is_accept, not backlog.inferred, backlog.depth or 0)


def _piled(backlogs: Sequence[Backlog]) -> Backlog:
    if len(backlogs) == 1:
        return backlogs[0]
    growths = [backlog.growth_per_s for backlog in backlogs if backlog.growth_per_s is not None]
    return Backlog(
        _sum(backlog.depth for backlog in backlogs), sum(growths) if growths else None,
        max(backlog.level for backlog in backlogs), any(backlog.inferred for backlog in backlogs),
        any(backlog.shared for backlog in backlogs),
    )  # fmt: skip


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
