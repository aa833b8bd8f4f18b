"""Queues of jobs with replies: one for a single process, one over Redis, with the same face.

`async submit(payload, timeout_s) -> dict` for callers, `async take() -> Taken` for consumers.
"""

from __future__ import annotations

from mcptop.demo.systems.jobs import Job, JobFailed, QueueClosed, QueueFull, Taken
from mcptop.demo.systems.local_queue import LocalQueue
from mcptop.demo.systems.redis_queue import RedisQueue
from mcptop.demo.systems.stats import QueueStats

__all__ = ["Job", "JobFailed", "LocalQueue", "QueueClosed", "QueueFull", "RedisQueue", "Taken", "counted"]


async def counted(queue: LocalQueue | RedisQueue) -> list[QueueStats]:
    """The queue now; nothing is known of one that cannot be reached."""
    try:
        return [await queue.stats()]
    except ConnectionError:
        return []
