"""What a judgement is: a level with its symbol and colour, and the reasons for it."""

from __future__ import annotations

from enum import IntEnum

from msgspec import Struct


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

Found = list[tuple[Level, str]]
"""Reasons with their levels, in the order they were found."""


def of_found(found: Found, stopped: bool = False) -> Judgement:
    """The worst of what was found, and all of it; at least one."""
    found.sort(key=lambda item: -item[0])
    return Judgement(found[0][0], tuple(reason for _, reason in found), stopped)
