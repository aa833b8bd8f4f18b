"""`mcptop alerts --watch`: a line each time an alert begins, gets worse or better, or ends; until stopped."""

from __future__ import annotations

import signal
import sys

from mcptop.alerts.next_step import in_words, whose
from mcptop.alerts.transitions import Event, Transition, Transitions
from mcptop.exit_status import ExitStatus
from mcptop.headless.alerts import Wanted, exit_of
from mcptop.headless.interrupt import stops
from mcptop.headless.pipe import write
from mcptop.headless.snapshot import ENGINE_WAIT_S, Looked, complain, select
from mcptop.model.frame import Frame, Service
from mcptop.model.playbook import Severity
from mcptop.model.rule import RuleSet
from mcptop.monitor import Monitor
from mcptop.notices.notice import notice_of
from mcptop.notices.office import Office
from mcptop.units import duration

_SYMBOLS = {Severity.CRITICAL: "✖", Severity.WARNING: "▲"}


class _Watching:
    """What was printed until now."""

    def __init__(self, wanted: Wanted, as_json: bool, office: Office | None) -> None:
        self._wanted = wanted
        self._as_json = as_json
        self._office = office
        self._transitions = Transitions()
        self.last: Frame | None = None

    def see(self, frame: Frame) -> None:
        """The first frame has no rates yet; the second follows at once."""
        if frame.number == 1:
            return
        if self.last is None:
            complain(frame)
            services = select(frame.services, self._wanted.service)
        else:
            services = self._present(frame)
        self.last = frame
        for change in self._transitions.see(self._wanted.of(frame.alerts, services), frame.at):
            if self._office is not None:
                self._office.tell(change)
            write(_as_json(change) if self._as_json else _line(change))
        if self._office is None:
            return
        self._office.catch_up(self._transitions.standing, frame.at)
        for complaint in self._office.complaints():
            print(f"mcptop: {complaint}", file=sys.stderr)

    def _present(self, frame: Frame) -> tuple[Service, ...]:
        """A watched service may go and come back."""
        wanted = self._wanted.service
        return tuple(s for s in frame.services if wanted in (None, s.name, f"{s.project}/{s.name}"))

    @property
    def status(self) -> ExitStatus:
        """By the worst that stands."""
        return exit_of(self._transitions.standing, self.last)


def watch(
    source: Looked, interval_s: float, rules: RuleSet, wanted: Wanted, as_json: bool, office: Office | None = None
) -> ExitStatus:
    """Until a signal comes or the reader goes. Raises `UnknownService`."""
    monitor = Monitor(source, interval_s, rules=rules)
    for number in stops():
        signal.signal(number, lambda *_: monitor.stop_soon())
    watching = _Watching(wanted, as_json, office)
    source.wait_for_engine(ENGINE_WAIT_S)
    try:
        monitor.run(watching.see)
    finally:
        monitor.stop()
        if office is not None:
            for complaint in office.close():
                print(f"mcptop: {complaint}", file=sys.stderr)
    return watching.status


def _as_json(change: Transition) -> bytes:
    return notice_of(change).json


def _line(change: Transition) -> str:
    alert = change.alert
    at = change.at.astimezone()
    head = f"{at:%H:%M:%S} {_SYMBOLS[alert.severity]} {alert.severity}"
    if change.event is Event.RESOLVED:
        return f"{at:%H:%M:%S} ● over after {duration(change.lasted_s)}: {whose(alert)}: {alert.says}\n"
    was = f" (was {change.was})" if change.was is not None else ""
    step = in_words(alert)
    return f"{head}{was}: {whose(alert)}: {alert.says}{f'  -> {step}' if step else ''}\n"
