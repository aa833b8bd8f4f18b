"""Alerts frame by frame to what changed of them: one began to fire, got worse or better, ended. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from mcptop.model.alert import Alert
from mcptop.model.playbook import Severity
from mcptop.model.value import Value


class Event(StrEnum):
    """What happened to an alert."""

    FIRING = "firing"
    """It began to fire."""
    CHANGED = "changed"
    """It is as bad as another."""
    RESOLVED = "resolved"
    """It is over."""


class Transition(Value, frozen=True):
    """One change of one alert."""

    event: Event
    at: datetime
    """Time of the frame that shows it."""
    alert: Alert
    """As it is; of one that is over, as it was last."""
    was: Severity | None = None
    """Before it changed."""
    lasted_s: float | None = None
    """Of one that is over: from when it began to hold."""


class Transitions:
    """What fired at the frame before."""

    def __init__(self) -> None:
        self._alerts: Sequence[Alert] = ()
        self._by_key: dict[tuple[str, str], Alert] = {}

    @property
    def standing(self) -> list[Alert]:
        """What fires."""
        return list(self._by_key.values())

    def see(self, alerts: Sequence[Alert], at: datetime) -> list[Transition]:
        """What is news in these; the worst first, the ends last."""
        if alerts is self._alerts:
            return []
        before, now = self._by_key, {(alert.rule, alert.subject): alert for alert in alerts}
        self._alerts, self._by_key = alerts, now
        found = []
        for key, alert in now.items():
            known = before.get(key)
            if known is None:
                found.append(Transition(Event.FIRING, at, alert))
            elif known.severity is not alert.severity:
                found.append(Transition(Event.CHANGED, at, alert, known.severity))
        for key, alert in before.items():
            if key not in now:
                lasted_s = max(0.0, (at - alert.since).total_seconds())
                found.append(Transition(Event.RESOLVED, at, alert, None, lasted_s))
        return found
