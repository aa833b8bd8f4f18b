"""`host`: the machine's pressure and CPU over the window, and who beside the target uses most of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.model.frame import Frame
from mcptop.model.host import Host
from mcptop.model.instance import Instance
from mcptop.model.playbook import Safety
from mcptop.model.value import Value
from mcptop.playbook.steps.base import Context, Raw, Seconds, StepFailure, now, observed
from mcptop.playbook.steps.frame_window import began_at, frames_of, source_of
from mcptop.playbook.steps.series import mean, rounded
from mcptop.sources import disk_waiters
from mcptop.sources.disk_waiters import Waiter
from mcptop.units import percent, plain

_WAITERS_EVERY_S = 0.5


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """How long."""

    watch_for: Seconds = msgspec.field(name="for", default=Seconds(10))


class Neighbour(Value, frozen=True):
    """What a service beside the target used at one moment."""

    service: str
    kind: str
    cores: float
    disk_bytes_per_s: float


class Moment(Value, frozen=True):
    """One frame, as far as it is about the machine."""

    at: float
    host: Host
    own: Neighbour | None
    """None where the monitor does not show the target."""
    others: tuple[Neighbour, ...]


class Seen(Value, frozen=True):
    """The whole window."""

    moments: tuple[Moment, ...]
    waiters: tuple[tuple[tuple[str, str], ...], ...]
    """Look after look: services (name, kind) beside the target's of which a process waited for a disk."""


class HostStep:
    """See the module."""

    name: ClassVar[str] = "host"
    says: ClassVar[str] = "watching the machine and the neighbours"
    safety: ClassVar[Safety] = Safety.PASSIVE
    alongside: ClassVar[bool] = True
    reads_frames: ClassVar[bool] = True
    options: ClassVar[type[Struct]] = Options
    emits: ClassVar[Mapping[str, str]] = {
        "cpus": "how many", "cpu_ratio": "CPU in use, all together, in the mean",
        "memory_available_ratio": "memory that can be had",
        "pressure.cpu": "share of the last 10 s in which somebody waited for a CPU, in the mean",
        "pressure.memory": "for memory", "pressure.io": "for a disk",
        "pressure.io_full": "in which nobody got anything done because of a disk",
        "pressure.memory_full": "because of memory",
        "disk.busy_ratio": "how busy the busiest disk was", "disk.mount": "where it is mounted",
        "disk.used_ratio": "how full the fullest file system is", "disk.full_mount": "where that is mounted",
        "neighbour.service": "who beside the target computes most", "neighbour.cores": "how much",
        "neighbour.kind": "container or process",
        "own.cores": "how much the target's service computes",
        "disk_neighbour.service": "who beside the target moves most to and from disks",
        "disk_neighbour.bytes_per_s": "how much", "disk_neighbour.kind": "container or process",
        "own.disk_bytes_per_s": "how much the target's service moves",
        "disk_waiter.service": "whose processes beside the target's wait for a disk most often",
        "disk_waiter.share": "share of the looks in which one of them did",
        "disk_waiter.kind": "container or process",
    }  # fmt: skip

    def expected_s(self, options: Options) -> float:
        """As long as it shall watch."""
        return float(options.watch_for)

    def collect(self, context: Context, options: Options) -> Raw:
        """Wait for the frames. Raises `StepFailure`."""
        began, started_at = time.monotonic(), now()
        waiting: list[tuple[Waiter, ...]] = []
        frames = frames_of(
            context, options.watch_for, _WAITERS_EVERY_S,
            lambda: waiting.append(tuple(disk_waiters.waiters(context.roots))),
        )  # fmt: skip
        moments = [found for at, frame in frames if (found := _moment(at, frame, context.subject)) is not None]
        if not moments:
            raise StepFailure(StepStatus.NO_DATA, "the monitor says nothing of the machine")
        own = frozenset(context.subject.pids)
        waiters = [_names(each, frames[-1][1], context.subject, own) for each in waiting]
        data = msgspec.json.encode(Seen(tuple(moments), tuple(waiters)))
        started_at = began_at(context, frames, started_at)
        return (observed("host.json", source_of(context), data, started_at, time.monotonic() - began),)

    def read(self, raw: Raw, options: Options, subject: Subject) -> dict[str, Any]:
        """Means over the window."""
        seen = msgspec.json.decode(raw[0].data, type=Seen)
        moments = seen.moments
        hosts = [moment.host for moment in moments]
        shown = [moment.own for moment in moments if moment.own is not None]
        last = hosts[-1]
        total, free = last.memory_total_bytes, last.memory_available_bytes
        values: dict[str, Any] = {
            "cpus": last.cpus,
            "cpu_ratio": mean([host.cpu_ratio for host in hosts]),
            "memory_available_ratio": free / total if total and free is not None else None,
            "pressure": {
                "cpu": _pressure(hosts, "cpu", "some_avg10"),
                "memory": _pressure(hosts, "memory", "some_avg10"),
                "memory_full": _pressure(hosts, "memory", "full_avg10"),
                "io": _pressure(hosts, "io", "some_avg10"),
                "io_full": _pressure(hosts, "io", "full_avg10"),
            },
            "disk": _disk(hosts),
            "neighbour": _most(moments, "cores"),
            "disk_neighbour": _most(moments, "disk_bytes_per_s"),
            "disk_waiter": _waiter(seen),
            "own": {
                "cores": rounded(mean([own.cores for own in shown])),
                "disk_bytes_per_s": rounded(mean([own.disk_bytes_per_s for own in shown])),
            },
        }
        for key in ("cpu_ratio", "memory_available_ratio"):
            values[key] = rounded(values[key])
        return values

    def summary(self, values: Mapping[str, Any]) -> str:
        """How busy it is."""
        return f"CPU {percent(values['cpu_ratio'])} of {values['cpus']} cores"


