"""A finding that stands: since when, how long already, whether it fires; and the alert that says so."""

from __future__ import annotations

from datetime import datetime

from mcptop.alerts.finding import Finding
from mcptop.model.alert import Alert, State
from mcptop.model.frame import Service
from mcptop.model.playbook import Severity
from mcptop.model.value import Kind

CRITICAL, WARNING = Severity.CRITICAL, Severity.WARNING


class Standing:
    """One rule that holds for one subject, from the first frame of it to the last."""

    __slots__ = ("_bad_at", "_began", "_bites", "_critical_at", "_fires", "alert", "rule", "seen_at", "service")

    def __init__(self, finding: Finding, service: Service | None, at: datetime, now: float) -> None:
        """`at` is the time of the frame, `now` that of a clock which nobody sets."""
        self.rule = finding.rule
        self.service = service
        self.seen_at = self._began = self._bad_at = now
        self._critical_at: float | None = None
        """Since when it is critical; None while it is not."""
        self._fires = self._bites = False
        """Whether it has fired, and as critical: from then on it does until it ends."""
        self.alert = _alert(finding, service, at, *self._settle(finding, now))

    def see(self, finding: Finding, service: Service | None, now: float) -> bool:
        """It holds in this frame too. Whether that is news."""
        self.seen_at, self.service, before = now, service, self.alert
        state, severity = self._settle(finding, now)
        if state is before.state and severity is before.severity and _says_the_same(finding, before):
            return False
        self.alert = _alert(finding, service, before.since, state, severity, before.peer)
        return True

    def _settle(self, finding: Finding, now: float) -> tuple[State, Severity]:
        rule = finding.rule
        if finding.severity is CRITICAL:
            self._bad_at = now
            if self._critical_at is None:
                self._critical_at = now
        elif now - self._bad_at > rule.keep_s:
            self._critical_at, self._bites = None, False
        critical_at = self._critical_at
        if critical_at is not None:
            # What is critical no more stays so for a while, but does not become so.
            is_long = finding.severity is CRITICAL and now - critical_at >= finding.wait_s(CRITICAL)
            self._bites = self._bites or is_long
            if self._bites:
                self._fires = True
                return State.FIRING, CRITICAL
        is_warning = critical_at is None or rule.has_warning
        self._fires = self._fires or (is_warning and now - self._began >= finding.wait_s(WARNING))
        if self._fires:
            return State.FIRING, WARNING
        return State.PENDING, WARNING if critical_at is None else CRITICAL


def _says_the_same(finding: Finding, alert: Alert) -> bool:
    return (finding.says, finding.value, finding.left_s) == (alert.says, alert.value, alert.left_s)


def _alert(
    finding: Finding,
    service: Service | None,
    since: datetime,
    state: State,
    severity: Severity,
    peer: str | None = None,
) -> Alert:  # fmt: skip
    """`peer`: whom it waited for until now. Who that is may be concluded from some looks only."""
    rule = finding.rule
    is_server = service is not None and service.kind is Kind.SERVER
    return Alert(
        rule=rule.id,
        service=finding.server if service is None else service.name,
        severity=severity,
        since=since,
        says=finding.says,
        state=state,
        value=finding.value,
        threshold=finding.threshold,
        unit=rule.unit,
        # Who is only asked cannot be looked into; its clients can.
        playbook=None if is_server else rule.playbook,
        project=None if service is None else service.project,
        kind=None if service is None else service.kind,
        instance=finding.instance,
        cause=finding.cause or rule.cause,
        peer=finding.peer or peer,
        left_s=finding.left_s,
        subject=finding.subject,
        for_s=finding.wait_s(severity),
        do=rule.do,
    )
