"""`flows`: the target's pools and queues over the window, whom it waits for, and who that one waits for.

Reads the monitor's frames; opens nothing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.model.frame import Frame, Service
from mcptop.model.instance import Cpu, Instance
from mcptop.model.playbook import Safety
from mcptop.model.value import Value
from mcptop.playbook.steps import flow_figures
from mcptop.playbook.steps.base import Context, Raw, Seconds, StepFailure, now, observed
from mcptop.playbook.steps.frame_window import began_at, frames_of, source_of
from mcptop.playbook.steps.series import names_of
from mcptop.playbook.steps.waiting_chain import downstream


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """How long, and whether a target without any pool or queue is one that nothing can be said of."""

    watch_for: Seconds = msgspec.field(name="for", default=Seconds(10))
    require: str = ""
    """pools or queues: without one of them there is no evidence."""


class Moment(Value, frozen=True):
    """One frame, as far as it is about pools and queues."""

    at: float
    services: tuple[Service, ...]


class Flows:
    """See the module."""

    name: ClassVar[str] = "flows"
    says: ClassVar[str] = "watching pools, queues and who waits for whom"
    safety: ClassVar[Safety] = Safety.PASSIVE
    alongside: ClassVar[bool] = True
    reads_frames: ClassVar[bool] = True
    options: ClassVar[type[Struct]] = Options
    emits: ClassVar[Mapping[str, str]] = {
        "frames": "how many looks",
        "pools": "how many pools the target has",
        "queues": "how many queues",
        "waiting": "callers that wait for any of its pools, in the mean",
        "pool.name": "the pool most callers wait for, or the fullest",
        "pool.kind": "db, redis, http, slots, tcp", "pool.peer": "whom it leads to",
        "pool.waiting": "callers that wait for it, in the mean", "pool.waiting_most": "at most",
        "pool.waiting_share": "share of the looks in which somebody waited",
        "pool.in_use": "connections in use, in the mean", "pool.max": "its maximum",
        "pool.full_share": "share of the looks in which it was full",
        "pool.use": "in use as a share of the maximum, in the mean",
        "pool.in_use_lowest": "fewest in use at any look",
        "pool.wait_s": "how long a wait took, in the mean", "pool.waits_per_s": "waits that ended, a second",
        "pool.timeouts_per_s": "callers that gave up, a second",
        "pool.gave_up_ratio": "these as a share of those that had to wait",
        "pool.idle_in_transaction": "connections with an open transaction and nothing to do",
        "pool.idle_in_transaction_s": "the oldest of these", "pool.source": "who says so",
        "queue.name": "the queue that grows most, or the deepest", "queue.depth": "entries at the end",
        "queue.in_flight": "taken and not finished", "queue.capacity": "how many it takes",
        "queue.in_per_s": "entries that come, a second", "queue.out_per_s": "that go, a second",
        "queue.oldest_age_s": "how long the first in line has waited", "queue.rejected_per_s": "turned away, a second",
        "queue.source": "who says so",
        **{name: text for name, text in names_of("queue.growth", "its depth").items()},
        "accept.depth": "most connections that waited to be accepted", "accept.capacity": "the listener's backlog",
        "accept.over": "most that waited, as a share of the backlog", "accept.port": "at which listener",
        "down.service": "the service its oldest request under way is sent to",
        "down.busy": "requests under way to it, in the mean", "down.busy_share": "share of the looks with any",
        "down.longest_s": "age of the oldest, median of the looks",
        "chain.services": "who waits for whom, from the target on", "chain.length": "how many hops",
        "chain.end": "the last one: it waits for nobody", "chain.end_cores": "its CPU",
        "chain.end_busy": "requests it holds up, in the mean", "chain.end_longest_s": "for how long",
        "chain.end_waiting": "callers in its own pools and queues", "chain.end_kind": "container, process, server",
        "connections": "open connections to all peers, in the mean",
        "idle_connections": "of which nothing is under way",
    }  # fmt: skip

    def expected_s(self, options: Options) -> float:
        """As long as it shall watch."""
        return float(options.watch_for)

    def collect(self, context: Context, options: Options) -> Raw:
        """Wait for the frames. Raises `StepFailure` where there is nothing to see."""
        began, started_at = time.monotonic(), now()
        seen = frames_of(context, options.watch_for)
        data = msgspec.json.encode([_moment(at, frame, context.subject.project) for at, frame in seen])
        started_at = began_at(context, seen, started_at)
        return (observed("flows.json", source_of(context), data, started_at, time.monotonic() - began),)

    def read(self, raw: Raw, options: Options, subject: Subject) -> dict[str, Any]:
        """What flowed. Raises `StepFailure` where what is required is not there."""
        moments = msgspec.json.decode(raw[0].data, type=list[Moment])
        key = (subject.project, subject.service, subject.kind)
        own = [(m.at, s) for m in moments for s in m.services if (s.project, s.name, s.kind.value) == key]
        if not own:
            raise StepFailure(StepStatus.NO_DATA, f"the monitor does not show {subject.service}")
        found = flow_figures.figures(own, subject.name)
        if options.require in ("pools", "queues") and not found[options.require]:
            raise StepFailure(StepStatus.NO_DATA, f"no {options.require} of {subject.service} are known")
        return {**found, **downstream([moment.services for moment in moments], subject)}

    def summary(self, values: Mapping[str, Any]) -> str:
        """How many of each."""
        return f"{values['pools']} pools, {values['queues']} queues, {values['frames']} looks"


def _moment(at: float, frame: Frame, project: str | None) -> Moment:
    """The services of the project; instances without their bulk: only who they are and what they compute."""
    services = (
        msgspec.structs.replace(service, instances=tuple(_slim(each) for each in service.instances), models=())
        for service in frame.services
        if service.project == project
    )
    return Moment(at, tuple(services))


def _slim(instance: Instance) -> Instance:
    return Instance(instance.id, instance.name, cpu=Cpu(instance.cpu.cores))
