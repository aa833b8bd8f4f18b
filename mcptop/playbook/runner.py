"""Runs a playbook's steps within their time and hands over evidence; judges nothing.

Steps that watch run beside the others for the whole time. Every step ends in a status, whatever happens in it.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import msgspec

from mcptop.config import Settings
from mcptop.model.diagnosis import Cost, Evidence, Run, StepStatus, Subject
from mcptop.model.playbook import Playbook, Safety, Step
from mcptop.model.value import Value
from mcptop.playbook import expressions
from mcptop.playbook.expressions import ExpressionError, Unknown
from mcptop.playbook.frames import Frames
from mcptop.playbook.steps.base import Context, Output, Raw, StepFailure, StepKind, now, options_of
from mcptop.playbook.steps.catalogue import KINDS
from mcptop.sources.command import NICE
from mcptop.sources.docker_engine import DockerEngine
from mcptop.units import plain

_LEAST_S = 1.0
"""A step that has less time than this is not begun."""
_GRACE_S = 2.0


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


class _Got(NamedTuple):
    """What one step gave."""

    status: StepStatus
    says: str
    raw: Raw = ()
    values: dict[str, Any] = {}  # noqa: RUF012 - replaced, never changed
    applies: bool = True


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
            expected = kind.expected_s(self._options(kind, step))
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
        with ThreadPoolExecutor(max(1, len(beside)), thread_name_prefix="mcptop-step") as pool:
            watching: list[Future[None]] = [pool.submit(self._step, step, deadline) for step in beside]
            for step in self._playbook.steps:
                if step not in beside:
                    self._step(step, deadline)
            for each in watching:
                each.result()
        order = [self._evidence[step.id] for step in self._playbook.steps]
        run = Run(
            started_at=started_at,
            duration_s=round(time.monotonic() - began, 3),
            cost=Cost(cpu_s=round(_own_cpu_s() - cpu + self._cpu_s, 3), target_paused_s=0.0),
            cancelled=self._cancelled.is_set(),
            version=self._version,
        )
        return Collected(tuple(order), tuple(self._outputs), run)

    def _step(self, step: Step, deadline: float) -> None:
        with contextlib.suppress(OSError):
            # Of this thread alone: on a busy machine the target goes first.
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
        began = time.monotonic()
        kind = KINDS[step.run]
        evidence = self._attempt(step, kind, began, deadline)
        if (
            evidence.status is not StepStatus.OK
            and evidence.applies
            and step.otherwise
            and not self._cancelled.is_set()
        ):
            instead = self._attempt(step, KINDS[step.otherwise], began, deadline)
            says = f"{step.run}: {evidence.message}; instead {step.otherwise}: {instead.message}"
            evidence = msgspec.structs.replace(instead, message=says)
        with self._lock:
            self._evidence[step.id] = evidence
        self._tell(step, kind, evidence.status, evidence.message, began, evidence.duration_s)

    def _attempt(self, step: Step, kind: StepKind, began: float, deadline: float) -> Evidence:
        options = self._options(kind, step)
        reason = self._hindrance(step, kind, deadline)
        if reason is not None:
            says, applies = reason
            return Evidence(step.id, kind.name, StepStatus.SKIPPED, says, applies=applies)
        expected = kind.expected_s(options)
        self._tell(step, kind, None, kind.says, began, None, expected)
        own = min(deadline, began + step.timeout_s) if step.timeout_s else deadline
        context = Context(
            self._subject, self._frames, self._settings, self._engine, self._safety, self._cancelled, own,
            self._allow_commands,
            self._script,
        )  # fmt: skip
        start = time.monotonic()
        got = self._got(kind, context, options)
        with self._lock:
            self._cpu_s += context.cpu_s
            self._outputs += [(step.id, output) for output in got.raw]
        return Evidence(
            step=step.id,
            run=kind.name,
            status=got.status,
            message=got.says,
            values=got.values,
            provenance=tuple(output.provenance for output in got.raw),
            duration_s=round(time.monotonic() - start, 3),
            applies=got.applies,
        )

    def _got(self, kind: StepKind, context: Context, options: Any) -> _Got:
        """Collect and read; whatever goes wrong in that is a status with a sentence."""
        try:
            raw = kind.collect(context, options)
            values = kind.read(raw, options, self._subject)
            return _Got(StepStatus.OK, kind.summary(values), raw, values)
        except StepFailure as failure:
            return _Got(failure.status, failure.says, applies=failure.applies)
        except FileNotFoundError as error:
            if os.path.exists(f"{self._settings.path_procfs}/{self._subject.pid}"):
                return _Got(StepStatus.NO_DATA, plain(str(error)))
            return _Got(StepStatus.TARGET_GONE, "the target has ended")
        except ProcessLookupError:
            return _Got(StepStatus.TARGET_GONE, "the target has ended")
        except PermissionError as error:
            return _Got(StepStatus.PERMISSION_DENIED, f"{error.filename or kind.name}: not allowed; run as root")
        except Exception as error:
            # A defect in one step must not lose the others' evidence; it is in the report, where it will be seen.
            return _Got(StepStatus.PARSE_ERROR, plain(f"defect in mcptop: {type(error).__name__}: {error}"))

    def _hindrance(self, step: Step, kind: StepKind, deadline: float) -> tuple[str, bool] | None:
        """Why a step is not begun, and whether its evidence is missed."""
        if step.when is not None:
            try:
                if not expressions.holds(step.when, self._names()):
                    return f"not for this target ({step.when})", False
            except Unknown as missing:
                return f"{missing} is unknown", True
            except ExpressionError as error:
                return str(error), True
        if kind.safety > self._safety:
            needed = kind.safety.name.lower()
            return f"{needed} steps are off (--safety {needed})", False
        if self._cancelled.is_set():
            return "stopped before it", True
        if deadline - time.monotonic() < _LEAST_S:
            return f"no time left of {self._wall_s:.0f} s (--budget)", True
        return None

    def _names(self) -> dict[str, Any]:
        with self._lock:
            found = {key: each.values for key, each in self._evidence.items() if each.status is StepStatus.OK}
        return {"target": msgspec.to_builtins(self._subject), **found}

    def _options(self, kind: StepKind, step: Step) -> Any:
        return options_of(kind, step.options)

    def _tell(
        self, step: Step, kind: StepKind, state: StepStatus | None, says: str, began: float,
        duration_s: float | None, expected_s: float = 0.0,
    ) -> None:  # fmt: skip
        self._on_progress(Progress(step.id, kind.name, state, says, began, expected_s, duration_s))


def _own_cpu_s() -> float:
    """CPU time of this process; what steps start is counted when it ends."""
    return time.process_time()
