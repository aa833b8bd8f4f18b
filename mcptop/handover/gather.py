"""One frame, and what was diagnosed and run until then, as the contents of a handover."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime

from mcptop import __version__, units
from mcptop.handover import charts, figures, picture
from mcptop.handover.contents import Command, Contents, Fact, Happened, Problem, SourceRow, Troubled
from mcptop.history import KEPT_S
from mcptop.model.diagnosis import Verdict
from mcptop.model.event import Event
from mcptop.model.frame import Frame
from mcptop.model.host import Host
from mcptop.presentation import event_rows, problems, replicas, rows
from mcptop.presentation.problems import Trouble
from mcptop.presentation.row import Row
from mcptop.presentation.runs import safe

_LONG = 400
_MOST = 60
"""Events that are told; a history holds hundreds."""


_MOST_HOSTS = 5


def contents(
    frame: Frame, verdicts: Sequence[Verdict] = (), commands: Iterable[Command] = (), screen: str = ""
) -> Contents:
    """What a colleague needs; `screen` is Textual's SVG of it, `verdicts` come with the newest last."""
    services = rows.of_services(frame)
    troubles = problems.of_frame(frame, services)
    bad = {trouble.row.key: trouble.row for trouble in troubles if trouble.row is not None}
    told = _worth_telling(frame.events, bad)
    return Contents(
        at=frame.at,
        host=_where(frame),
        facts=tuple(_facts(frame)),
        banner=safe(frame.banner or "", _LONG),
        problems=tuple(map(_problem, troubles)),
        events=tuple(_events(told, services)),
        other_events=len(frame.events) - len(told),
        troubled=tuple(_troubled(services, row, frame) for row in bad.values()),
        verdicts=tuple(reversed(verdicts)),
        commands=tuple(
            Command(each.at, safe(each.command, _LONG), safe(each.outcome, _LONG)) for each in commands
        ),
        picture=picture.read(screen) if screen else None,
        machine=tuple(_machine(frame.host)) if frame.host else (),
        sources=tuple(
            SourceRow(safe(each.name), each.status.value.replace("_", " "), safe(each.message, _LONG))
            for each in frame.sources
        ),
        services=figures.table(services, frame.at),
    )  # fmt: skip


def day_and_time(at: datetime) -> str:
    """Local time with its offset: whoever reads it may be elsewhere."""
    return f"{at.astimezone():%Y-%m-%d %H:%M:%S %z}"


def _where(frame: Frame) -> str:
    """The machine, or the machines by their names."""
    if frame.host is not None:
        return safe(frame.host.name)
    if not frame.hosts:
        return units.UNKNOWN
    names = ", ".join(safe(host.name) for host in frame.hosts[:_MOST_HOSTS])
    return names if len(frame.hosts) <= _MOST_HOSTS else f"{names} and {len(frame.hosts) - _MOST_HOSTS} more"


def _facts(frame: Frame) -> Iterator[Fact]:
    seen_s = frame.number * frame.interval_s
    yield "Time", f"{day_and_time(frame.at)} ({frame.at.astimezone(UTC):%H:%M:%S} UTC)"
    yield "Host", _where(frame)
    yield "Engine", safe(frame.engine or "none")
    yield "mcptop", __version__
    yield "Window", f"last {units.duration(min(seen_s, KEPT_S))}, a look every {frame.interval_s:g} s"


def _problem(trouble: Trouble) -> Problem:
    says = "; ".join((trouble.says, *trouble.more))
    where = _named(trouble.row) if trouble.row is not None else trouble.name
    target = where if trouble.can_be_diagnosed else ""
    return Problem(trouble.level, where, safe(says, _LONG), trouble.since, safe(trouble.playbook), target)


def _named(row: Row) -> str:
    return f"{row.project}/{row.name}" if row.project else row.name


def _worth_telling(events: Sequence[Event], troubled: Collection[str]) -> list[Event]:
    """What is bad, of whatever service, and all that happened to those in trouble; the newest first."""
    return [event for event in reversed(events) if event.bad or not event.service or event.service in troubled][:_MOST]


def _events(events: Sequence[Event], services: Sequence[Row]) -> Iterator[Happened]:
    known = {row.key: row for row in services}
    for event in events:
        row = known.get(event.service)
        service = row.name if row is not None else safe(event.service.rpartition("/")[2])
        name = replicas.short(row.service, event.name) if row is not None and row.service else safe(event.name)
        yield Happened(event.at, event_rows.SYMBOLS[event.kind], service, name, safe(event.says, _LONG), event.bad)


def _troubled(services: list[Row], row: Row, frame: Frame) -> Troubled:
    return Troubled(_named(row), row.judgement.level, row.judgement.reasons, figures.facts(row, frame.at),
                    charts.of_row(services, row, frame))  # fmt: skip


def _machine(host: Host) -> Iterator[Fact]:
    yield "CPU", f"{units.percent(host.cpu_ratio)} of {host.cpus} cores"
    total, free = host.memory_total_bytes, host.memory_available_bytes
    yield "Memory", f"{units.long_size(free)} of {units.long_size(total)} available"
    pressure = host.pressure
    shares = (("CPU", pressure.cpu), ("memory", pressure.memory), ("I/O", pressure.io))
    known = [f"{name} {units.percent(share.some_avg10)}" for name, share in shares if share is not None]
    yield "Pressure", ", ".join(known) or units.UNKNOWN
    for disk in host.disks:
        left = units.long_size(disk.available_bytes)
        yield f"Disk {safe(disk.mount, 60)}", f"{units.percent(disk.used_ratio)} used, {left} free"
    received, sent = units.size(host.network.rx_bytes_per_s), units.size(host.network.tx_bytes_per_s)
    yield "Network", f"↓{received} ↑{sent}/s"
