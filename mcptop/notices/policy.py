"""Which changes are told: bad enough, not again and again, and an end only of what was told. Pure."""

from __future__ import annotations

from mcptop.alerts.transitions import Event, Transition
from mcptop.model.playbook import Severity

_MOST_KNOWN = 10_000


class Policy:
    """What was told until now."""

    def __init__(self, least: Severity, resolved: bool, pause_s: float) -> None:
        """`pause_s`: so long the same alert is not told again, unless it is worse."""
        self._least = least
        self._resolved = resolved
        self._pause_s = pause_s
        self._told: dict[tuple[str, str], tuple[float, Severity]] = {}
        """When, and how bad."""
        self._open: set[tuple[str, str]] = set()
        """Told, and not over yet."""

    def wants(self, change: Transition, now: float) -> bool:
        """Whether this is told, at a clock that nobody sets."""
        alert = change.alert
        key = alert.rule, alert.subject
        if change.event is Event.RESOLVED:
            was_told = key in self._open
            self._open.discard(key)
            return was_told and self._resolved
        if self._least is Severity.CRITICAL and alert.severity is not Severity.CRITICAL:
            return False
        if change.event is Event.CHANGED and alert.severity is not Severity.CRITICAL:
            return False  # it got better
        known = self._told.get(key)
        if known is not None and now - known[0] < self._pause_s and not _is_worse(alert.severity, known[1]):
            return False
        if len(self._told) >= _MOST_KNOWN:
            del self._told[next(iter(self._told))]
        self._told[key] = now, alert.severity
        self._open.add(key)
        return True


def _is_worse(one: Severity, other: Severity) -> bool:
    return one is Severity.CRITICAL and other is not Severity.CRITICAL
