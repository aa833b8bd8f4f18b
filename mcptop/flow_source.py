"""What one source says of one target, look after look: rates over its counters, growth, a maximum concluded."""

from __future__ import annotations

from collections import deque

from mcptop import rates
from mcptop.analysis.ceiling import Ceiling
from mcptop.model.flow import Pool, Queue
from mcptop.model.flow_reading import FlowReading, PoolReading, QueueReading

_GROWTH_S = 30.0
_TOTALS = ("waits_total", "wait_seconds_total", "timeouts_total")
_Depths = deque[tuple[float, int]]


class SourceFlows:
    """Holds the reading before, and of each name in it what a single reading cannot tell."""

    def __init__(self, instance: str) -> None:
        """`instance`: the target's name."""
        self.instance = instance
        self._reading: FlowReading | None = None
        self._ceilings: dict[str, Ceiling] = {}
        self._depths: dict[str, _Depths] = {}
        self.pools: tuple[Pool, ...] = ()
        self.queues: tuple[Queue, ...] = ()

    def update(self, new: FlowReading) -> None:
        """Take a reading; one that was taken before changes nothing."""
        old = self._reading
        if old is new:
            return
        self._reading = new
        seconds = 0.0 if old is None else new.read_at - old.read_at
        old_pools = {(pool.name, pool.peer): pool for pool in old.pools} if old else {}
        old_queues = {queue.name: queue for queue in old.queues} if old else {}
        self.pools = tuple(self._pool(new, pool, old_pools.get((pool.name, pool.peer)), seconds) for pool in new.pools)
        self.queues = tuple(self._queue(new, queue, old_queues.get(queue.name), seconds) for queue in new.queues)
        self._forget({pool.name for pool in new.pools}, {queue.name for queue in new.queues})

    def _forget(self, pools: set[str], queues: set[str]) -> None:
        """Let go of what the source names no more: names may be made without end."""
        self._ceilings = {name: ceiling for name, ceiling in self._ceilings.items() if name in pools}
        self._depths = {name: looks for name, looks in self._depths.items() if name in queues}

    def _pool(self, reading: FlowReading, new: PoolReading, old: PoolReading | None, seconds: float) -> Pool:
        waits, waited, timeouts = (_rate(old, new, name, seconds) for name in _TOTALS)
        most, most_source = new.max, new.max_source
        if most is None and new.open is not None:
            ceiling = self._ceilings.setdefault(new.name, Ceiling())
            if (found := ceiling.update(reading.read_at, new.open, new.in_use)) is not None:
                most, most_source = found
        return Pool(
            name=new.name,
            kind=new.kind,
            peer=new.peer,
            instance=self.instance,
            open=new.open,
            in_use=new.in_use,
            idle=new.idle,
            max=most,
            waiting=new.waiting,
            wait_s=waited / waits if waits and waited is not None else new.oldest_wait_s,
            waits_per_s=waits,
            timeouts=None if new.timeouts_total is None else int(new.timeouts_total),
            timeouts_per_s=timeouts,
            longest_s=new.longest_s,
            idle_in_transaction=new.idle_in_transaction,
            idle_in_transaction_s=new.idle_in_transaction_s,
            connecting=new.connecting,
            close_wait=new.close_wait,
            time_wait=new.time_wait,
            max_source=most_source,
            source=reading.source,
            confidence=new.confidence,
        )

    def _queue(self, reading: FlowReading, new: QueueReading, old: QueueReading | None, seconds: float) -> Queue:
        entered, left = (_rate(old, new, name, seconds) for name in ("entered_total", "left_total"))
        entered, left = new.in_per_s if entered is None else entered, new.out_per_s if left is None else left
        growth = None
        if new.depth is not None:
            growth = _growth(self._depths.setdefault(new.name, deque()), reading.read_at, new.depth)
        return Queue(
            name=new.name,
            kind=new.kind,
            instance=self.instance,
            depth=new.depth,
            in_flight=new.in_flight,
            capacity=new.capacity,
            oldest_age_s=new.oldest_age_s,
            in_per_s=entered,
            out_per_s=left,
            growth_per_s=growth if entered is None or left is None else entered - left,
            rejected=None if new.rejected_total is None else int(new.rejected_total),
            rejected_per_s=_rate(old, new, "rejected_total", seconds),
            source=reading.source,
            confidence=new.confidence,
        )


def _growth(looks: _Depths, at: float, depth: int) -> float | None:
    """Change of the depth over the last half minute; None until there are two looks."""
    looks.append((at, depth))
    while len(looks) > 2 and at - looks[1][0] >= _GROWTH_S:
        looks.popleft()
    since, before = looks[0]
    return (depth - before) / (at - since) if at > since else None


def _rate(
    old: PoolReading | QueueReading | None, new: PoolReading | QueueReading, name: str, seconds: float
) -> float | None:
    return rates.per_second(getattr(old, name), getattr(new, name), seconds) if old is not None else None
