"""Which changes are told: bad enough, not again and again, and an end only of what was told. Pure.

What begins again within its pause is held back, and told when that is over if it still fires then: else whoever heard
that it is over would believe so for as long as it stands.
"""

from __future__ import annotations

from mcptop.alerts.transitions import Event, Transition
from mcptop.model.playbook import Severity

_MOST_KNOWN = 10_000

Key = tuple[str, str]
"""Rule and subject."""


class Policy:
    """What was told until now."""

    def __init__(self, least: Severity, resolved: bool, pause_s: float) -> None:
        """`pause_s`: so long the same alert is not told again, unless it is worse."""
        self._least = least
        self._resolved = resolved
        self._pause_s = pause_s
        self._told: dict[Key, tuple[float, Severity]] = {}
        """When, and how bad."""
        self._open: set[Key] = set()
        """Told, and not over yet."""
        self._held: dict[Key, Severity] = {}
        """Held back, and not over yet: as bad as it is now."""

    def wants(self, change: Transition, now: float) -> bool:
        """Whether this is told, at a clock that nobody sets."""
        alert = change.alert
        key = alert.rule, alert.subject
        was_held = self._held.pop(key, None) is not None
        if change.event is Event.RESOLVED:
            was_told = key in self._open
            self._open.discard(key)
            return was_told and self._resolved
        if self._least is Severity.CRITICAL and alert.severity is not Severity.CRITICAL:
            return False
        if change.event is Event.CHANGED and alert.severity is not Severity.CRITICAL:
            if was_held:
                self._held[key] = alert.severity
            return False  # it got better
        if self._pauses(key, now, alert.severity):
            if key not in self._open:
                self._held[key] = alert.severity
            return False
        self._tell(key, now, alert.severity)
        return True

    def due(self, now: float) -> set[Key]:
        """What was held back, still fires, and is told now."""
        found = {key: bad for key, bad in self._held.items() if not self._pauses(key, now, bad)}
        for key, severity in found.items():
            del self._held[key]
            self._tell(key, now, severity)
        return set(found)

    def _pauses(self, key: Key, now: float, severity: Severity) -> bool:
        known = self._told.get(key)
        return known is not None and now - known[0] < self._pause_s and not _is_worse(severity, known[1])

    def _tell(self, key: Key, now: float, severity: Severity) -> None:
        if len(self._told) >= _MOST_KNOWN:
            del self._told[next(iter(self._told))]
        self._told[key] = now, severity
        self._open.add(key)


def _is_worse(one: Severity, other: Severity) -> bool:
    return one is Severity.CRITICAL and other is not Severity.CRITICAL
