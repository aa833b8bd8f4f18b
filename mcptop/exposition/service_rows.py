"""A service as rows: its replicas, pools, queues and models. Figures that are too old are left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from mcptop.exposition.guide_rows import guide
from mcptop.exposition.names import Names, replica_of
from mcptop.exposition.row import Figure, Row, label, labels
from mcptop.model.flow import Model, Pool, Queue
from mcptop.model.frame import Service
from mcptop.model.instance import Instance, Sockets
from mcptop.model.snapshot import Counters, Reading
from mcptop.model.swarm import SwarmService, is_task
from mcptop.model.value import Value

_NO_READING = Reading(read_at=0.0)
_STATES = tuple(label("state", state) for state in Sockets.__struct_fields__)


class Late(Value, frozen=True):
    """From which age on figures are left out, in seconds."""

    replica_s: float = 15.0
    flow_s: float = 60.0
    """Pools, queues and models are looked at less often."""


def rows(service: Service, names: Names, readings: Mapping[str, Reading], late: Late) -> Iterator[Row]:
    """All of it. `readings` by the ids of the instances; without one its counters are absent."""
    of_service = labels(project=names.project, service=names.service, kind=names.kind)
    if service.swarm is not None:
        yield Row(of_service, _swarm(service.swarm))
    for instance, replica in zip(service.instances, names.replicas, strict=True):
        if is_task(instance.id):
            continue  # of another machine, whose own exporter has its figures; here it would count twice
        of_replica = f"{of_service},{label('replica', replica)}"
        yield from _replica(instance, of_replica, readings.get(instance.id, _NO_READING), late)
    shown = _fresh(service, late)
    if shown.pools or shown.queues or shown.models:
        yield from _flows(shown, of_service, replica_of(service, names))
    yield from guide(shown, names)


def _fresh(service: Service, late: Late) -> Service:
    """Without what is too old of its flows, and without the figures of replicas that are."""
    ages = [one.age_s for one in service.instances] + [one.age_s for one in service.pools]
    if not any(ages) and all(queue.age_s is None for queue in service.queues):
        return service
    return Service(
        service.project, service.name, service.kind, service.replicas,
        tuple(Instance(one.id, one.name) if (one.age_s or 0) > late.replica_s else one for one in service.instances),
        tuple(pool for pool in service.pools if (pool.age_s or 0) <= late.flow_s),
        tuple(queue for queue in service.queues if (queue.age_s or 0) <= late.flow_s),
        service.models,
        service.swarm,
    )  # fmt: skip


def _swarm(swarm: SwarmService) -> tuple[Figure, ...]:
    is_paused = swarm.update_state in ("paused", "rollback_paused")
    return (
        # The tasks of a job end: that fewer run is no lack.
        ("mcptop_swarm_desired_replicas", swarm.desired if swarm.has_replicas else None),
        ("mcptop_swarm_running_replicas", swarm.running),
        ("mcptop_swarm_failed_tasks", len(swarm.troubles) + swarm.troubles_left_out),
        ("mcptop_swarm_update_paused", int(is_paused)),
    )


def _replica(instance: Instance, of_replica: str, reading: Reading, late: Late) -> Iterator[Row]:
    known = labels(id=instance.id, image=instance.image, state=instance.state, health=instance.health)
    yield Row(f"{of_replica},{known}", (("mcptop_replica_info", 1),))
    is_running = instance.state == "running"
    facts: tuple[Figure, ...] = (
        ("mcptop_replica_running", int(is_running)),
        ("mcptop_replica_healthy", {"healthy": 1, "unhealthy": 0}.get(instance.health or "")),
        ("mcptop_replica_asked_to_stop", 1 if instance.asked_to_stop else None),
    )
    if instance.age_s is not None and instance.age_s > late.replica_s:
        yield Row(of_replica, facts)
        return
    yield Row(of_replica, (*facts, *_gauges(instance), *_memory(instance), *_counters(instance, reading)))
    if instance.sockets is not None:
        for state, count in zip(_STATES, msgspec.structs.astuple(instance.sockets), strict=True):
            yield Row(f"{of_replica},{state}", (("mcptop_replica_sockets", count),))


def _gauges(instance: Instance) -> tuple[Figure, ...]:
    cpu = instance.cpu
    started = instance.started_at
    return (
        ("mcptop_replica_start_time_seconds", None if started is None else started.timestamp()),
        ("mcptop_replica_exit_code", instance.exit_code),
        ("mcptop_replica_cpu_usage_cores", cpu.cores),
        ("mcptop_replica_cpu_limit_cores", cpu.limit_cores or None),
        ("mcptop_replica_cpu_throttled_ratio", cpu.throttled_ratio),
        ("mcptop_replica_cpu_pressure_some_ratio", cpu.pressure_some_avg10),
        ("mcptop_replica_io_pressure_some_ratio", instance.disk.pressure_some_avg10),
        ("mcptop_replica_open_fds", instance.fds.open),
        ("mcptop_replica_fds_limit_ratio", instance.fds.limit_ratio),
        ("mcptop_replica_threads", instance.threads),
        ("mcptop_replica_pids", instance.pids),
        ("mcptop_replica_pids_limit", instance.pids_limit),
    )


def _memory(instance: Instance) -> tuple[Figure, ...]:
    memory = instance.memory
    return (
        ("mcptop_replica_memory_working_set_bytes", memory.working_set_bytes),
        ("mcptop_replica_memory_anon_bytes", memory.anon_bytes),
        ("mcptop_replica_memory_file_bytes", memory.file_bytes),
        ("mcptop_replica_memory_shmem_bytes", memory.shmem_bytes),
        ("mcptop_replica_memory_usage_bytes", memory.usage_bytes),
        ("mcptop_replica_memory_limit_bytes", memory.limit_bytes or None),
        ("mcptop_replica_memory_pressure_some_ratio", memory.pressure_some_avg10),
    )


def _counters(instance: Instance, reading: Reading) -> tuple[Figure, ...]:
    received, sent = _sums(reading.network)
    read, written = _sums(reading.disk)
    return (
        ("mcptop_replica_cpu_usage_seconds_total", reading.cpu_usage_s),
        ("mcptop_replica_cpu_periods_total", reading.cpu_periods),
        ("mcptop_replica_cpu_throttled_periods_total", reading.cpu_throttled_periods),
        ("mcptop_replica_network_receive_bytes_total", received),
        ("mcptop_replica_network_transmit_bytes_total", sent),
        ("mcptop_replica_disk_read_bytes_total", read),
        ("mcptop_replica_disk_written_bytes_total", written),
        ("mcptop_replica_restarts_total", instance.restarts),
        ("mcptop_replica_oom_kills_total", instance.oom_kills),
    )


def _sums(counters: Counters | None) -> tuple[int | None, int | None]:
    if counters is None:
        return None, None
    return sum(part.inward for part in counters.parts), sum(part.outward for part in counters.parts)


def _flows(service: Service, of_service: str, replicas: Mapping[str | None, str]) -> Iterator[Row]:
    def of(instance: str | None) -> str:
        return f"{of_service},{label('replica', replicas.get(instance) or instance)}"

    for pool in service.pools:
        known = labels(
            pool=pool.name, pool_kind=pool.kind, peer=pool.peer, source=pool.source, confidence=pool.confidence
        )
        yield Row(f"{of(pool.instance)},{known}", _pool(pool))
    for queue in service.queues:
        known = labels(queue=queue.name, queue_kind=queue.kind, source=queue.source, confidence=queue.confidence)
        yield Row(f"{of(queue.instance)},{known}", _queue(queue))
    # Two sources may tell of one model; the first is the better one.
    models = {(model.instance, model.id): model for model in reversed(service.models)}
    for model in models.values():
        yield Row(f"{of(model.instance)},{label('model', model.id)}", _model(model))


def _pool(pool: Pool) -> tuple[Figure, ...]:
    return (
        ("mcptop_pool_in_use", pool.in_use),
        ("mcptop_pool_idle", pool.idle),
        ("mcptop_pool_open", pool.open),
        ("mcptop_pool_max", pool.max),
        ("mcptop_pool_waiting", pool.waiting),
        ("mcptop_pool_wait_seconds", pool.wait_s),
        ("mcptop_pool_longest_seconds", pool.longest_s),
        ("mcptop_pool_idle_in_transaction", pool.idle_in_transaction),
        ("mcptop_pool_idle_in_transaction_seconds", pool.idle_in_transaction_s),
        ("mcptop_pool_connecting", pool.connecting),
        ("mcptop_pool_close_wait", pool.close_wait),
        ("mcptop_pool_timeouts_total", pool.timeouts),
    )


def _queue(queue: Queue) -> tuple[Figure, ...]:
    return (
        ("mcptop_queue_depth", queue.depth),
        ("mcptop_queue_in_flight", queue.in_flight),
        ("mcptop_queue_capacity", queue.capacity),
        ("mcptop_queue_oldest_age_seconds", queue.oldest_age_s),
        ("mcptop_queue_in_per_second", queue.in_per_s),
        ("mcptop_queue_out_per_second", queue.out_per_s),
        ("mcptop_queue_rejected_total", queue.rejected),
    )


def _model(model: Model) -> tuple[Figure, ...]:
    return (
        ("mcptop_model_memory_bytes", model.memory_bytes),
        ("mcptop_model_vram_bytes", model.vram_bytes),
        ("mcptop_model_limit_bytes", model.limit_bytes or None),
    )
