"""Semaphores of asyncio and of threads: places of which so many are free.

Only a bounded one remembers how many there are. For the others it is the most that were ever seen free, so such a
semaphore has to be watched where it is made.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from mcptop.instrument.family import Facts, Family, named, unanswered
from mcptop.instrument.figures import POOL

_most_free: WeakKeyDictionary[Any, int] = WeakKeyDictionary()


def _bound(semaphore: Any, free: int) -> int:
    for kept in ("_bound_value", "_initial_value"):
        if hasattr(semaphore, kept):
            return int(getattr(semaphore, kept))
    _most_free[semaphore] = most = max(free, _most_free.get(semaphore, 0))
    return most


def _places(semaphore: Any) -> Facts:
    free = semaphore._value
    bound = _bound(semaphore, free)
    return {"max": bound, "in_use": bound - free, "idle": free}


def _waiting_tasks(semaphore: Any) -> Facts:
    # None until somebody had to wait.
    return {"waiting": unanswered(semaphore._waiters or ())}


def _waiting_threads(semaphore: Any) -> Facts:
    return {"waiting": len(semaphore._cond._waiters)}


FAMILIES = {
    ("asyncio", "Semaphore"): Family(POOL, named("places"), (_places, _waiting_tasks)),
    ("threading", "Semaphore"): Family(POOL, named("places"), (_places, _waiting_threads)),
}
