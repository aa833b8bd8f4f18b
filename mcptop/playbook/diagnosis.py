"""One diagnosis from its beginning to its end: whom, collect, take the secrets out, judge.

For the command line and for the dashboard: both bring frames of a monitor, and hear how far it is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from mcptop import __version__
from mcptop.config import Settings
from mcptop.model.diagnosis import Subject, Verdict
from mcptop.model.playbook import Safety
from mcptop.model.swarm import is_task
from mcptop.model.value import Value
from mcptop.playbook import lint, subjects
from mcptop.playbook.case import Case, case_of, verdict_of
from mcptop.playbook.frames import Frames
from mcptop.playbook.load import PlaybookError
from mcptop.playbook.redact import Redactor
from mcptop.playbook.runner import Progress, Runner
from mcptop.playbook.script import Script, profilers
from mcptop.playbook.shelf import Origin, Texts
from mcptop.playbook.steps.base import Output
from mcptop.playbook.subjects import CouldNotLook, NoSubject, Wanted
from mcptop.sources import docker_hosts
from mcptop.sources.procfs import Roots

FRAMES_BEFORE_ANYBODY = 15
"""Of a whole stack the one that grows most shows after some seconds only."""
FRAMES_BEFORE = 3
"""So many frames there have to be before anybody is chosen: rates need two."""
_CHOSEN_BY = 20
_FRAMES_WAIT_S = 30.0
_LOOK_S = 0.2
"""So often it is seen meanwhile that nobody wants it any more."""


class Limits(Value, frozen=True):
    """What a diagnosis may take and do. None: as the playbook says."""

    wall_s: float | None = None
    safety: Safety | None = None
    allow_commands: bool = False
    script: str | None = None
    """A script to be the target: it is started, watched, and run once more under profilers."""


class Finished(Value, frozen=True):
    """All that came of it."""

    case: Case
    verdict: Verdict
    outputs: tuple[tuple[str, Output], ...]
    """Step and raw output, without secrets."""


class Diagnosis:
    """Made on any thread, run on one, cancelled from any. A `with` block ends whatever it started."""

    def __init__(
        self,
        texts: Texts,
        wanted: Wanted,
        frames: Frames,
        settings: Settings,
        limits: Limits,
        on_progress: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        """Raises `PlaybookError` with every mistake of the playbook."""
        is_shipped = texts.entry.origin is Origin.SHIPPED
        found = lint.mistakes(texts.text, texts.file, texts.library, is_shipped=is_shipped)
        if found:
            raise PlaybookError(found)
        self._texts = texts
        self.playbook = texts.playbook()
        self._wanted = wanted
        self._frames = frames
        self._settings = settings
        self._limits = limits
        self._on_progress = on_progress
        self._cancelled = threading.Event()
        self._runner: Runner | None = None
        self._script: Script | None = None

    def __enter__(self) -> Diagnosis:
        return self

    def __exit__(self, *about: object) -> None:
        """Nothing that was started for it goes on."""
        self.cancel()
        if self._script is not None:
            self._script.stop()

    def choose(self) -> Subject:
        """Whom it is about. Raises `NoSubject`."""
        deadline = time.monotonic() + _FRAMES_WAIT_S
        anybody = not self._wanted.is_named and self._limits.script is None
        before = FRAMES_BEFORE_ANYBODY if anybody else FRAMES_BEFORE
        while not (self._frames.wait(before, _LOOK_S) or self._frames.recorded) and time.monotonic() < deadline:
            if self._cancelled.is_set():
                raise CouldNotLook("stopped before anybody was chosen")
        frames = self._frames.all()[-_CHOSEN_BY:]
        if not frames:
            raise CouldNotLook("the monitor sees nothing: `mcptop doctor` says why")
        roots = Roots(self._settings.path_procfs, self._settings.path_sysfs)
        if self._limits.script is not None:
            subject = self._started(self._limits.script, frames[-1].host.cpus if frames[-1].host else 1, roots)
        else:
            about, own = self.playbook, None if self._frames.recorded else roots
            subject = subjects.choose(frames, self._wanted, about.name, about.focus, own, about.applies_to)
        if is_task(subject.container or ""):
            raise NoSubject(f"{subject.name} is on a node that mcptop does not sample: run mcptop there, or name that "
                            "node's engine with --host too")  # fmt: skip
        if subject.kind not in self.playbook.applies_to:
            allowed = " or ".join(self.playbook.applies_to)
            raise NoSubject(f"{subject.service} is a {subject.kind}; playbook {self.playbook.name} is for: {allowed}")
        return subject

    def _started(self, path: str, cpus: int, roots: Roots) -> Subject:
        """The script as the target, and the steps that profile it among the playbook's."""
        steps = (*self.playbook.steps, *profilers(self.playbook.focus, path))
        self.playbook = msgspec.structs.replace(self.playbook, steps=steps)
        self._script = Script(path)
        return subjects.alone(self._script.pid, Path(path).name, cpus, roots)

    def run(self, subject: Subject) -> Finished:
        """Collect and judge. Raises `ExpressionError` for a rule that fails on what was found."""
        self._runner = Runner(
            self.playbook,
            subject,
            self._frames,
            self._settings,
            lambda: docker_hosts.connect(self._settings.engines, subject.container or ""),
            wall_s=self._limits.wall_s,
            safety=self._limits.safety,
            allow_commands=self._limits.allow_commands,
            script=self._limits.script,
            on_progress=self._on_progress,
            version=__version__,
        )
        if self._cancelled.is_set():
            self._runner.cancel()
        collected = self._runner.run()
        redactor = Redactor()
        evidence = tuple(redactor.evidence(each) for each in collected.evidence)
        outputs = tuple((step, redactor.output(output)) for step, output in collected.outputs)
        case = case_of(self._texts.text, self._texts.file, self._texts.library, subject, evidence, collected.run)
        return Finished(case, verdict_of(case), outputs)

    @property
    def expected_s(self) -> float:
        """About how long it takes, once it runs."""
        return self._runner.expected_s if self._runner is not None else self.playbook.budget.wall_s

    def cancel(self) -> None:
        """Come back with what is known so far."""
        self._cancelled.set()
        if self._runner is not None:
            self._runner.cancel()
