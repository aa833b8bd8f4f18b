"""A fixed few of the scoreboard: real faults in the running demo, each named, and two controls that are let alone."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "bench"))

import score
from score import Stack, Watcher
from scorecases import SUBSET, Case


@pytest.fixture(scope="module")
def stack() -> Iterator[tuple[Stack, Watcher]]:
    """A running demo and a monitor."""
    with score.running() as running:
        yield running


# Those of growth last: a service that has just started grows too.
@pytest.mark.parametrize(
    "case",
    sorted(SUBSET, key=lambda case: case.playbook == "memory-leak"),
    ids=lambda case: f"{case.fault.partition(':')[0]}-{case.playbook}",
)
def test_is_named(stack: tuple[Stack, Watcher], case: Case) -> None:
    result, verdict = score.run(case, *stack)
    arguments = {each.mechanism: (each.supports, each.contradicts) for each in verdict.hypotheses if each.supports}
    assert result.right, f"{result.found} ({result.confidence}): {verdict.says}\n{arguments}"
    assert not result.stopped
    assert result.culprit is not False
