"""Runs a playbook's steps within their time and hands over evidence; judges nothing.

Steps that watch run beside the others for the whole time. Every step ends in a status, whatever happens in it.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec

from mcptop.config import Settings
from mcptop.model.diagnosis import Cost, Evidence, Run, StepStatus, Subject
from mcptop.model.playbook import Playbook, Safety, Step
from mcptop.model.value import Value
from mcptop.playbook import expressions
from mcptop.playbook.attempt import attempt
from mcptop.playbook.expressions import ExpressionError, Unknown
from mcptop.playbook.frames import Frames
from mcptop.playbook.steps.base import Context, FrameStep, Output, StepKind, moment, now, options_of
from mcptop.playbook.steps.catalogue import KINDS
from mcptop.sources.docker_engine import DockerEngine
from mcptop.units import plain

_LEAST_S = 1.0
"""A step that has less time than this is not begun."""


class Progress(Value, frozen=True):
    """How far a step is; one of these whenever that changes."""

    step: str
    run: str
    state: StepStatus | None
    """None while it runs."""
    says: str
    began: float
    """Monotonic seconds."""
    expected_s: float
    duration_s: float | None = None


class Collected(Value, frozen=True):
    """All that was collected."""

    evidence: tuple[Evidence, ...]
    outputs: tuple[tuple[str, Output], ...]
    """Step and raw output."""
    run: Run


class Runner:
    """One diagnosis. `run` once; `cancel` from any thread."""

    def __init__(
        self,
        playbook: Playbook,
        subject: Subject,
        frames: Frames,
        settings: Settings,
        engine: Callable[[], DockerEngine],
        *,
        wall_s: float | None = None,
        safety: Safety | None = None,
        allow_commands: bool = False,
        script: str | None = None,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        version: str = "",
    ) -> None:
        self._playbook = playbook
        self._subject = subject
        self._frames = frames
        self._settings = settings
        self._engine = engine
        self._wall_s = wall_s or playbook.budget.wall_s
        # What stops a target or runs code in it, nobody gets by a playbook's word alone.
        self._safety = min(playbook.budget.safety, Safety.SAMPLING) if safety is None else safety
        self._allow_commands = allow_commands
        self._script = script
        self._on_progress = on_progress
        self._version = version
        self._cancelled = threading.Event()
        self._evidence: dict[str, Evidence] = {}
        self._outputs: list[tuple[str, Output]] = []
        self._lock = threading.Lock()
        self._cpu_s = 0.0

    def cancel(self) -> None:
        """Come back with what is known so far."""
        self._cancelled.set()

    @property
    def expected_s(self) -> float:
        """About how long it will take."""
        watching, others = 0.0, 0.0
        for step in self._playbook.steps:
            kind = KINDS[step.run]
            expected = kind.expected_s(options_of(kind, step.options))
            if kind.alongside:
                watching = max(watching, expected)
            else:
                others += expected
        return min(self._wall_s, max(watching, others))

    def run(self) -> Collected:
        """Run all steps. Never raises for what a step did."""
        began, started_at, cpu = time.monotonic(), now(), _own_cpu_s()
        deadline = began + self._wall_s
        beside = [step for step in self._playbook.steps if KINDS[step.run].alongside]
        watching = [threading.Thread(target=self._step, args=(step, deadline), daemon=True) for step in beside]
        for thread in watching:
            thread.start()
        for step in self._playbook.steps:
            if step not in beside:
                self._step(step, deadline)
        for thread in watching:
            thread.join()
        order = [self._evidence[step.id] for step in self._playbook.steps]
        run = Run(
            started_at=moment(self._frames.latest.at) if self._frames.recorded else started_at,
            duration_s=round(time.monotonic() - began, 3),
            cost=Cost(cpu_s=round(_own_cpu_s() - cpu + self._cpu_s, 3), target_paused_s=0.0),
            cancelled=self._cancelled.is_set(),
            version=self._version,
        )
        return Collected(tuple(order), tuple(self._outputs), run)

    def _step(self, step: Step, deadline: float) -> None:
        began = time.monotonic()
        try:
            evidence = self._condition(step) or self._attempts(step, deadline)
        except Exception as error:
            # Not even the attempt could be made: options that the kind does not take.
            says = f"defect in mcptop: {type(error).__name__}: {error}"
            evidence = Evidence(step.id, step.run, StepStatus.PARSE_ERROR, plain(says))
        with self._lock:
            self._evidence[step.id] = evidence
        self._tell(step, KINDS[step.run], evidence.status, evidence.message, began, evidence.duration_s)

    def _condition(self, step: Step) -> Evidence | None:
        """Why it is not for this target, or why nobody knows."""
        if step.when is None:
            return None
        try:
            if expressions.holds(step.when, self._names()):
                return None
            return _skipped(step, step.run, f"not for this target ({step.when})", applies=False)
        except Unknown as missing:
            return _skipped(step, step.run, f"{missing} is unknown")
        except ExpressionError as error:
            return _skipped(step, step.run, str(error))

    def _attempts(self, step: Step, deadline: float) -> Evidence:
        """The step, and where it cannot be done what is to be done instead."""
        first = self._attempt(step, KINDS[step.run], deadline)
        if first.status is StepStatus.OK or not step.otherwise or self._cancelled.is_set():
            return first
        second = self._attempt(step, KINDS[step.otherwise], deadline)
        # A step that is off is not missed, but what was to be done instead is.
        kept = second if second.status is StepStatus.OK or not first.applies else first
        return msgspec.structs.replace(
            kept,
            message=f"{step.run}: {first.message}; instead {step.otherwise}: {second.message}",
            duration_s=round(first.duration_s + second.duration_s, 3),
        )

    def _attempt(self, step: Step, kind: StepKind, deadline: float) -> Evidence:
        reason = self._hindrance(step, kind, deadline)
        if reason is not None:
            return reason
        options, began = options_of(kind, step.options), time.monotonic()
        self._tell(step, kind, None, kind.says, began, None, kind.expected_s(options))
        own = min(deadline, began + step.timeout_s) if step.timeout_s else deadline
        context = Context(
            self._subject, self._frames, self._settings, self._engine, self._safety, self._cancelled, own,
            self._allow_commands,
            self._script,
        )  # fmt: skip
        found = attempt(step.id, kind, context, options)
        with self._lock:
            self._cpu_s += found.cpu_s
            self._outputs += [(step.id, output) for output in found.outputs]
        return found.evidence

    def _hindrance(self, step: Step, kind: StepKind, deadline: float) -> Evidence | None:
        """Why a kind of step is not begun."""
        if kind.safety > self._safety:
            needed = kind.safety.name.lower()
            return _skipped(step, kind.name, f"{needed} steps are off (--safety {needed})", applies=False)
        if self._frames.recorded and not isinstance(kind, FrameStep):
            return _skipped(step, kind.name, "a recording does not hold that")
        if self._cancelled.is_set():
            return _skipped(step, kind.name, "stopped before it")
        if deadline - time.monotonic() < _LEAST_S:
            return _skipped(step, kind.name, f"no time left of {self._wall_s:.0f} s (--budget)")
        return None

    def _names(self) -> dict[str, Any]:
        with self._lock:
            found = {key: each.values for key, each in self._evidence.items() if each.status is StepStatus.OK}
        return {"target": msgspec.to_builtins(self._subject), **found}

    def _tell(
        self, step: Step, kind: StepKind, state: StepStatus | None, says: str, began: float,
        duration_s: float | None, expected_s: float = 0.0,
    ) -> None:  # fmt: skip
        with contextlib.suppress(Exception):
            # Whoever listens may be on its way out; the evidence is not lost with it.
            self._on_progress(Progress(step.id, kind.name, state, says, began, expected_s, duration_s))


def _skipped(step: Step, run: str, says: str, applies: bool = True) -> Evidence:
    return Evidence(step.id, run, StepStatus.SKIPPED, says, applies=applies)


def _own_cpu_s() -> float:
    """CPU time of this process; what steps start is counted when it ends."""
    return time.process_time()
