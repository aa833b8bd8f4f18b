"""Snapshots to what a frame shows: rates joined with facts, instances grouped into services, series kept.

Holds the previous readings and writes the history; the monitor is its only caller.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from operator import is_

import msgspec

from mcptop import rates
from mcptop.analysis import budget, trend
from mcptop.flows import FlowAssembler, Flows
from mcptop.history import GROUP_METRICS, INSTANCE_METRICS, History, Until
from mcptop.model.flow import Budget
from mcptop.model.frame import Service
from mcptop.model.instance import Disk, Instance, Memory
from mcptop.model.snapshot import Reading, Snapshot, Target
from mcptop.model.swarm import Swarm, SwarmService
from mcptop.model.value import Kind
from mcptop.sources import pool_settings

_TREND_TICKS = 15
_NO_FDS = Instance(id="", name="").fds
_NO_DISK = Disk()
_NOTHING = Snapshot(datetime.fromtimestamp(0, UTC), 0.0, None, (), {}, {}, {}, (), {})

_Key = tuple[str | None, str, Kind]
"""Project, name and kind of a service."""


class Assembler:
    """Turns one snapshot after the other into services."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._previous = _NOTHING
        self._facts: dict[str, Target] = {}
        self._slots: dict[str, int] = {}
        """Which of the trend's ticks is an instance's turn."""
        self._services: dict[_Key, Service] = {}
        self._instances: dict[str, Instance] = {}
        self._trends: dict[str, float | None] = {}
        self._targets: tuple[Target, ...] = ()
        self._groups: list[tuple[_Key, list[Target]]] = []
        self._swarm: Swarm | None = None
        self._swarm_services: dict[_Key, SwarmService] = {}
        self._flows = FlowAssembler(history)
        self._budgets: tuple[Budget, ...] = ()
        self._budgeted: tuple[Service, ...] = ()

    def services(self, snapshot: Snapshot) -> tuple[Service, ...]:
        """All services, containers first, by project and name."""
        if snapshot.swarm is not self._swarm or not _same_items(snapshot.targets, self._targets):
            self._targets, self._swarm = snapshot.targets, snapshot.swarm
            self._swarm_services = _of_swarm(snapshot.swarm)
            self._groups = _group(snapshot.targets, self._swarm_services)
        instances = {target.id: self._instance(target, snapshot) for target in snapshot.targets}
        self._previous, self._instances = snapshot, instances
        if len(self._facts) > len(instances):
            self._facts = {key: value for key, value in self._facts.items() if key in instances}
            self._slots = {key: value for key, value in self._slots.items() if key in instances}
            self._trends = {key: value for key, value in self._trends.items() if key in instances}
        self._flows.forget(snapshot)
        self._services = {key: self._service(key, members, snapshot) for key, members in self._groups}
        services = tuple(self._services.values())
        self._remember_groups(services)
        return services

    def budgets(self, services: tuple[Service, ...]) -> tuple[Budget, ...]:
        """Of the databases among the services just made."""
        flows = self._previous.flows.values()
        if any(reading.every_s is not None for readings in flows for reading in readings):
            # Who only tells figures does not tell how many processes a replica has, each with pools of its own.
            return ()
        flowing = tuple(service for service in services if service.pools)
        if not _same_items(flowing, self._budgeted):
            self._budgeted = flowing
            workers = {
                self._services[key].key: max(pool_settings.processes(target.environment) for target in members)
                for key, members in self._groups
                if self._services[key].pools
            }
            self._budgets = budget.budgets(flowing, workers)
        return self._budgets

    def _service(self, key: _Key, members: list[Target], snapshot: Snapshot) -> Service:
        service = self._grouped(key, members, self._flows.of(members, snapshot))
        self._flows.remember(service)
        return service

    def _grouped(self, key: _Key, members: list[Target], flows: Flows) -> Service:
        instances = tuple(self._instances[target.id] for target in members)
        before = self._services.get(key)
        swarm = self._swarm_services.get(key)
        if (
            before is not None
            and before.swarm is swarm
            and _same_items(before.instances, instances)
            and _flows_of(before) == flows
        ):
            self._history.repeat(before.key)
            return before
        project, name, kind = key
        replicas = sum(instance.state in ("running", "paused") for instance in instances)
        service = Service(project, name, kind, replicas, instances, flows.pools, flows.queues, flows.models, swarm)
        self._history.add(service.key, GROUP_METRICS, _totals(instances))
        return service

    def _instance(self, target: Target, snapshot: Snapshot) -> Instance:
        key, previous = target.id, self._previous
        old, new = previous.readings.get(key), snapshot.readings.get(key)
        before = self._instances.get(key)
        age_s = round(snapshot.monotonic - snapshot.stale[key], 1) if key in snapshot.stale else None
        if before is not None and age_s is not None and old is new:
            # The source is late: the last figures stand, with their age, instead of a rate over no time.
            return msgspec.structs.replace(
                before, age_s=age_s, state=target.state, health=target.health, health_output=target.health_output
            )
        fds, sockets = snapshot.files.get(key, _NO_FDS), snapshot.sockets.get(key)
        tick = self._history.tick
        slot = self._slots.setdefault(key, len(self._slots) % _TREND_TICKS)
        trend_due = tick >= _TREND_TICKS and tick % _TREND_TICKS == slot
        if (
            before is not None
            and old is new
            and before.age_s == age_s
            and (new is None or before.cpu.cores == 0 or new.every_s is not None)
            and fds is before.fds
            and sockets is before.sockets
            and not trend_due
            and self._facts.get(key) is target
        ):
            self._history.repeat(key)
            return before
        if trend_due:
            self._trends[key] = self._trend(key)
        self._facts[key] = target
        if new is None:
            new = Reading(read_at=snapshot.monotonic)
        instance = Instance(
            id=key,
            name=target.name,
            pid=target.pid,
            state=target.state,
            health=target.health,
            health_output=target.health_output,
            image=target.image,
            started_at=target.started_at,
            restarts=target.restarts,
            oom_kills=_oom_kills(target, new),
            exit_code=target.exit_code,
            asked_to_stop=target.asked_to_stop,
            cpu=before.cpu
            if before is not None and old is new and new.every_s is not None
            else rates.cpu(old, new, target.cpu_limit_cores),
            memory=self._memory(target, new),
            network=rates.network_now(before.network if before else None, old.network if old else None, new.network),
            disk=_disk(before, old, new),
            pids=new.pids,
            threads=new.threads,
            pids_limit=new.pids_limit,
            fds=fds,
            sockets=sockets,
            metrics_url=snapshot.endpoints.get(key),
            age_s=age_s,
            host=target.host,
        )
        self._remember(instance)
        return instance

    def _memory(self, target: Target, new: Reading) -> Memory:
        usage, inactive = new.memory_usage_bytes, new.memory_inactive_file_bytes
        working_set = new.memory_working_set_bytes
        if usage is not None and inactive is not None:
            working_set = max(0, usage - inactive)
        limit = new.memory_limit_bytes or target.memory_limit_bytes
        return Memory(
            working_set_bytes=working_set,
            anon_bytes=new.memory_anon_bytes,
            file_bytes=new.memory_file_bytes,
            shmem_bytes=new.memory_shmem_bytes,
            usage_bytes=usage,
            limit_bytes=limit,
            limit_ratio=rates.ratio(working_set, limit),
            trend_bytes_per_s=self._trends.get(target.id),
            pressure_some_avg10=new.memory_pressure.some_avg10 if new.memory_pressure else None,
        )

    def _trend(self, identity: str) -> float | None:
        series, count = Until(self._history), self._history.tick + 1
        return trend.slope(series.times(count), series.tail(identity, "memory.anon", count))

    def _remember(self, instance: Instance) -> None:
        network, disk = instance.network, instance.disk
        values = (
            instance.cpu.cores,
            instance.memory.working_set_bytes,
            instance.memory.anon_bytes,
            network.rx_bytes_per_s,
            network.tx_bytes_per_s,
            disk.read_bytes_per_s,
            disk.write_bytes_per_s,
            instance.fds.open,
        )
        self._history.add(instance.id, INSTANCE_METRICS, values)

    def _remember_groups(self, services: Iterable[Service]) -> None:
        groups: dict[str, list[Instance]] = {}
        for service in services:
            groups.setdefault(service.group_key, []).extend(service.instances)
        for key, instances in groups.items():
            self._history.add(key, GROUP_METRICS, _totals(instances))


