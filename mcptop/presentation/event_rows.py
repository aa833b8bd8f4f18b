"""What happened, a row each, and the marks it leaves on the charts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from mcptop import units
from mcptop.model.event import Event, EventKind
from mcptop.presentation import judgement, replicas, runs
from mcptop.presentation.figures import Figures
from mcptop.presentation.filter import Filter, Subject
from mcptop.presentation.judgement import Level
from mcptop.presentation.row import Row, View
from mcptop.presentation.row_filter import words_of
from mcptop.presentation.runs import Runs, safe
from mcptop.presentation.scene import Scene
from mcptop.presentation.sheet import Column, FlatRow, Moment, Sheet, figure, ordered

SYMBOLS = {
    EventKind.STARTED: "▸",
    EventKind.STOPPED: "■",
    EventKind.RESTARTED: "↻",
    EventKind.DEPLOYED: "⇡",
    EventKind.OOM_KILL: "✖",
    EventKind.HEALTH: "♥",
    EventKind.LIMIT: "≡",
    EventKind.SOURCE: "◌",
}

_NO_FIGURES = Figures()


class EventRow(FlatRow, frozen=True, eq=False, kw_only=True):
    """One event."""

    event: Event
    service: Row | None
    """The service's row, while it is there."""
    service_name: str
    name: str
    """Of the instance, without what the service's name says already."""
    says: str

    @property
    def opens(self) -> str | None:
        """Its service."""
        return self.service.key if self.service is not None else None

    @property
    def level(self) -> Level:
        """How much it matters."""
        if not self.event.bad:
            return Level.OK
        return Level.CRITICAL if self.event.kind is EventKind.OOM_KILL else Level.WARNING


def build(scene: Scene, view: View) -> Sequence[EventRow]:
    """Those the filter's words are in."""
    services = {row.key: row for row in scene.services}
    found = [
        row
        for number, event in enumerate(scene.frame.events)
        if (row := _row(number, event, services.get(event.service))) and _passes(row, view.filter)
    ]
    return ordered(found, lambda row: row.name, view.sort, view.descending)


def _row(number: int, event: Event, service: Row | None) -> EventRow:
    model = service.service if service is not None else None
    # Kind, project and name are in the key, in this order: what is gone has no other name.
    gone = safe(event.service.rpartition("/")[2] or event.name)
    name = replicas.short(model, event.name) if model is not None else safe(event.name)
    return EventRow(
        key=f"{event.at.isoformat()}#{event.kind}#{event.instance}#{event.name}#{number if not event.instance else ''}",
        event=event, service=service, service_name=service.name if service is not None else gone, name=name,
        says=safe(event.says, 300),
    )  # fmt: skip


def _passes(row: EventRow, wanted: Filter) -> bool:
    names = f"{row.service_name}\n{row.event.name}\n{row.event.kind}\n{row.says}"
    if row.service is not None:
        names += f"\n{row.service.project}"
    figures = row.service.figures if row.service is not None else _NO_FIGURES
    words = words_of(row.service) if row.service is not None else {"service": row.service_name.lower()}
    words |= {"kind": str(row.event.kind), "level": row.level.name.lower(), "instance": row.event.name.lower()}
    return not wanted or wanted.passes(Subject(names.lower(), figures, words))


def marks(events: Sequence[Event], row: Row | None) -> list[Event]:
    """Those that belong to a row of the services."""
    if row is None:
        return []
    return [event for event in events if event.service == row.key or (event.instance == row.key)]


def _when(row: EventRow, width: int, moment: Moment) -> Runs:
    return ((runs.fit(clock(row.event.at), width), "text"),)


def _ago(row: EventRow, width: int, moment: Moment) -> Runs:
    ago = units.duration(max(0.0, (moment.at - row.event.at).total_seconds()))
    return ((runs.fit(ago.replace(".0s", "s"), width, "right"), "muted"),)


def _what(row: EventRow, width: int, moment: Moment) -> Runs:
    style = judgement.STYLES[row.level] if row.event.bad else "accent"
    return ((f"{SYMBOLS[row.event.kind]} ", style), (runs.fit(row.says, width - 2), style if row.event.bad else "text"))


def clock(at: datetime) -> str:
    """Local time of day."""
    return f"{at.astimezone():%H:%M:%S}"


EVENTS: Sheet[EventRow] = Sheet((
    Column("time", "TIME", "when it was seen", 8, _when, sort=lambda row: row.event.at.timestamp(), align="left"),
    Column("ago", "AGO", "how long ago", 7, _ago, 60, lambda row: row.event.at.timestamp()),
    Column("service", "SERVICE", "whom it happened to", 16,
           figure(lambda row: row.service_name or units.UNKNOWN, lambda row: "strong", "left"), 0,
           lambda row: row.service_name, 24, "left", names=True),
    Column("name", "INSTANCE", "which of its instances, or which source", 16,
           figure(lambda row: row.name, lambda row: "muted", "left"), 100, lambda row: row.name, 28, "left",
           names=True),
    Column("level", "WHAT", "what happened", 24, _what, 0, lambda row: float(row.level), 200, "left"),
))  # fmt: skip
