"""The diagnoses of this session: one at a time, on a thread of its own; the reports of those that ended are kept.

No widget: it hears every frame of the monitor, and says by messages how far a diagnosis is.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from textual.message import Message

from mcptop.config import Settings
from mcptop.model.diagnosis import Subject
from mcptop.model.frame import Frame
from mcptop.model.value import Value
from mcptop.playbook.frames import Frames
from mcptop.ui.messages import DiagnosisEnded, DiagnosisProgressed, Stage
from mcptop.units import plain

if TYPE_CHECKING:
    from mcptop.playbook.diagnosis import Finished, Limits
    from mcptop.playbook.load import Outline
    from mcptop.playbook.runner import Progress
    from mcptop.playbook.shelf import Entry, Texts
    from mcptop.playbook.subjects import Wanted

RECENT = 20
"""So many frames are at hand when a diagnosis starts."""
_KEPT = 20
_JOIN_S = 5.0


class DiagnosisLike(Protocol):
    """What a job runs; in real life `mcptop.playbook.diagnosis.Diagnosis`."""

    def choose(self) -> Subject:
        """Whom it is about."""

    def run(self, subject: Subject) -> Finished:
        """Collect and judge."""

    @property
    def expected_s(self) -> float:
        """About how long it takes."""

    def cancel(self) -> None:
        """Come back with what is known so far; from any thread."""


Make = Callable[["Texts", "Wanted", Frames, Settings, "Limits", "Callable[[Progress], None]"], DiagnosisLike]


class Asked(Value, frozen=True):
    """What to diagnose, and with what."""

    entry: Entry
    outline: Outline
    service: str
    """Its name, safe to print."""
    row: str
    """Key of the row it was asked for."""
    wanted: Wanted


class Job:
    """One diagnosis: `start` once, `cancel` from any thread. Its thread posts, and touches nothing else."""

    def __init__(
        self,
        asked: Asked,
        frames: Frames,
        settings: Settings,
        make: Make,
        post: Callable[[Message], object],
        clock: Callable[[], float],
    ) -> None:
        self.asked = asked
        self._frames = frames
        self._settings = settings
        self._make = make
        self._post = post
        self._clock = clock
        self._cancelled = threading.Event()
        self._diagnosis: DiagnosisLike | None = None
        self._telling = threading.Lock()
        self._stage = Stage()
        self._thread = threading.Thread(target=self._run, name="mcptop-diagnosis", daemon=True)

    @property
    def says(self) -> str:
        """What it is, in a few words."""
        return f"{self.asked.entry.name} on {self.asked.service}"

    @property
    def alive(self) -> bool:
        """Whether its thread is still there."""
        return self._thread.is_alive()

    @property
    def cancelled(self) -> bool:
        """Whether it was asked to come back early."""
        return self._cancelled.is_set()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def cancel(self) -> None:
        """Come back with what is known so far."""
        self._cancelled.set()
        if self._diagnosis is not None:
            self._diagnosis.cancel()

    def join(self) -> None:
        """Wait for its end, for some seconds at most."""
        self._thread.join(_JOIN_S)

    def _run(self) -> None:
        try:
            ended = DiagnosisEnded(self, self._diagnose(), "")
        except Exception as problem:  # mistakes of a playbook, nobody to diagnose, or a defect: the dashboard goes on
            ended = DiagnosisEnded(self, None, plain(_explained(problem), 400))
        self._post(ended)

    def _diagnose(self) -> Finished:
        from mcptop.playbook import shelf
        from mcptop.playbook.diagnosis import Limits

        texts = shelf.texts(self.asked.entry)
        self._diagnosis = self._make(texts, self.asked.wanted, self._frames, self._settings, Limits(), self._hear)
        if self.cancelled:
            self._diagnosis.cancel()
        subject = self._diagnosis.choose()
        self._tell(Stage(subject, self._clock(), self._diagnosis.expected_s))
        return self._diagnosis.run(subject)

    def _hear(self, progress: Progress) -> None:
        """From the threads of the steps."""
        with self._telling:
            known = {each.step: each for each in self._stage.steps} | {progress.step: progress}
            expected_s = self._diagnosis.expected_s if self._diagnosis is not None else 0.0
            self._tell(Stage(self._stage.subject, self._stage.began, expected_s, tuple(known.values())))

    def _tell(self, stage: Stage) -> None:
        self._stage = stage
        self._post(DiagnosisProgressed(self, stage))


class Diagnoses:
    """Belongs to the app. `hear` is called on the monitor's thread, everything else on the app's."""

    def __init__(
        self,
        settings: Settings,
        post: Callable[[Message], object],
        make: Make | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._post = post
        self._make = make or _real
        self._recent: deque[Frame] = deque(maxlen=RECENT)
        self._heard_by: Frames | None = None
        self._hearing = threading.Lock()
        self._job: Job | None = None
        self.reports: deque[Finished] = deque(maxlen=_KEPT)
        """What came out, the newest last."""

    def hear(self, frame: Frame) -> None:
        """A tick is complete. Every frame is heard, also those that are never drawn."""
        with self._hearing:
            self._recent.append(frame)
            if self._heard_by is not None:
                self._heard_by.add(frame)

    def recent(self) -> Sequence[Frame]:
        """The newest frames, oldest first."""
        with self._hearing:
            return tuple(self._recent)

    @property
    def running(self) -> Job | None:
        """The one whose thread is still there."""
        return self._job if self._job is not None and self._job.alive else None

    def start(self, asked: Asked) -> Job:
        """Begin one; only while none runs."""
        frames = Frames()
        with self._hearing:
            for frame in self._recent:
                frames.add(frame)
            self._heard_by = frames
        self._job = Job(asked, frames, self._settings, self._make, self._post, self._clock)
        self._job.start()
        return self._job

    def ended(self, job: Job, finished: Finished | None) -> None:
        """Keep what came of it; it needs no more frames."""
        if finished is not None:
            self.reports.append(finished)
        with self._hearing:
            if job is self._job:
                self._heard_by = None

    def stop(self) -> None:
        """Nothing is left running."""
        if self._job is not None:
            self._job.cancel()
            self._job.join()


def _real(
    texts: Texts, wanted: Wanted, frames: Frames, settings: Settings, limits: Limits, hear: Callable[[Progress], None]
) -> DiagnosisLike:
    from mcptop.playbook.diagnosis import Diagnosis

    return Diagnosis(texts, wanted, frames, settings, limits, hear)


def _explained(problem: Exception) -> str:
    from mcptop.playbook.expressions import ExpressionError
    from mcptop.playbook.load import PlaybookError
    from mcptop.playbook.shelf import UnknownPlaybook
    from mcptop.playbook.subjects import NoSubject

    if isinstance(problem, ExpressionError | PlaybookError | UnknownPlaybook | NoSubject):
        return str(problem)
    return f"defect in mcptop: {type(problem).__name__}: {problem}"