def _flows_of(service: Service) -> Flows:
    return Flows(service.pools, service.queues, service.models)


def _same_items(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    return len(one) == len(other) and all(map(is_, one, other))


def _totals(instances: Iterable[Instance]) -> tuple[float | None, float | None]:
    """CPU cores and working set of several instances: what is known, or None."""
    cores = [i.cpu.cores for i in instances if i.cpu.cores is not None]
    memory = [i.memory.working_set_bytes for i in instances if i.memory.working_set_bytes is not None]
    return sum(cores) if cores else None, sum(memory) if memory else None


def _of_swarm(swarm: Swarm | None) -> dict[_Key, SwarmService]:
    """Swarm's services by what their containers' service is called."""
    return {(each.stack, each.service, Kind.CONTAINER): each for each in swarm.services} if swarm is not None else {}


def _group(targets: Iterable[Target], also: Iterable[_Key]) -> list[tuple[_Key, list[Target]]]:
    """Services with their targets; those of `also` are there without any as well."""
    groups: dict[_Key, list[Target]] = {key: [] for key in also}
    for target in targets:
        groups.setdefault((target.project, target.service, target.kind), []).append(target)
    for members in groups.values():
        members.sort(key=lambda target: (target.name, target.id))
    return sorted(groups.items(), key=lambda item: (item[0][2], item[0][0] is None, item[0][0] or "", item[0][1]))


def _oom_kills(target: Target, reading: Reading) -> int | None:
    """The larger of the kernel's count and the engine's: each can miss kills that the other saw."""
    if target.kind is not Kind.CONTAINER:
        return None
    said = max(target.oom_events, int(target.oom_killed))
    if reading.oom_kills is None:
        # A container that does not run has no cgroup to count in; what the engine says is all there is, once it does.
        is_known = target.restarts is not None and target.state != "running"
        return said if said or is_known else None
    return max(reading.oom_kills, said)


def _disk(before: Instance | None, old: Reading | None, new: Reading) -> Disk:
    """Block counters are read on slow ticks only; between two of them the last rate stands."""
    if new.disk is None:
        return _NO_DISK
    if before is not None and old is not None and old.disk is new.disk:
        return before.disk
    disk = rates.disk(old.disk if old else None, new.disk)
    if new.io_pressure is None:
        return disk
    return msgspec.structs.replace(disk, pressure_some_avg10=new.io_pressure.some_avg10)
