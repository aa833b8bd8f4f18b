"""Every metric family that mcptop exports: name, type, labels, meaning. Who reads them back uses the same table.

Names follow Prometheus' rules: base units, `_total` for counters, `_ratio` (0..1) and never percent. The guide's own
names stand beside them, as it wrote them, so that its dashboards go on working. Labels are never called `instance`
or `job`: those are Prometheus' own.
"""

from __future__ import annotations

from enum import StrEnum

from mcptop.model.value import Value


class Type(StrEnum):
    """What kind of number it is."""

    GAUGE = "gauge"
    COUNTER = "counter"


class Family(Value, frozen=True):
    """One metric."""

    name: str
    type: Type
    labels: tuple[str, ...]
    help: str
    """One line, with its unit."""


REPLICA = ("project", "service", "kind", "replica")
"""A replica by the names mcptop shows; `kind` is container, process or server."""
POOL = ("project", "service", "kind", "replica", "pool", "pool_kind", "peer", "source", "confidence")
QUEUE = ("project", "service", "kind", "replica", "queue", "queue_kind", "source", "confidence")
"""`replica` is empty for a pool or queue of the service as a whole."""
MODEL = ("project", "service", "kind", "replica", "model")
SERVICE = ("project", "service", "kind")


def _gauges(prefix: str, labels: tuple[str, ...], **families: str) -> tuple[Family, ...]:
    return tuple(Family(f"{prefix}{name}", Type.GAUGE, labels, says) for name, says in families.items())


def _counters(prefix: str, labels: tuple[str, ...], **families: str) -> tuple[Family, ...]:
    return tuple(Family(f"{prefix}{name}_total", Type.COUNTER, labels, says) for name, says in families.items())


REPLICAS = (
    *_gauges("mcptop_replica_", (*REPLICA, "id", "image", "state", "health"),
             info="1; what a replica is: its id, image, the engine's word for its state, its health"),
    *_gauges("mcptop_replica_", REPLICA,
             running="1 while it runs, else 0",
             healthy="1 healthy, 0 unhealthy; absent without a health check or while it starts",
             start_time_seconds="Unix time of its latest start",
             asked_to_stop="1 where somebody had it stopped while mcptop looked, so that it did not fail; else absent",
             exit_code="exit code of the last run that ended; absent if none did",
             cpu_usage_cores="cores used over the last sample of mcptop",
             cpu_limit_cores="CPU quota in cores; absent without one",
             cpu_throttled_ratio="share of scheduler periods in which the quota held it back, last sample",
             cpu_pressure_some_ratio="share of the last 10 s in which some task waited for a CPU",
             memory_working_set_bytes="memory in use without pages of files that can be dropped at once",
             memory_anon_bytes="anonymous memory: what no cache can give back",
             memory_file_bytes="pages of files",
             memory_shmem_bytes="shared memory and tmpfs",
             memory_usage_bytes="memory charged, pages of files included",
             memory_limit_bytes="its own memory limit; absent without one, never 0",
             memory_pressure_some_ratio="share of the last 10 s in which some task waited for memory",
             io_pressure_some_ratio="share of the last 10 s in which some task waited for I/O",
             open_fds="open files and sockets of all its processes",
             fds_limit_ratio="open files of the process nearest to its own limit, as a share of that limit",
             threads="threads",
             pids="processes and threads as the kernel counts them",
             pids_limit="limit of those; absent without one"),
    *_gauges("mcptop_replica_", (*REPLICA, "state"), sockets="TCP sockets of its network namespace, by state"),
    *_counters("mcptop_replica_", REPLICA,
               cpu_usage_seconds="CPU time used",
               cpu_periods="scheduler periods in which its quota counted",
               cpu_throttled_periods="of those the ones in which the quota held it back",
               network_receive_bytes="bytes received, all interfaces but loopback",
               network_transmit_bytes="bytes sent, all interfaces but loopback",
               disk_read_bytes="bytes read from block devices",
               disk_written_bytes="bytes written to block devices",
               restarts="restarts, as the engine counts them",
               oom_kills="kills for lack of memory"),
)  # fmt: skip
POOLS = (
    *_gauges("mcptop_pool_", POOL,
             in_use="places in use",
             idle="places open and free",
             open="connections there are, in use or idle, where these were counted",
             max="how many may be in use at once; absent where nobody knows",
             waiting="callers that wait for a place",
             wait_seconds="how long a caller waits: mean of those whose wait ended lately, or age of the oldest",
             longest_seconds="age of the oldest request under way",
             idle_in_transaction="connections idle inside an open transaction",
             idle_in_transaction_seconds="age of the oldest such transaction",
             connecting="connections not answered yet (SYN_SENT)",
             close_wait="connections the peer closed and the service did not"),
    *_counters("mcptop_pool_", POOL, timeouts="callers that waited in vain"),
)  # fmt: skip
QUEUES = (
    *_gauges("mcptop_queue_", QUEUE,
             depth="entries that wait",
             in_flight="entries taken and not finished",
             capacity="how many may wait; absent where there is no bound",
             oldest_age_seconds="how long the first in line has waited",
             in_per_second="entries that came, a second",
             out_per_second="entries taken, a second"),
    *_counters("mcptop_queue_", QUEUE, rejected="entries turned away because it was full"),
)  # fmt: skip
MODELS = _gauges("mcptop_model_", MODEL,
                 memory_bytes="memory of a loaded model",
                 vram_bytes="the part of it on a GPU",
                 limit_bytes="what it may take: the memory limit of its runner")  # fmt: skip
