"""What the monitor's frames hold of a server that tells its clients: its own figures, and those of each client.

The target is the server itself, or one of its clients. Nothing is opened: who shall be asked is in the settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from mcptop.collectors.servers import noted
from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.model.flow import Pool, Queue
from mcptop.model.frame import Frame, Service, SourceReport, Status
from mcptop.model.value import Value
from mcptop.playbook.steps.base import Context, Raw, StepFailure, now, observed
from mcptop.playbook.steps.frame_window import began_at, source_of

_FIRST_FRAME_S = 3.0


class ClientPool(Value, frozen=True):
    """A pool of one of the server's clients."""

    service: str
    pool: Pool


class Server(Value, frozen=True):
    """One server in one frame."""

    name: str
    """Of its service."""
    pool: Pool | None
    """Its clients together; None where it is not among those that were asked."""
    clients: tuple[ClientPool, ...]
    queues: tuple[Queue, ...]
    noted: int | None
    """What the message of its source counts; None where it is not sure which source is its."""


def collect(context: Context, kind: str, source: str, client_kind: str, what: str) -> Raw:
    """The server in the newest frame. Raises `StepFailure` where nobody told anything.

    `kind` is what its table in the settings is called, `source` who says so, `what` the words behind a counted note.
    """
    context.frames.wait(1, min(_FIRST_FRAME_S, context.left_s))
    frame = context.frames.latest
    started_at = began_at(context, [(0.0, frame)], now())
    name = _name(frame, context.subject, source, client_kind)
    if name is None:
        raise _unknown(frame, kind)
    found = _server(frame, name, source, client_kind, _note(frame.sources, kind, what))
    return (observed(f"{kind}.json", source_of(context), msgspec.json.encode(found), started_at, 0.0),)


def _name(frame: Frame, subject: Subject, source: str, client_kind: str) -> str | None:
    """Of the server the target is, or else of the one it has most connections to."""
    own = [
        s
        for s in frame.services
        if (s.project, s.name, s.kind.value) == (subject.project, subject.service, subject.kind)
    ]
    pools = [pool for service in own for pool in service.pools if pool.source == source]
    if any(pool.kind == "server" for pool in pools):
        return subject.service
    peers = [pool for pool in pools if pool.kind == client_kind and pool.peer]
    return max(peers, key=lambda pool: pool.open or 0).peer if peers else None


def _server(frame: Frame, name: str, source: str, client_kind: str, note: int | None) -> Server:
    own = [service for service in frame.services if service.name == name]
    pools = [pool for service in own for pool in service.pools if pool.source == source and pool.kind == "server"]
    return Server(
        name=name,
        pool=pools[0] if pools else None,
        clients=tuple(_clients(frame.services, name, client_kind)),
        queues=tuple(queue for service in own for queue in service.queues if queue.source == source),
        noted=note,
    )


def _clients(services: Iterable[Service], name: str, kind: str) -> Iterable[ClientPool]:
    """The server's view of them and their own: the one counts connections, the other knows who waits."""
    for service in services:
        for pool in service.pools:
            if pool.kind == kind and pool.peer == name and service.name != name:
                yield ClientPool(service.name, pool)


def _note(sources: Sequence[SourceReport], kind: str, what: str) -> int | None:
    reports = [report for report in sources if report.name.startswith(f"{kind} ") and report.status is Status.OK]
    return noted(reports[0].message, what) if len(reports) == 1 else None


def _unknown(frame: Frame, kind: str) -> StepFailure:
    reports = [report for report in frame.sources if report.name.startswith(f"{kind} ")]
    failed = [report for report in reports if report.status is Status.ERROR]
    if failed:
        return StepFailure(StepStatus.NO_DATA, failed[0].message)
    if reports:
        return StepFailure(StepStatus.NO_DATA, f"the target has no connection to {reports[0].name}")
    return StepFailure(StepStatus.NO_DATA, f"no server is asked: give mcptop a [[{kind}]] table in its configuration")


def total(values: Iterable[int | None]) -> int | None:
    """Of those that are known; None where none is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None
