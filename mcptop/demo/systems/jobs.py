"""What the two kinds of queue have in common: the job, its answer, and what can go wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work. `created` is wall clock, in seconds since the epoch."""

    id: str
    payload: dict[str, Any]
    created: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What a consumer says about a job: a result, or why there is none."""

    result: dict[str, Any] | None = None
    error: str | None = None

    def value(self) -> dict[str, Any]:
        """The result. Raises JobFailed with the consumer's message."""
        if self.error is not None:
            raise JobFailed(self.error)
        return self.result or {}


class QueueFull(Exception):
    """The queue holds as many jobs as it may; try again later."""


class QueueClosed(Exception):
    """The queue was closed on this side."""


class JobFailed(Exception):
    """The consumer could not do the job; the message is the consumer's."""


class Taken:
    """A job in a consumer's hands: in flight until `reply` or `fail`. Only the first of them counts."""

    def __init__(self, job: Job, answer: Callable[[Answer], Awaitable[None]]) -> None:
        self.job = job
        self._answer = answer
        self._answered = False

    @property
    def payload(self) -> dict[str, Any]:
        """What the caller submitted."""
        return self.job.payload

    async def reply(self, result: dict[str, Any]) -> None:
        """The caller gets `result`. Raises ConnectionError when it cannot be sent; the job is over all the same."""
        await self._once(Answer(result=result))

    async def fail(self, message: str) -> None:
        """The caller gets JobFailed(message). Raises as `reply` does."""
        await self._once(Answer(error=message))

    async def _once(self, answer: Answer) -> None:
        if not self._answered:
            self._answered = True
            await self._answer(answer)
