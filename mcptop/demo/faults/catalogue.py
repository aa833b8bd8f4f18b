"""All faults and controls, in the order people are shown them, and how one is named on the command line."""

from __future__ import annotations

import difflib

from mcptop.demo.faults import (
    connections,
    containers,
    cpu,
    files,
    load,
    memory,
    memory_controls,
    processes,
    queues,
    stalls,
    storage,
)
from mcptop.demo.faults.fault import Dose, Fault, FaultError

FAULTS: tuple[Fault, ...] = (
    memory.cache_leak,
    memory.fragmentation,
    memory.shm_growth,
    processes.thread_leak,
    files.fd_leak,
    connections.connection_leak,
    connections.connection_churn,
    connections.db_pool_too_small,
    connections.connection_held,
    stalls.event_loop_blocked,
    cpu.cpu_hot_loop,
    cpu.gil_contention,
    cpu.hot_path,
    cpu.busy_wait,
    cpu.gc_pauses,
    stalls.deadlock,
    stalls.lock_contention,
    stalls.thread_pool_exhausted,
    stalls.slow_downstream,
    queues.retry_storm,
    queues.slow_consumer,
    queues.batch_never_fills,
    queues.cache_thrash,
    storage.fsync_writer,
    storage.log_flood,
    storage.deleted_open_file,
    processes.zombies,
    connections.accept_backlog,
    containers.cpu_throttled,
    containers.memory_limit_too_low,
    containers.noisy_neighbour_cpu,
    containers.noisy_neighbour_disk,
    containers.crash_loop,
    containers.unhealthy,
    memory_controls.page_cache,
    memory_controls.warm_up,
    memory_controls.bounded_cache,
    memory_controls.gc_sawtooth,
    load.load_ramp,
    load.steady_high_load,
    load.quiet,
    connections.idle_keepalive,
    connections.busy_pool,
    processes.many_threads,
    files.many_files,
    storage.log_rotation,
    cpu.batch_job,
)

BY_NAME = {fault.name: fault for fault in FAULTS}


def parse(text: str) -> tuple[Fault, dict[str, Dose]]:
    """`NAME` or `NAME:key=value,key=value`. Raises `FaultError` with what was meant, perhaps."""
    name, _, dose = text.partition(":")
    found = BY_NAME.get(name)
    if found is None:
        near = difflib.get_close_matches(name, BY_NAME, 1)
        hint = f"did you mean {near[0]}?" if near else "see `mcptop demo --list-faults`"
        raise FaultError(f"there is no fault `{name}`; {hint}")
    return found, found.dose(dose)
