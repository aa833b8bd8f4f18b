"""What a judgement is: a level with its symbol and colour, and the reasons for it; and how alerts become one."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from msgspec import Struct

from mcptop.model.alert import Alert


class Level(IntEnum):
    """Ordered, so that the worst of several is their maximum."""

    OK = 0
    UNKNOWN = 1
    WARNING = 2
    CRITICAL = 3


STYLES = {Level.OK: "ok", Level.UNKNOWN: "muted", Level.WARNING: "warning", Level.CRITICAL: "critical"}
SYMBOLS = {Level.OK: "●", Level.UNKNOWN: "◌", Level.WARNING: "▲", Level.CRITICAL: "✖"}
STOPPED, INSTANCE = "○", "·"


class Judgement(Struct, frozen=True):
    """A level and the reasons for it, worst first."""

    level: Level
    reasons: tuple[str, ...] = ()
    stopped: bool = False

    @property
    def symbol(self) -> str:
        """One character, so that the level does not depend on colour."""
        return STOPPED if self.stopped and self.level < Level.WARNING else SYMBOLS[self.level]

    @property
    def style(self) -> str:
        """Name of the colour that goes with the symbol."""
        return "muted" if self.stopped and self.level < Level.WARNING else STYLES[self.level]


FINE = Judgement(Level.OK)
"""The common case is one shared value."""


def of_alerts(alerts: Sequence[Alert], stopped: bool = False) -> Judgement:
    """The worst of them, and what all of them say; at least one, worst first."""
    return Judgement(Level[alerts[0].severity.name], tuple(alert.says for alert in alerts), stopped)


class Judged:
    """The alerts of a frame by what they are about."""

    def __init__(self, alerts: Sequence[Alert]) -> None:
        self._of_service: dict[str, list[Alert]] = {}
        self._of_subject: dict[str, list[Alert]] = {}
        for alert in alerts:
            self._of_subject.setdefault(alert.subject, []).append(alert)
            if (key := alert.service_key) is not None:
                self._of_service.setdefault(key, []).append(alert)

    def of_service(self, key: str) -> Sequence[Alert]:
        """Everything about a service, worst first."""
        return self._of_service.get(key, ())

    def of_subject(self, subject: str) -> Judgement:
        """The judgement of one pool or queue."""
        alerts = self._of_subject.get(subject)
        return FINE if alerts is None else of_alerts(alerts)


NOBODY = Judged(())
"""Where nothing is wrong."""
