"""The figures of one row: of an instance, or summed over several. Unknown stays None.

A sum counts what is known and is None when nothing is. Shares, pressure and throttling do not add up: there a
row shows its worst instance.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from mcptop.model.frame import Service
from mcptop.model.instance import Instance
from mcptop.presentation import flows
from mcptop.presentation.flows import NO_FLOW, Flow

Number = float | int | None


class Figures(Struct, frozen=True, eq=False, gc=False):
    """Everything a row can show as a number."""

    cores: float | None = None
    limit_cores: float | None = None
    cpu_ratio: float | None = None
    throttled: float | None = None
    cpu_pressure: float | None = None
    memory_pressure: float | None = None
    io_pressure: float | None = None
    working_set: Number = None
    memory_limit: Number = None
    memory_ratio: float | None = None
    """Share of the limit; of all limits together in a sum."""
    memory_worst: float | None = None
    """Share of its limit of the instance nearest to it."""
    anon: Number = None
    trend: float | None = None
    rx: float | None = None
    tx: float | None = None
    network: float | None = None
    read: float | None = None
    write: float | None = None
    disk: float | None = None
    established: Number = None
    close_wait: Number = None
    fds: Number = None
    fds_ratio: float | None = None
    pids: Number = None
    restarts: Number = None
    oom_kills: Number = None
    started_at: datetime | None = None
    """The latest start: a service is as old as its youngest instance."""
    age_s: float | None = None
    flow: Flow = NO_FLOW
    """Pools and queues."""
    hosts: frozenset[str] = frozenset()
    """The machines, where these are others than the one mcptop looks from."""


NOTHING = Figures()
_NO_HOSTS: frozenset[str] = frozenset()


def of_service(service: Service, flow: Flow) -> Figures:
    """The figures of all its instances, with its pools and queues."""
    if len(service.instances) == 1:
        return of_instance(service.instances[0], flow)
    whole = total([of_instance(instance) for instance in service.instances])
    return replace(whole, flow=flow) if flow else whole


def of_instance(instance: Instance, flow: Flow = NO_FLOW) -> Figures:
    """The figures of one instance, with its pools and queues."""
    cpu, memory, network, disk = instance.cpu, instance.memory, instance.network, instance.disk
    rx, tx, read, write = (
        network.rx_bytes_per_s,
        network.tx_bytes_per_s,
        disk.read_bytes_per_s,
        disk.write_bytes_per_s,
    )
    sockets = instance.sockets
    return Figures(
        cpu.cores,
        cpu.limit_cores,
        cpu.limit_ratio,
        cpu.throttled_ratio,
        cpu.pressure_some_avg10,
        memory.pressure_some_avg10,
        disk.pressure_some_avg10,
        memory.working_set_bytes,
        memory.limit_bytes,
        memory.limit_ratio,
        memory.limit_ratio,
        memory.anon_bytes,
        memory.trend_bytes_per_s,
        rx,
        tx,
        _both(rx, tx),
        read,
        write,
        _both(read, write),
        None if sockets is None else sockets.established,
        None if sockets is None else sockets.close_wait,
        instance.fds.open,
        instance.fds.limit_ratio,
        # What the kernel's limit on pids counts: threads, and zombies with them.
        instance.threads if instance.threads is not None else instance.pids,
        instance.restarts,
        instance.oom_kills,
        instance.started_at,
        instance.age_s,
        flow,
        _NO_HOSTS if instance.host is None else frozenset((instance.host,)),
    )


def total(parts: Sequence[Figures]) -> Figures:
    """One set of figures for several."""
    if len(parts) < 2:
        return _at_most_one(parts)
    used, limit = _sum(p.working_set for p in parts), _sum_of_all(p.memory_limit for p in parts)
    cores, limit_cores = _sum(p.cores for p in parts), _sum_of_all(p.limit_cores for p in parts)
    return Figures(
        cores,
        limit_cores,
        _worst(p.cpu_ratio for p in parts),
        _worst(p.throttled for p in parts),
        _worst(p.cpu_pressure for p in parts),
        _worst(p.memory_pressure for p in parts),
        _worst(p.io_pressure for p in parts),
        used,
        limit,
        used / limit if used is not None and limit else None,
        _worst(p.memory_worst for p in parts),
        _sum(p.anon for p in parts),
        _sum(p.trend for p in parts),
        _sum(p.rx for p in parts),
        _sum(p.tx for p in parts),
        _sum(p.network for p in parts),
        _sum(p.read for p in parts),
        _sum(p.write for p in parts),
        _sum(p.disk for p in parts),
        _sum(p.established for p in parts),
        _sum(p.close_wait for p in parts),
        _sum(p.fds for p in parts),
        _worst(p.fds_ratio for p in parts),
        _sum(p.pids for p in parts),
        _sum(p.restarts for p in parts),
        _sum(p.oom_kills for p in parts),
        max((p.started_at for p in parts if p.started_at is not None), default=None),
        _worst(p.age_s for p in parts),
        flows.total([p.flow for p in parts if p.flow is not NO_FLOW]),
        _NO_HOSTS.union(*(p.hosts for p in parts if p.hosts)),
    )


def _at_most_one(parts: Sequence[Figures]) -> Figures:
    if not parts:
        return NOTHING
    (only,) = parts
    return only if only.flow is NO_FLOW else replace(only, flow=flows.total([only.flow]))


def _both(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return one if other is None else other
    return one + other


def _sum(values: Iterable[Number]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _sum_of_all(values: Iterable[Number]) -> float | None:
    """A limit of the whole exists only if every part has one."""
    known = list(values)
    return None if None in known else sum(value for value in known if value is not None)


def _worst(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
