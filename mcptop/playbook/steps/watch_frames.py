"""What frames say of the target of `watch`: beside its own looks, or, of a recording, instead of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.model.frame import Frame
from mcptop.playbook import symptoms
from mcptop.playbook.steps.base import Context, Raw, StepFailure, moment, observed
from mcptop.playbook.steps.frame_window import recorded, source_of
from mcptop.playbook.steps.watch_series import Sample, Seen, Watched

_START_S = 90.0
"""So long what a start needs may grow evenly, as a leak does."""


def seen(subject: Subject, frames: Iterable[tuple[float, Frame]]) -> tuple[Seen, ...]:
    """The instance in every frame it is in."""
    found = []
    for at, frame in frames:
        for instance in symptoms.seen([frame], symptoms.identity(subject, frame)):
            memory, sockets = instance.memory, instance.sockets
            found.append(
                Seen(at, memory.anon_bytes, memory.file_bytes, memory.shmem_bytes, memory.working_set_bytes,
                     instance.cpu.cores, instance.cpu.throttled_ratio, instance.pids,
                     sockets.close_wait if sockets else None, sockets.established if sockets else None,
                     instance.threads, instance.fds.open)
            )  # fmt: skip
    return tuple(found)


def watched(context: Context, least_s: float, most_s: float) -> Raw:
    """The end of a recording, as far as the target ran in it. Raises `StepFailure` where it did not.

    `most_s` of it at most; what it grew by as it started is left out where `least_s` are left without that.
    """
    window = recorded(context, most_s)
    started_at = datetime.fromisoformat(context.subject.started_at) if context.subject.started_at else None
    begins = _begins(started_at, window[-1][1].at - timedelta(seconds=least_s))
    run = [(at, frame) for at, frame in window if begins is None or frame.at >= begins]
    found = seen(context.subject, run)
    if not found:
        raise StepFailure(StepStatus.NO_DATA, f"the recording does not show {context.subject.service}")
    first = found[0].at
    began = window[0][1].at + timedelta(seconds=first)
    known = Watched(
        samples=tuple(Sample(each.at - first, ()) for each in found),
        frames=tuple(msgspec.structs.replace(each, at=each.at - first) for each in found),
        uptime_s=None if started_at is None else (began - started_at).total_seconds(),
        ended=False,
    )
    data = msgspec.json.encode(known)
    return (observed("watch.json", source_of(context), data, moment(began), 0.0),)


def _begins(started_at: datetime | None, latest: datetime) -> datetime | None:
    """Before it started it was another run, and what that one held is not this one's."""
    if started_at is None:
        return None
    settled = started_at + timedelta(seconds=_START_S)
    return settled if settled <= latest else started_at
