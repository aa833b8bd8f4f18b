"""Queues of asyncio and of threads. What entered and left is known to whoever puts and takes, not to the queue.

Jobs in flight are what was put and not reported done. A service that never calls `task_done` would seem to work on
everything it ever took, so there is no such figure until a report was seen: the count fell from one look to the next.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from mcptop.instrument.family import Facts, Family, limited, named
from mcptop.instrument.figures import QUEUE

_highest: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
"""Most unfinished jobs seen of a queue, until fewer were seen: -1."""


def _length(queue: Any) -> int:
    # `qsize` of a queue of threads would wait for its lock.
    return int(queue._qsize() if hasattr(queue, "_qsize") else queue.qsize())


def _depth(queue: Any) -> Facts:
    return {"depth": _length(queue)}


def _capacity(queue: Any) -> Facts:
    return {"capacity": limited(queue.maxsize)}


def _in_flight(unfinished: str) -> Callable[[Any], Facts]:
    def read(queue: Any) -> Facts:
        now, seen = getattr(queue, unfinished), _highest.get(queue, 0)
        _highest[queue] = -1 if now < seen else now
        return {"in_flight": now - _length(queue) if now < seen or seen < 0 else None}

    return read


FAMILIES = {
    ("asyncio", "Queue"): Family(QUEUE, named("queue"), (_depth, _capacity, _in_flight("_unfinished_tasks"))),
    ("queue", "Queue"): Family(QUEUE, named("queue"), (_depth, _capacity, _in_flight("unfinished_tasks"))),
    ("_queue", "SimpleQueue"): Family(QUEUE, named("queue"), (_depth,)),
}
