"""Queues of jobs with replies: one for a single process, one over Redis, with the same face.

`async submit(payload, timeout_s) -> dict` for callers, `async take() -> Taken` for consumers.
"""

from __future__ import annotations

from mcptop.demo.systems.jobs import Job, JobFailed, QueueClosed, QueueFull, Taken
from mcptop.demo.systems.local_queue import LocalQueue
from mcptop.demo.systems.redis_queue import RedisQueue

__all__ = ["Job", "JobFailed", "LocalQueue", "QueueClosed", "QueueFull", "RedisQueue", "Taken"]