BUDGETS = _gauges("mcptop_connection_budget_", ("project", "server"),
                  wanted="connections that the pools of all its clients may take together",
                  allowed="connections the server gives to ordinary clients")  # fmt: skip
SWARM = (
    *_gauges("mcptop_swarm_", SERVICE,
             desired_replicas="tasks the service should have; absent for a job, whose tasks end",
             running_replicas="tasks that run now, on all nodes",
             failed_tasks="tasks that ended with an error, or cannot start, of the last minutes",
             update_paused="1 while an update, or the way back from one, is paused; else 0"),
    *_gauges("mcptop_swarm_", ("node", "role"),
             node_ready="1 while the managers hear from a node, 0 when it is down, disconnected or unreachable"),
)  # fmt: skip
HOST = (
    *_gauges("mcptop_host_", ("host",),
             cpus="processors",
             cpu_usage_ratio="busy share of all processors, last sample",
             memory_total_bytes="memory there is",
             memory_available_bytes="memory that can be had without swapping",
             swap_total_bytes="swap space there is",
             swap_free_bytes="swap space that is free",
             load1="load average of one minute"),
    *_gauges("mcptop_host_", ("host", "resource"),
             pressure_some_ratio="share of the last 10 s in which some task waited for cpu, memory, io",
             pressure_full_ratio="share of the last 10 s in which all tasks waited"),
    *_gauges("mcptop_filesystem_", ("host", "mount", "device"),
             size_bytes="size of a file system",
             avail_bytes="what users may still write to it",
             used_ratio="used share, as df computes it"),
)  # fmt: skip
ALERTS = _gauges("mcptop_", ("rule", "severity", "project", "service", "kind", "replica", "subject"),
                 alert="1 for each alert of mcptop's own that fires")  # fmt: skip
OWN = (
    *_gauges("mcptop_", ("version", "host", "engine"), build_info="1; mcptop itself, and the machine it looks at"),
    *_gauges("mcptop_source_", ("source",), up="1 while a source of mcptop answers, 0 when it is broken"),
    *_gauges("mcptop_", (),
             sample_timestamp_seconds="Unix time of the sample that this page shows",
             sample_duration_seconds="how long that sample took",
             resident_memory_bytes="memory of mcptop itself",
             dropped_series="series left out because a bound was reached"),
)  # fmt: skip
GUIDE = (
    *_gauges("mcp_service_", ("service", "project", "replica"),
             memory_bytes="the guide's name: working set in bytes",
             cpu_percent="the guide's name: CPU in percent of ONE core, as psutil counts; 200 is two cores"),
    *_gauges("mcp_service_", ("service", "mount"),
             disk_bytes="the guide's name: bytes used on a file system of the host that `service` names"),
    *_gauges("mcp_connection_pool_", ("service", "project", "replica", "pool"),
             size="the guide's name: how many may be in use at once, overflow included",
             active="the guide's name: in use"),
    *_gauges("mcp_model_", ("model_id", "service", "project", "replica"),
             memory_bytes="the guide's name: memory of a loaded model"),
    *_gauges("mcp_model_", ("model_id", "service", "project", "replica"),
             inference_queue_size="the guide's name: requests that wait for a model; model_id empty: for any"),
)  # fmt: skip

FAMILIES: tuple[Family, ...] = (
    *REPLICAS, *POOLS, *QUEUES, *MODELS, *BUDGETS, *SWARM, *HOST, *ALERTS, *OWN, *GUIDE,
)  # fmt: skip
"""All of them, in the order of the page."""
BY_NAME = {family.name: family for family in FAMILIES}
