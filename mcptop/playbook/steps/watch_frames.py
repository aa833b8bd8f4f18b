"""What frames say of the target of `watch`: beside its own looks, or, of a recording, instead of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.model.frame import Frame
from mcptop.playbook import symptoms
from mcptop.playbook.steps.base import Context, Raw, StepFailure, moment, observed
from mcptop.playbook.steps.frame_window import recorded, source_of
from mcptop.playbook.steps.watch_series import Sample, Seen, Watched


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


def watched(context: Context, seconds: float) -> Raw:
    """The last `seconds` of a recording as the step's output. Raises `StepFailure` where the target is not in them."""
    window = recorded(context, seconds)
    found = seen(context.subject, window)
    if not found:
        raise StepFailure(StepStatus.NO_DATA, f"the recording does not show {context.subject.service}")
    known = Watched(
        samples=tuple(Sample(each.at, ()) for each in found),
        frames=found,
        uptime_s=_uptime(context.subject, window[0][1].at),
        ended=found[-1].at < window[-1][0],
    )
    data = msgspec.json.encode(known)
    return (observed("watch.json", source_of(context), data, moment(window[0][1].at), 0.0),)


def _uptime(subject: Subject, then: datetime) -> float | None:
    if subject.started_at is None:
        return None
    return (then - datetime.fromisoformat(subject.started_at)).total_seconds()
