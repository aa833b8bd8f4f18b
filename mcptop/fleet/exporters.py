"""Series of a `mcptop exporter` back to what it was made of: targets, readings, pools and queues, the machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from mcptop.fleet import flows, names, wanted
from mcptop.fleet.asking import Beat
from mcptop.fleet.machine import Machine, above_zero, kept, moment, traffic, whole
from mcptop.fleet.names import text
from mcptop.model.host import Filesystem, Pressure
from mcptop.model.instance import FileDescriptors, Sockets
from mcptop.model.snapshot import HostReading, Reading, Target
from mcptop.model.value import Kind
from mcptop.sources.prometheus_answer import Labels, Series

_REPLICA = "mcptop_replica_"
_AHEAD_S, _BEHIND_S = 5.0, 600.0
"""A sample later than its scrape, or older than any that is meant: the two clocks differ."""
_KINDS = frozenset(Kind)

Key = tuple[str, str, str, str]
"""Project, service, kind and replica, as the labels have them."""
Figures = dict[str, float]


class _Replica(NamedTuple):
    figures: Figures
    """By the family's name without its beginning."""
    sockets: dict[str, int]
    info: dict[str, Labels]


class Clock(NamedTuple):
    """Prometheus' clock beside the monotonic one here."""

    offset_s: float

    def here(self, at: float) -> float:
        """Monotonic seconds."""
        return at + self.offset_s


def host_of(beat: Beat) -> str:
    """What it calls its machine."""
    return text(beat.labels, "host") or names.address_of(beat.place[1])


def machine(
    beat: Beat, found: list[Series], clock: Clock, every_s: float, before: Machine | None, name: str
) -> Machine:  # fmt: skip
    """What the exporter said at its last scrape; `before` itself where that is nothing new. `name`: of its machine."""
    sample_at = next((s.value for s in found if s.labels.get("__name__") == wanted.SAMPLE_TIME), beat.at)
    if before is not None and sample_at == before.sample_at and name == before.name:
        return before._replace(scraped_at=beat.at, every_s=every_s)
    skew_s = _skew(beat.at - sample_at) if before is None else before.skew_s
    read_at = clock.here(sample_at + skew_s)
    empty = Machine(beat.place, name, True, sample_at, read_at, beat.at, every_s, skew_s)
    return _filled(empty, found, before)


def _skew(late_s: float) -> float:
    return late_s if late_s < -_AHEAD_S or late_s > _BEHIND_S else 0.0


def _filled(empty: Machine, found: list[Series], before: Machine | None) -> Machine:
    replicas = _replicas(found)
    known = {target.id: target for target in before.targets} if before is not None else {}
    ids: dict[Key, str] = {}
    targets, readings, sockets, files = [], {}, {}, {}
    for key, replica in replicas.items():
        target = _target(key, replica, empty.name)
        if target.id in readings:
            continue
        ids[key] = target.id
        targets.append(kept(target, known.get(target.id)))
        readings[target.id] = _reading(replica.figures, empty)
        if replica.sockets:
            sockets[target.id] = Sockets(**replica.sockets)
        if (opened := whole(replica.figures.get("open_fds"))) is not None:
            files[target.id] = FileDescriptors(opened, None, replica.figures.get("fds_limit_ratio"))
    return empty._replace(
        targets=tuple(targets),
        readings=readings,
        sockets=sockets,
        files=files,
        flows=flows.of_series(found, ids, empty),
        host=_host(found, empty),
        broken=_broken(found),
    )


def key_of(labels: Labels) -> Key:
    """Of a replica's series."""
    return text(labels, "project"), text(labels, "service"), text(labels, "kind"), text(labels, "replica")


def _replicas(found: Iterable[Series]) -> dict[Key, _Replica]:
    replicas: dict[Key, _Replica] = {}
    for series in found:
        labels = series.labels
        name = labels.get("__name__", "")
        if not name.startswith(_REPLICA):
            continue
        key = key_of(labels)
        if not key[1] or key[2] not in _KINDS:
            continue
        replica = replicas.setdefault(key, _Replica({}, {}, {}))
        name = name.removeprefix(_REPLICA)
        if name == "sockets":
            state = labels.get("state", "")
            if state in Sockets.__struct_fields__:
                replica.sockets[state] = whole(series.value) or 0
        elif name == "info":
            replica.info[name] = labels
        else:
            replica.figures[name] = series.value
    return replicas