def _disk(hosts: Sequence[Host]) -> dict[str, Any]:
    """The busiest at any moment, and the fullest at the end."""
    every = [disk for host in hosts for disk in host.disks if disk.busy_ratio is not None]
    busiest = max(every, key=lambda disk: disk.busy_ratio or 0.0, default=None)
    fullest = max(hosts[-1].disks, key=lambda disk: disk.used_ratio, default=None)
    return {
        "busy_ratio": rounded(busiest.busy_ratio) if busiest else None,
        "mount": busiest.mount if busiest else None,
        "used_ratio": rounded(fullest.used_ratio) if fullest else None,
        "full_mount": fullest.mount if fullest else None,
    }


def _names(
    waiting: Sequence[Waiter], frame: Frame, subject: Subject, own: frozenset[int]
) -> tuple[tuple[str, str], ...]:
    """Whose they are, by container or by first process; those of nobody the monitor shows are left out."""
    by_id = {i.id: s for s in frame.services for i in s.instances}
    by_pid = {i.pid: s for s in frame.services for i in s.instances if i.pid is not None}
    found = set()
    for each in waiting:
        service = by_id.get(each.container or "") or by_pid.get(each.pid) or by_pid.get(each.ppid)
        is_own = each.pid in own or (each.container is not None and each.container == subject.container)
        if service is not None and not is_own:
            found.add((plain(service.name), service.kind.value))
    return tuple(sorted(found))


def _waiter(seen: Seen) -> dict[str, Any]:
    counts = Counter(name for look in seen.waiters for name in look)
    if not counts:
        return {"service": None, "kind": None, "share": 0.0 if seen.waiters else None}
    (service, kind), number = counts.most_common(1)[0]
    return {"service": service, "kind": kind, "share": rounded(number / len(seen.waiters))}


def _moment(at: float, frame: Frame, subject: Subject) -> Moment | None:
    if frame.host is None:
        return None
    key = subject.project, subject.service, subject.kind
    used = [
        ((service.project, service.name, service.kind.value) == key,
         _used(service.name, service.kind.value, service.instances))
        for service in frame.services
    ]  # fmt: skip
    own = next((found for is_own, found in used if is_own), None)
    others = [found for is_own, found in used if not is_own and (found.cores > 0 or found.disk_bytes_per_s > 0)]
    return Moment(at, frame.host, own, tuple(others))


def _used(name: str, kind: str, instances: Sequence[Instance]) -> Neighbour:
    moved = sum((i.disk.read_bytes_per_s or 0.0) + (i.disk.write_bytes_per_s or 0.0) for i in instances)
    return Neighbour(name, kind, sum(i.cpu.cores or 0.0 for i in instances), moved)


def _pressure(hosts: Sequence[Host], resource: str, share: str) -> Any:
    found = [getattr(host.pressure, resource) for host in hosts]
    return rounded(mean([None if each is None else getattr(each, share) for each in found]))


def _most(moments: Sequence[Moment], figure: str) -> dict[str, Any]:
    totals: dict[tuple[str, str], float] = {}
    for moment in moments:
        for other in moment.others:
            key = other.service, other.kind
            totals[key] = totals.get(key, 0.0) + getattr(other, figure)
    name = figure.removeprefix("disk_")
    if not totals:
        return {"service": None, "kind": None, name: 0.0}
    (service, kind), total = max(totals.items(), key=lambda pair: pair[1])
    return {"service": plain(service), "kind": kind, name: rounded(total / len(moments))}
