"""Queues, batches and repeats between the services."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from mcptop.demo.faults.fault import fault
from mcptop.model.mechanisms import Mechanism

if TYPE_CHECKING:
    from mcptop.demo.services.api import Api
    from mcptop.demo.services.worker import Worker


@fault(Mechanism.SLOW_CONSUMER, "mcp-worker", "the queue grows; MEM follows it, CPU does not")
async def slow_consumer(service: Worker, per_job_s: float = 10.0) -> AsyncIterator[None]:
    """The worker takes longer for a job than jobs take to arrive."""
    service.per_job_s = per_job_s
    try:
        yield
    finally:
        service.per_job_s = 0.0


@fault(Mechanism.BATCH_NEVER_FILLS, "mcp-worker", "answers take as long as the batch waits, at little CPU")
async def batch_never_fills(service: Worker, batch_size: int = 64, max_wait_s: float = 5.0) -> AsyncIterator[None]:
    """Batches are set larger than the requests that can be under way, so each waits for its time to run out."""
    before = service.batch_size, service.batch_max_wait_s
    service.set_batching(batch_size, max_wait_s)
    try:
        yield
    finally:
        service.set_batching(*before)


@fault(Mechanism.CACHE_THRASH, "mcp-worker", "MEM of model-runner goes up and down as models take turns")
async def cache_thrash(service: Worker, budget_mib: int = 48) -> AsyncIterator[None]:
    """The model manager may hold one model while the requests ask for two."""
    before = service.models_cache.budget_bytes
    service.models_cache.budget_bytes = budget_mib * 1024 * 1024
    try:
        yield
    finally:
        service.models_cache.budget_bytes = before


@fault(Mechanism.RETRY_STORM, "mcp-api", "the same load makes many times the jobs: CPU and SOCK rise behind mcp-api")
async def retry_storm(service: Api, attempts: int = 8, timeout_s: float = 0.03) -> AsyncIterator[None]:
    """A timeout shorter than the answer takes, and repeats at once: each request becomes many."""
    jobs, before = service.http_jobs, service.jobs
    service.jobs = jobs
    jobs.attempts, jobs.attempt_timeout_s = attempts, timeout_s
    try:
        yield
    finally:
        jobs.attempts, jobs.attempt_timeout_s = 1, None
        service.jobs = before
