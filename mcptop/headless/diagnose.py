"""`mcptop diagnose`: one playbook on one target, or without a playbook a look at everybody."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from mcptop import __version__
from mcptop.alerts.rules import SHIPPED
from mcptop.config import Settings
from mcptop.exit_status import ExitStatus
from mcptop.headless import report, triage_report
from mcptop.headless.interrupt import interruptible
from mcptop.headless.past import DIAGNOSED_S, Past
from mcptop.headless.progress import Shown
from mcptop.headless.snapshot import ENGINE_WAIT_S, complain, status_of
from mcptop.live import LiveSource
from mcptop.model.frame import Frame
from mcptop.model.playbook import Severity
from mcptop.model.rule import RuleSet
from mcptop.monitor import Monitor
from mcptop.playbook import bundle, shelf, triage
from mcptop.playbook.bundle import BundleError
from mcptop.playbook.diagnosis import Diagnosis, Finished, Limits
from mcptop.playbook.frames import Frames
from mcptop.playbook.subjects import NoSubject, Wanted
from mcptop.playbook.triage import Triage

TRIAGE_S = 15.0
_FIRST_FRAME_S = 30.0
_TRIAGED_S = 60.0
"""Of a recording so much is looked at."""
_LOOK_S = 0.2
"""So often it is seen meanwhile that somebody wants an end."""


class Reports(msgspec.Struct, frozen=True):
    """Where the result goes, beside the terminal."""

    as_json: bool = False
    markdown: Path | None = None
    html: Path | None = None
    bundle: Path | None = None


def run(
    settings: Settings, playbook: str, wanted: Wanted, limits: Limits, reports: Reports, past: Past | None = None
) -> ExitStatus:
    """Diagnose and report; of the `past` what a recording holds.

    Raises `UnknownPlaybook`, `PlaybookError`, `NoSubject`, `ReportError` and `RecordingError`.
    """
    texts = shelf.find(playbook)
    report.check_writable(reports.markdown, reports.html, reports.bundle)
    frames, over = Frames(recorded=past is not None), threading.Event()
    shown = Shown(quiet=reports.as_json)
    diagnosis = Diagnosis(texts, wanted, frames, settings, limits, shown.hear)

    def stop() -> None:
        over.set()
        diagnosis.cancel()

    def diagnose() -> Finished:
        begin()
        shown.begin(diagnosis)
        subject = diagnosis.choose()
        shown.chosen(subject)
        return diagnosis.run(subject)

    is_named = wanted.is_named or limits.script is not None
    watched = past.replayed(DIAGNOSED_S, frames, over) if past else _monitored(settings, frames, over)
    with _complaining(frames, always=not is_named), shown, watched as begin, diagnosis:
        finished = interruptible(diagnose, stop)
    wrong = [*_bundled(finished, reports.bundle), *report.write(finished.verdict, reports.markdown, reports.html)]
    return report.tell(finished.verdict, reports.as_json, wrong)


@contextmanager
def _complaining(frames: Frames, always: bool) -> Iterator[None]:
    """Name the sources that are broken when nobody was found, or `always`: somebody they hide may have been meant.

    What a named target's steps could not see stands in its evidence.
    """
    try:
        yield
    except NoSubject:
        complain(frames.latest)
        raise
    if always:
        complain(frames.latest)


def _bundled(finished: Finished, path: Path | None) -> list[str]:
    """Write the bundle; what went wrong."""
    if path is None:
        return []
    try:
        bundle.write(path, finished.case, finished.outputs, finished.verdict)
    except BundleError as error:
        return [str(error)]
    return []


def triaged(
    settings: Settings, seconds: float, as_json: bool, past: Past | None = None, rules: RuleSet = SHIPPED
) -> ExitStatus:
    """Look at everybody for a while, or at what was recorded, and say which playbook to run on whom."""
    frames, over = Frames(recorded=past is not None), threading.Event()
    began = time.monotonic()
    shown = Shown(quiet=as_json)

    def look() -> None:
        begin()
        if past is not None:
            return
        deadline = time.monotonic() + _FIRST_FRAME_S
        while not (over.is_set() or frames.wait(1, _LOOK_S)) and time.monotonic() < deadline:
            pass
        shown.waiting("looking at every service", seconds)
        over.wait(seconds)

    watched = past.replayed(_TRIAGED_S, frames, over, rules) if past else _monitored(settings, frames, over, rules)
    with shown, watched as begin:
        interruptible(look, over.set)
    seen, took = frames.all(), round(time.monotonic() - began, 1)
    services = len(seen[-1].services) if seen else 0
    found = triage.problems(seen)
    if past is not None and seen:
        took = round((seen[-1].at - seen[0].at).total_seconds(), 1)
        found = tuple(msgspec.structs.replace(each, run=f"{each.run} {past.flags}") for each in found)
    doubt = _doubt(seen, was_stopped=over.is_set())
    if seen:
        complain(seen[-1])
    else:
        print(f"mcptop: {doubt}", file=sys.stderr)
    triage_report.tell(Triage(found, services, took, __version__, doubt), as_json)
    worst = {problem.severity for problem in found}
    if worst:
        return ExitStatus.PROBLEM if Severity.CRITICAL in worst else ExitStatus.WARNING
    return ExitStatus.INCONCLUSIVE if doubt else ExitStatus.OK


def _doubt(seen: Sequence[Frame], was_stopped: bool) -> str | None:
    """Why it is no good sign that nobody shows a symptom."""
    if was_stopped:
        return "stopped before its time was over"
    if not seen:
        return "the monitor sees nothing: `mcptop doctor` says why"
    if status_of(seen[-1]) is not ExitStatus.OK or not seen[-1].services:
        return "what runs here could not be read: `mcptop doctor` says why"
    return None


@contextmanager
def _monitored(
    settings: Settings, frames: Frames, over: threading.Event, rules: RuleSet = SHIPPED
) -> Iterator[Callable[[], None]]:
    """What begins to fill `frames`, once the engine has answered or it is `over`; the end of the block ends that.

    Endpoints are read every second: a diagnosis is short.
    """
    source = LiveSource(msgspec.structs.replace(settings, scrape_interval=1.0))
    monitor = Monitor(source, min(1.0, settings.interval), rules=rules)

    def begin() -> None:
        # Waited for on a thread of its own: it is of no use any more when it is over.
        engine = threading.Thread(target=source.wait_for_engine, args=(ENGINE_WAIT_S,), daemon=True)
        engine.start()
        while engine.is_alive() and not over.is_set():
            engine.join(_LOOK_S)
        if not over.is_set():
            monitor.start(frames.add)

    try:
        yield begin
    finally:
        monitor.stop()
