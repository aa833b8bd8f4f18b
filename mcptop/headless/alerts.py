"""`mcptop alerts`: what is wrong now, or at a moment of a recording; worst first, as the dashboard has it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing

from msgspec import Struct
from msgspec.structs import replace
from rich.text import Text

from mcptop.alerts.next_step import beside_words, command
from mcptop.exit_status import ExitStatus
from mcptop.headless import report
from mcptop.headless.past import Past
from mcptop.headless.replay import index_of
from mcptop.headless.snapshot import ENGINE_WAIT_S, Looked, complain, look, select, status_of
from mcptop.model.alert import Alert
from mcptop.model.frame import Frame, Service
from mcptop.model.playbook import Severity
from mcptop.model.rule import RuleSet
from mcptop.model.value import Value
from mcptop.monitor import Monitor
from mcptop.playback import Playback
from mcptop.presentation import problems, rows
from mcptop.presentation.judgement import STYLES, SYMBOLS
from mcptop.presentation.problems import Trouble
from mcptop.recording.reader import Reader
from mcptop.units import duration

_COLOURS = {"warning": "yellow", "critical": "bold red"}
_WORDS = {
    ExitStatus.OK: "ok",
    ExitStatus.WARNING: "warning",
    ExitStatus.PROBLEM: "problem",
    ExitStatus.INCONCLUSIVE: "inconclusive",
}


class Wanted(Value, frozen=True):
    """Which alerts."""

    service: str | None = None
    """NAME or PROJECT/NAME; None: all, those of the machine too."""
    severity: Severity | None = None
    """At least that bad; None: all."""

    def of(self, alerts: Sequence[Alert], services: Sequence[Service]) -> tuple[Alert, ...]:
        """Those of them. `services`: the ones of that name."""
        keys = {service.key for service in services}
        return tuple(
            alert for alert in alerts
            if (self.service is None or alert.service_key in keys)
            and (self.severity is not Severity.CRITICAL or alert.severity is Severity.CRITICAL)
        )  # fmt: skip


class Told(Struct, frozen=True):
    """A problem: all alerts of one cause."""

    name: str
    severity: str
    says: str
    more: tuple[str, ...]
    since: str
    playbook: str | None
    do: str


class AlertsDocument(Struct, frozen=True, tag_field="schema", tag="mcptop.alerts/1"):
    """`mcptop alerts --json`."""

    at: str
    status: str
    """ok, warning, problem, inconclusive."""
    problems: tuple[Told, ...]
    """What fires, worst first, one a cause."""
    alerts: tuple[Alert, ...]
    """What fires, worst first; then what is pending."""


def once(
    source: Looked, interval_s: float, rules: RuleSet, wanted: Wanted, as_json: bool, over_s: float = 0.0
) -> ExitStatus:
    """Look, for `over_s` at least, and print. Raises `UnknownService`."""
    try:
        frame = look(source, interval_s, rules) if not over_s else _long_look(source, interval_s, rules, over_s)
    finally:
        source.close()
    # A broken source is an alert as well; and what cannot be seen from here is no news to who asks every minute.
    shown = wanted.of(frame.alerts, select(frame.services, wanted.service))
    complain(frame, {alert.subject.removeprefix("source:") for alert in shown}, banner=False)
    return _tell(frame, wanted, as_json, is_one_look=not over_s)


def of_past(past: Past, rules: RuleSet, wanted: Wanted, as_json: bool) -> ExitStatus:
    """Of a moment of a recording. Raises `RecordingError`, `UnknownService`."""
    with closing(Reader(past.recording)) as reader:
        frame = Playback(reader, rules).frame(index_of(reader, past.at))
    assert frame is not None
    return _tell(frame, wanted, as_json)


def exit_of(alerts: Sequence[Alert], frame: Frame | None) -> ExitStatus:
    """By the worst that fires. What is found is found; but nothing found by whoever could not look is no good news."""
    if any(alert.severity is Severity.CRITICAL for alert in alerts):
        return ExitStatus.PROBLEM
    could_look = frame is not None and status_of(frame) is ExitStatus.OK
    if not could_look and all(alert.kind is None for alert in alerts):
        return ExitStatus.INCONCLUSIVE
    return ExitStatus.WARNING if alerts else ExitStatus.OK


def _long_look(source: Looked, interval_s: float, rules: RuleSet, over_s: float) -> Frame:
    """So that what has to last for a while can."""
    monitor = Monitor(source, interval_s, rules=rules)
    source.wait_for_engine(ENGINE_WAIT_S)
    end = time.monotonic() + over_s
    while True:
        frame = monitor.step()
        left = end - time.monotonic()
        if left <= 0:
            return frame
        time.sleep(min(interval_s, left))


def _tell(frame: Frame, wanted: Wanted, as_json: bool, is_one_look: bool = False) -> ExitStatus:
    services = select(frame.services, wanted.service)
    firing, pending = wanted.of(frame.alerts, services), wanted.of(frame.pending, services)
    status = exit_of(firing, frame)
    judged = rows.of_services(frame)
    troubles = problems.of_frame(replace(frame, alerts=firing), judged)
    if as_json:
        at = frame.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        told = tuple(_told(each) for each in troubles)
        report.print_json(AlertsDocument(at, _WORDS[status], told, (*firing, *pending)))
        return status
    console = report.console()
    for trouble in troubles:
        console.print(_line(trouble, frame, ""))
    for trouble in problems.of_frame(replace(frame, alerts=pending), judged):
        console.print(_line(trouble, frame, "pending"))
    if not firing:
        more = " in one look; `--over 5m` sees what has to last" if is_one_look else ""
        more = f"; {len(pending)} pending: `--over 5m` looks for that long" if pending else more
        console.print(f"nothing fires{more}" if status is ExitStatus.OK else f"could not look{more if pending else ''}")
    return status


def _told(trouble: Trouble) -> Told:
    since = trouble.since.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    severity = trouble.level.name.lower()
    return Told(trouble.name, severity, trouble.says, trouble.more, since, trouble.playbook or None, trouble.do)


def _line(trouble: Trouble, frame: Frame, word: str) -> Text:
    colour = "dim" if word else _COLOURS[STYLES[trouble.level]]
    lasts = duration((frame.at - trouble.since).total_seconds())
    # Seen: who looks once cannot know since when.
    line = Text.assemble((f"{SYMBOLS[trouble.level]} ", colour), (f"{trouble.text}", ""))
    how = f"for at least {lasts}" if trouble.is_older else f"{'' if word else 'seen '}for {lasts}"
    line.append(f"  {word + ' ' if word else ''}{how}", "dim")
    if step := next_step(trouble.playbook, trouble):
        line.append(f"  -> {step}", "cyan" if trouble.playbook else "dim")
    return line


def next_step(playbook: str, trouble: Trouble) -> str:
    """The command that explains it, or what to do where none does."""
    if not playbook:
        return trouble.do
    service = trouble.row.service if trouble.row is not None and trouble.can_be_diagnosed else None
    whom = (None, None) if service is None else (service.project, service.name)
    return beside_words(trouble.rule, trouble.do, command(playbook, *whom))
