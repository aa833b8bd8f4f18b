"""What the steps share that ask a Docker Engine about their target."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from mcptop.model.diagnosis import StepStatus
from mcptop.playbook.steps.base import Context, StepFailure
from mcptop.sources.docker_engine import DockerEngine, EngineError


def container_of(context: Context) -> str:
    """The target's container. Raises `StepFailure` where it is none."""
    if context.subject.container is None:
        raise StepFailure(StepStatus.NO_DATA, "not a container")
    return context.subject.container


@contextlib.contextmanager
def asking(context: Context) -> Iterator[DockerEngine]:
    """A connection to the engine, closed afterwards. What it cannot answer becomes a `StepFailure`."""
    try:
        engine = context.engine()
        try:
            yield engine
        finally:
            engine.close()
    except EngineError as error:
        says = str(error)
        if "no such container" in says.lower():
            raise gone() from None
        denied = "permission" in says
        raise StepFailure(StepStatus.PERMISSION_DENIED if denied else StepStatus.NO_DATA, says) from None


def gone() -> StepFailure:
    """The container is not there any more."""
    return StepFailure(StepStatus.TARGET_GONE, "the container has been removed")
