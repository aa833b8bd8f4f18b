"""A diagnosis that does what the test says, with the evidence of a kept case."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.playbook.case import Case, verdict_of
from mcptop.playbook.diagnosis import Finished
from mcptop.playbook.runner import Progress
from tests.playbook import examples

BEGAN = 1000.0
SUBJECT = replace(examples.SUBJECT, container="id-mcp-stack-mcp-worker-1", name="mcp-stack-mcp-worker-1")


def _of(case: Case) -> Case:
    return replace(case, subject=SUBJECT)


class Scripted:
    """Runs until the test lets it go, or it is cancelled: then it comes back with less."""

    expected_s = 60.0

    def __init__(self, *given: Any) -> None:
        *_, self.wanted, self.frames, _, _, self.hear = given
        self.let_go = threading.Event()
        self.heard = threading.Event()
        self.cancelled = threading.Event()
        self.ignores_cancel = False
        self.problem: Exception | None = None
        self.case = _of(examples.PROBLEM)

    def choose(self) -> Subject:
        """The worker of the frames."""
        return SUBJECT

    def run(self, subject: Subject) -> Finished:
        """Three steps are begun, one of them has ended."""
        self._tell("growth", "watch", None, "watching memory, CPU, I/O, threads and files", 60.0)
        self._tell("stats", "docker-stats", None, "one look", 2.0)
        self._tell("stats", "docker-stats", StepStatus.OK, "one look, agrees with the kernel files", 2.0, 1.1)
        self._tell("stacks", "py-spy-dump", None, "reading the Python stacks again and again", 30.0)
        self.heard.set()
        assert self.let_go.wait(60), "nobody let it go"
        if self.problem is not None:
            raise self.problem
        case = self.case
        if self.cancelled.is_set():
            case = _of(replace(examples.BLIND, run=replace(examples.BLIND.run, cancelled=True, duration_s=24.0)))
        return Finished(case, verdict_of(case), ())

    def cancel(self) -> None:
        """From any thread."""
        self.cancelled.set()
        if not self.ignores_cancel:
            self.let_go.set()

    def _tell(
        self, step: str, run: str, state: StepStatus | None, says: str, expected_s: float, took: float | None = None
    ) -> None:
        self.hear(Progress(step, run, state, says, BEGAN, expected_s, took))


class Workshop:
    """Makes them, and keeps the last one; what shall be otherwise is set before."""

    def __init__(self) -> None:
        self.made: list[Scripted] = []
        self.now = BEGAN
        """What the clock says."""
        self.change: Callable[[Scripted], None] = lambda scripted: None

    def __call__(self, *given: Any) -> Scripted:
        scripted = Scripted(*given)
        self.change(scripted)
        self.made.append(scripted)
        return scripted

    @property
    def last(self) -> Scripted:
        """The newest."""
        return self.made[-1]