def _target(key: Key, replica: _Replica, host: str) -> Target:
    project, service, kind, name = key
    figures, info = replica.figures, replica.info.get("info", {})
    state = text(info, "state") or "running"
    exit_code = figures.get("exit_code")
    return Target(
        id=f"{host}/{text(info, 'id') or '/'.join(key)}",
        name=name or service,
        kind=Kind(kind),
        project=project or None,
        service=service,
        state=state,
        health=text(info, "health") or None,
        image=text(info, "image") or None,
        started_at=moment(figures.get("start_time_seconds")),
        restarts=whole(figures.get("restarts_total")),
        exit_code=int(exit_code) if exit_code is not None and abs(exit_code) < 1 << 31 else None,
        asked_to_stop=figures.get("asked_to_stop") == 1,
        host=host,
    )


def _reading(figures: Figures, machine: Machine) -> Reading:
    get, at = figures.get, machine.read_at
    return Reading(
        read_at=at,
        cpu_usage_s=get("cpu_usage_seconds_total"),
        cpu_limit_cores=get("cpu_limit_cores") or None,
        cpu_periods=whole(get("cpu_periods_total")),
        cpu_throttled_periods=whole(get("cpu_throttled_periods_total")),
        memory_usage_bytes=whole(get("memory_usage_bytes")),
        memory_anon_bytes=whole(get("memory_anon_bytes")),
        memory_file_bytes=whole(get("memory_file_bytes")),
        memory_shmem_bytes=whole(get("memory_shmem_bytes")),
        memory_limit_bytes=above_zero(get("memory_limit_bytes")),
        memory_working_set_bytes=whole(get("memory_working_set_bytes")),
        oom_kills=whole(get("oom_kills_total")),
        pids=whole(get("pids")),
        threads=whole(get("threads")),
        pids_limit=above_zero(get("pids_limit")),
        network=traffic(at, get("network_receive_bytes_total"), get("network_transmit_bytes_total")),
        disk=traffic(at, get("disk_read_bytes_total"), get("disk_written_bytes_total")),
        cpu_pressure=_pressure(get("cpu_pressure_some_ratio")),
        memory_pressure=_pressure(get("memory_pressure_some_ratio")),
        io_pressure=_pressure(get("io_pressure_some_ratio")),
        every_s=machine.every_s,
    )


def _pressure(some: float | None, full: float | None = None) -> Pressure | None:
    return None if some is None else Pressure(some, full)


def _host(found: Iterable[Series], machine: Machine) -> HostReading | None:
    plain: Figures = {}
    pressure: dict[tuple[str, str], float] = {}
    disks: dict[tuple[str, str], Figures] = {}
    for series in found:
        labels, name = series.labels, series.labels.get("__name__", "")
        if name.startswith("mcptop_host_pressure_"):
            pressure[labels.get("resource", ""), name.removeprefix("mcptop_host_pressure_")] = series.value
        elif name.startswith("mcptop_host_"):
            plain[name.removeprefix("mcptop_host_")] = series.value
        elif name.startswith("mcptop_filesystem_"):
            place = text(labels, "mount"), text(labels, "device")
            disks.setdefault(place, {})[name.removeprefix("mcptop_filesystem_")] = series.value
    cpus = whole(plain.get("cpus"))
    if cpus is None:
        return None
    pressures: dict[str, Any] = {
        f"{name}_pressure": _pressure(pressure.get((name, "some_ratio")), pressure.get((name, "full_ratio")))
        for name in ("cpu", "memory", "io")
    }
    return HostReading(
        machine.read_at,
        machine.name,
        cpus,
        cpu_ratio=plain.get("cpu_usage_ratio"),
        memory_total_bytes=whole(plain.get("memory_total_bytes")),
        memory_available_bytes=whole(plain.get("memory_available_bytes")),
        swap_total_bytes=whole(plain.get("swap_total_bytes")),
        swap_free_bytes=whole(plain.get("swap_free_bytes")),
        load_1m=plain.get("load1"),
        filesystems=tuple(_disks(disks, machine.name)),
        **pressures,
    )


def _disks(disks: Mapping[tuple[str, str], Figures], host: str) -> Iterable[Filesystem]:
    for (mount, device), figures in disks.items():
        size, free, used = (figures.get(name) for name in ("size_bytes", "avail_bytes", "used_ratio"))
        if size is not None and free is not None and used is not None:
            yield Filesystem(mount, device, whole(size) or 0, whole(free) or 0, used, host=host)


def _broken(found: Iterable[Series]) -> tuple[str, ...]:
    return tuple(
        text(series.labels, "source")
        for series in found
        if series.labels.get("__name__") == "mcptop_source_up" and series.value == 0
    )
