"""Series of a cAdvisor (or a kubelet, which has one built in) as targets and readings.

Its containers are looked at one by one and each figure has the time of that look; a container that is gone stays in
Prometheus until its lookback is over, as series with times of their own end without a mark.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mcptop.fleet import names, wanted
from mcptop.fleet.asking import Beat, Values
from mcptop.fleet.exporters import Clock
from mcptop.fleet.machine import Machine, above_zero, kept, moment, traffic, whole
from mcptop.fleet.names import Named, container_of, text
from mcptop.model.instance import FileDescriptors
from mcptop.model.snapshot import HostReading, Reading, Target
from mcptop.model.value import Kind
from mcptop.sources.prometheus_answer import Labels, Series

_NETWORK = frozenset(wanted.CADVISOR_NETWORK)

Figures = dict[str, float]


class _Container(NamedTuple):
    labels: Labels
    named: Named
    figures: Figures
    """Summed over processors, devices and interfaces."""


def machine(
    beat: Beat, values: Values, clock: Clock, every_s: float, before: Machine | None, host: str | None
) -> Machine:
    """What it said at its last scrape. `host`: the machine's name, where another exporter told it."""
    found = values.series.get(beat.place, [])
    told = next((name for series in found if (name := names.host_of(series.labels))), None)
    name = host or told or names.address_of(beat.place[1])
    empty = Machine(beat.place, name, False, beat.at, clock.here(beat.at), beat.at, every_s)
    known = {target.id: target for target in before.targets} if before is not None else {}
    targets, readings, files = [], {}, {}
    for container in _containers(found):
        target = _target(container, name)
        if target.id in readings:
            continue
        taken = values.times.get((beat.place, container.labels.get("name", "")), beat.at)
        old = before.readings.get(target.id) if before is not None else None
        read_at = clock.here(taken)
        targets.append(kept(target, known.get(target.id)))
        is_news = old is None or abs(old.read_at - read_at) > 1e-3
        readings[target.id] = _reading(container.figures, read_at, every_s) if old is None or is_news else old
        if (opened := whole(container.figures.get("container_file_descriptors"))) is not None:
            files[target.id] = FileDescriptors(opened)
    return empty._replace(targets=tuple(targets), readings=readings, files=files, host=_host(found, empty))


def _containers(found: list[Series]) -> list[_Container]:
    """Of one machine, each with its figures."""
    containers: dict[tuple[str, str], _Container] = {}
    network: dict[tuple[str, str], Figures] = {}
    for series in found:
        labels, metric = series.labels, series.labels.get("__name__", "")
        if metric in _NETWORK and text(labels, "pod"):
            _add(network.setdefault(_pod(labels), {}), metric, series.value)
            continue
        named = container_of(labels)
        if named is None:
            continue
        key = labels.get("name", ""), labels.get("id", "")
        container = containers.setdefault(key, _Container(labels, named, {}))
        _add(container.figures, metric, series.value)
    newest = _newest(containers.values())
    _share_network(newest, network)
    return newest


def _newest(containers: Iterable[_Container]) -> list[_Container]:
    """One of each name: what was made anew with the same name is another container, and the old one's series go on."""
    found: dict[str, _Container] = {}
    for container in containers:
        before = found.setdefault(container.labels.get("name", ""), container)
        if _started(container) > _started(before):
            found[container.labels.get("name", "")] = container
    return list(found.values())


def _started(container: _Container) -> tuple[float, float]:
    get = container.figures.get
    return get("container_start_time_seconds", 0.0), get("container_last_seen", 0.0)


def _add(figures: Figures, metric: str, value: float) -> None:
    figures[metric] = figures.get(metric, 0.0) + value


def _pod(labels: Labels) -> tuple[str, str]:
    return text(labels, "namespace"), text(labels, "pod")


def _share_network(containers: list[_Container], network: Mapping[tuple[str, str], Figures]) -> None:
    """A pod's network is its containers' together: of several nobody knows whose the traffic is."""
    pods: dict[tuple[str, str], list[_Container]] = {}
    for container in containers:
        pods.setdefault(_pod(container.labels), []).append(container)
    for pod, figures in network.items():
        members = pods.get(pod, [])
        if len(members) == 1:
            members[0].figures.update(figures)


def _target(container: _Container, host: str) -> Target:
    labels, named, figures = container
    id = names.container_id(labels.get("id", "")) or names.container_id(labels.get("name", ""))
    return Target(
        id=f"{host}/{id or text(labels, 'id') or text(labels, 'name')}",
        name=named.replica,
        kind=Kind.CONTAINER,
        project=named.project,
        service=named.service,
        image=text(labels, "image") or None,
        started_at=moment(figures.get("container_start_time_seconds")),
        host=host,
    )


def _reading(figures: Figures, read_at: float, every_s: float) -> Reading:
    get = figures.get
    network = traffic(read_at, *(get(name) for name in wanted.CADVISOR_NETWORK))
    return Reading(
        read_at=read_at,
        cpu_usage_s=get(wanted.CADVISOR_CPU),
        cpu_limit_cores=_quota(get("container_spec_cpu_quota"), get("container_spec_cpu_period")),
        cpu_periods=whole(get("container_cpu_cfs_periods_total")),
        cpu_throttled_periods=whole(get("container_cpu_cfs_throttled_periods_total")),
        memory_usage_bytes=whole(get("container_memory_usage_bytes")),
        memory_anon_bytes=whole(get("container_memory_rss")),
        memory_file_bytes=whole(get("container_memory_cache")),
        # It writes 0 where there is no limit.
        memory_limit_bytes=above_zero(get("container_spec_memory_limit_bytes")),
        memory_working_set_bytes=whole(get("container_memory_working_set_bytes")),
        oom_kills=whole(get("container_oom_events_total")),
        threads=whole(get("container_threads")),
        network=network,
        disk=traffic(read_at, get("container_fs_reads_bytes_total"), get("container_fs_writes_bytes_total")),
        every_s=every_s,
    )


def _quota(quota: float | None, period: float | None) -> float | None:
    """Cores; both are microseconds."""
    return quota / period if quota is not None and quota > 0 and period else None


def _host(found: list[Series], machine: Machine) -> HostReading | None:
    figures = {s.labels.get("__name__", ""): s.value for s in found if s.labels.get("__name__") in wanted.MACHINE}
    cpus = whole(figures.get("machine_cpu_cores"))
    if cpus is None:
        return None
    return HostReading(
        machine.read_at, machine.name, cpus, memory_total_bytes=whole(figures.get("machine_memory_bytes"))
    )
