"""`mcptop diagnose`: one playbook on one target, or without a playbook a look at everybody."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from mcptop import __version__
from mcptop.config import Settings
from mcptop.exit_status import ExitStatus
from mcptop.headless import report, triage_report
from mcptop.headless.progress import Shown
from mcptop.headless.snapshot import ENGINE_WAIT_S
from mcptop.live import LiveSource
from mcptop.model.playbook import Severity
from mcptop.monitor import Monitor
from mcptop.playbook import bundle, shelf, triage
from mcptop.playbook.bundle import BundleError
from mcptop.playbook.diagnosis import Diagnosis, Finished, Limits
from mcptop.playbook.frames import Frames
from mcptop.playbook.subjects import Wanted
from mcptop.playbook.triage import Triage

TRIAGE_S = 15.0
_STOPPING_S = 3.0


class Reports(msgspec.Struct, frozen=True):
    """Where the result goes, beside the terminal."""

    as_json: bool = False
    markdown: Path | None = None
    html: Path | None = None
    bundle: Path | None = None


def run(settings: Settings, playbook: str, wanted: Wanted, limits: Limits, reports: Reports) -> ExitStatus:
    """Diagnose and report. Raises `UnknownPlaybook`, `PlaybookError`, `NoSubject` and `ReportError`."""
    texts = shelf.find(playbook)
    report.check_writable(reports.markdown, reports.html, reports.bundle)
    frames = Frames()
    shown = Shown(quiet=reports.as_json)
    diagnosis = Diagnosis(texts, wanted, frames, settings, limits, shown.hear)

    def diagnose() -> Finished:
        subject = diagnosis.choose()
        shown.chosen(subject)
        return diagnosis.run(subject)

    with shown, _monitored(settings, frames), diagnosis:
        shown.begin(diagnosis)
        finished = _interruptible(diagnose, diagnosis.cancel)
    wrong = [*_bundled(finished, reports.bundle), *report.write(finished.verdict, reports.markdown, reports.html)]
    return report.tell(finished.verdict, reports.as_json, wrong)


def _bundled(finished: Finished, path: Path | None) -> list[str]:
    """Write the bundle; what went wrong."""
    if path is None:
        return []
    try:
        bundle.write(path, finished.case, finished.outputs, finished.verdict)
    except BundleError as error:
        return [str(error)]
    return []


def triaged(settings: Settings, seconds: float, as_json: bool) -> ExitStatus:
    """Look at everybody for a while and say which playbook to run on whom."""
    frames = Frames()
    began = time.monotonic()
    shown = Shown(quiet=as_json)
    over = threading.Event()
    with shown, _monitored(settings, frames):
        frames.wait(1, 30.0)
        shown.waiting("looking at every service", seconds)
        _interruptible(lambda: over.wait(seconds), over.set)
    seen = frames.all()
    found = Triage(triage.problems(seen), len(frames.latest.services), round(time.monotonic() - began, 1), __version__)
    triage_report.tell(found, as_json)
    if not seen:
        return ExitStatus.INCONCLUSIVE
    worst = {problem.severity for problem in found.problems}
    return ExitStatus.PROBLEM if Severity.CRITICAL in worst else ExitStatus.WARNING if worst else ExitStatus.OK


@contextmanager
def _monitored(settings: Settings, frames: Frames) -> Iterator[None]:
    """Fill `frames` inside the block. Endpoints are read every second: a diagnosis is short."""
    source = LiveSource(msgspec.structs.replace(settings, scrape_interval=1.0))
    monitor = Monitor(source, min(1.0, settings.interval))
    source.wait_for_engine(ENGINE_WAIT_S)
    monitor.start(frames.add)
    try:
        yield
    finally:
        monitor.stop()


def _interruptible(work: Callable[[], Any], cancel: Callable[[], None]) -> Any:
    """Do the work on a thread; the first Ctrl+C or SIGTERM asks it to come back with what it has, a second ends us."""
    outcome: list[Any] = []
    problem: list[BaseException] = []
    done = threading.Event()

    def do() -> None:
        try:
            outcome.append(work())
        except BaseException as error:
            problem.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=do, name="mcptop-diagnosis", daemon=True)

    def interrupted(number: int, frame: object) -> None:
        cancel()
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.default_int_handler)
        print("mcptop: coming back with what is known so far; once more to stop at once", file=sys.stderr)

    before = {each: signal.signal(each, interrupted) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        thread.start()
        # Not `join`: interrupted, it takes the thread for ended (bpo-45274).
        while not done.wait(0.2):
            pass
    finally:
        # Programs that still run are being stopped: what they leave behind is cleared away by whoever runs them.
        done.wait(_STOPPING_S)
        for each, handler in before.items():
            signal.signal(each, handler)
    if problem:
        raise problem[0]
    return outcome[0]
