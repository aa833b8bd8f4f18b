"""What stands in a handover, in the order a colleague reads it. Texts are safe to print; secrets may be in them."""

from __future__ import annotations

import shlex
from datetime import datetime

from msgspec import Struct

from mcptop.handover.picture import Picture
from mcptop.model.diagnosis import Verdict
from mcptop.playbook.drawing import Mark
from mcptop.presentation.judgement import SYMBOLS, Level
from mcptop.verdicts.curves import Curve

Fact = tuple[str, str]
"""What it is, and its value."""
TONES = {Level.CRITICAL: "critical", Level.WARNING: "warning", Level.OK: "ok", Level.UNKNOWN: "muted-tone"}
"""Level -> how it looks on the page."""


SECRETS = "Secrets are replaced by tokens; in two diagnoses the same token may stand for two secrets."


class Command(Struct, frozen=True, eq=False):
    """Something that was run in this session: when, what, and what came of it."""

    at: datetime
    command: str
    outcome: str


class Problem(Struct, frozen=True, eq=False):
    """What is wrong with a service now."""

    level: Level
    service: str
    says: str
    since: datetime | None = None
    playbook: str = ""
    """Which one explains it; empty where none is known."""
    target: str = ""
    """The service as `--service` takes it; empty where there is none to look into."""

    @property
    def symbol(self) -> str:
        """The level without a colour."""
        return SYMBOLS[self.level]

    @property
    def command(self) -> str:
        """What to run next; empty where no playbook explains it."""
        if not self.playbook:
            return ""
        whom = f" --service {shlex.quote(self.target)}" if self.target else ""
        return f"mcptop diagnose {self.playbook}{whom}"


class Happened(Struct, frozen=True, eq=False):
    """An event."""

    at: datetime
    symbol: str
    service: str
    name: str
    """Of the instance or the source."""
    says: str
    bad: bool


class Chart(Struct, frozen=True, eq=False):
    """A series of the last minutes."""

    curve: Curve
    began: float
    """Unix seconds of the curve's second 0."""
    marks: tuple[Mark, ...] = ()
    """What happened, in seconds of the curve."""


class Troubled(Struct, frozen=True, eq=False):
    """A service that needs somebody."""

    name: str
    level: Level
    reasons: tuple[str, ...]
    facts: tuple[Fact, ...]
    charts: tuple[Chart, ...]

    @property
    def symbol(self) -> str:
        """The level without a colour."""
        return SYMBOLS[self.level]


class SourceRow(Struct, frozen=True, eq=False):
    """A source of figures and how it did."""

    name: str
    status: str
    """ok, no data or error."""
    message: str

    @property
    def is_broken(self) -> bool:
        """Whether figures are missing because of it."""
        return self.status == "error"


class Table(Struct, frozen=True, eq=False):
    """Figures in rows."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Contents(Struct, frozen=True, eq=False):
    """All of it."""

    at: datetime
    host: str
    facts: tuple[Fact, ...]
    """Time, host, engine, version, window."""
    banner: str
    """What could not be seen; empty where nothing was hidden."""
    problems: tuple[Problem, ...]
    events: tuple[Happened, ...]
    """The newest first: what was bad, and what happened to those in trouble."""
    other_events: int
    """So many more there were."""
    troubled: tuple[Troubled, ...]
    verdicts: tuple[Verdict, ...]
    """The newest first."""
    commands: tuple[Command, ...]
    picture: Picture | None
    machine: tuple[Fact, ...]
    sources: tuple[SourceRow, ...]
    services: Table


def said_of_events(contents: Contents) -> str:
    """How many are not told; empty where all are."""
    count = contents.other_events
    word = "event" if count == 1 else "events"
    return f"{count} other {word}, older or of services without a problem." if count else ""
