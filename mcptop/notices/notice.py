"""One notice: an alert that began, changed or ended, as text, JSON and variables. Everything in it is safe to print."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct

from mcptop.alerts.next_step import of_alert, whose
from mcptop.alerts.transitions import Event, Transition
from mcptop.model.alert import Alert
from mcptop.model.playbook import Severity
from mcptop.units import duration, plain

_TITLE, _TEXT = 120, 400


class Notice(Struct, frozen=True, tag_field="schema", tag="mcptop.alert/1"):
    """A line of `mcptop alerts --watch --json`, and what commands and webhooks get."""

    event: Event
    at: datetime
    text: str
    """All of it in one line."""
    alert: Alert
    was: Severity | None
    """Before it changed."""
    lasted_s: float | None
    """Of one that is over."""
    run: str
    """The command that explains it, or what to do."""

    @property
    def json(self) -> bytes:
        """One line."""
        return msgspec.json.encode(self) + b"\n"

    @property
    def variables(self) -> dict[str, str]:
        """For a command. Not MCPTOP_SERVICE and MCPTOP_PROJECT: by those a process says which service it is."""
        alert = self.alert
        found = {
            "EVENT": self.event, "TEXT": self.text, "RULE": alert.rule, "SEVERITY": alert.severity, "SAYS": alert.says,
            "SERVICE": alert.service, "PROJECT": alert.project, "INSTANCE": alert.instance, "RUN": self.run,
            "SINCE": alert.since.isoformat(), "PLAYBOOK": alert.playbook, "DO": alert.do,
        }  # fmt: skip
        return {f"MCPTOP_ALERT_{name}": plain(value or "", _TEXT) for name, value in found.items()}


def notice_of(change: Transition) -> Notice:
    """What is told of a change."""
    alert = change.alert
    return Notice(change.event, change.at, _text(change), alert, change.was, change.lasted_s, of_alert(alert))


def _text(change: Transition) -> str:
    alert = change.alert
    head = f"over after {duration(change.lasted_s)}" if change.event is Event.RESOLVED else str(alert.severity)
    return plain(f"{head}: {plain(whose(alert), _TITLE)}: {alert.says}", _TEXT)
