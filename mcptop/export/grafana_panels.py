"""The panels of the dashboard: what each shows, in which unit, and by which rule it is judged.

The guide's three are here corrected: memory in bytes against each service's own limit, CPU in cores and as a share of
the quota, pools against their maximum with those who wait.
"""

from __future__ import annotations

from typing import NamedTuple

from mcptop.alerts import rules as shipped
from mcptop.model.rule import Rule, RuleSet

_SERVICES = 'project=~"$project",service=~"$service"'
_ON_HOST = 'and on (job, instance) mcptop_build_info{host=~"$host"}'
"""Of the exporters on the hosts chosen: only this family and those of the host have that label."""
_NONE = f"0 * count(mcptop_source_up {_ON_HOST})"
"""0 while an exporter tells of fresh samples; nothing where none does: who cannot look has found nothing out."""
_BY = "by (project, service)"
_REPLICA = "{{service}} {{replica}}"
_POOL, _QUEUE = f"{_REPLICA} {{{{pool}}}}", f"{_REPLICA} {{{{queue}}}}"
_RATE = "[$__rate_interval]"


class Query(NamedTuple):
    """One expression of a panel, and what its series are called."""

    expr: str
    legend: str = ""
    is_bound: bool = False
    """A limit of the others: its legend ends with ` limit`, ` max`, ` desired` or ` allowed`."""


class Panel(NamedTuple):
    """One picture."""

    kind: str
    """timeseries, stat, gauge, bargauge, table."""
    title: str
    unit: str
    """Grafana's name of it."""
    queries: tuple[Query, ...]
    says: str
    rule: Rule | None = None
    """Where its thresholds come from."""
    axis: str = ""
    width: int = 8
    height: int = 8


class Section(NamedTuple):
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]


def sections(rules: RuleSet) -> tuple[Section, ...]:
    """All of them, with the thresholds of these rules."""
    return (
        Section("Problems", _problems()),
        Section("Memory, CPU, pools", (*_memory(rules), *_cpu(rules), *_pools(rules))),
        Section("Queues", _queues(rules)),
        Section("Replicas", _replicas(rules)),
        Section("Models", _models()),
        Section("Swarm", _swarm()),
        Section("Machine", _machine(rules)),
        Section("mcptop itself", _own()),
    )


def _of(name: str, more: str = "") -> str:
    """A family of services, of those chosen."""
    return f"({name}{{{_SERVICES}{',' if more else ''}{more}}} {_ON_HOST})"


def _rate(name: str) -> str:
    return f"(rate({name}{{{_SERVICES}}}{_RATE}) {_ON_HOST})"


def _grown(name: str, span: str) -> str:
    return f"(increase({name}{{{_SERVICES}}}[{span}]) {_ON_HOST})"


def _sum(expr: str) -> str:
    return f"sum {_BY} {expr}"


def _number(title: str, expr: str, says: str, rule: Rule | None = None, unit: str = "short") -> Panel:
    return Panel("stat", title, unit, (Query(expr),), says, rule, width=4, height=4)


def _any(severity: str) -> Rule:
    """One is too many."""
    return Rule("any", "", "", warning=1) if severity == "warning" else Rule("any", "", "", critical=1)


def _problems() -> tuple[Panel, ...]:
    critical, warning = (_of("mcptop_alert", f'severity="{severity}"') for severity in ("critical", "warning"))
    late = Rule("late", "", "", warning=15, critical=60)
    return (
        _number("Critical", f"count({critical}) or {_NONE}", "Alerts of mcptop's own that fire.", _any("critical")),
        _number("Warnings", f"count({warning}) or {_NONE}", "Alerts of mcptop's own that fire.", _any("warning")),
        _number("Running replicas", f"sum({_of('mcptop_replica_running')})", "Containers and processes that run."),
        _number("Unhealthy", f"count({_of('mcptop_replica_healthy')} == 0) or {_NONE}",
                "Replicas whose health check fails.", _any("critical")),
        _number("Broken sources", f"count((mcptop_source_up {_ON_HOST}) == 0) or {_NONE}",
                "What mcptop cannot look at; `mcptop doctor` says why.", _any("warning")),
        _number("Age of the newest sample", f"max(time() - (mcptop_sample_timestamp_seconds {_ON_HOST}))",
                "Grows while mcptop is stuck, or while its clock and Prometheus' differ.", late, "s"),
        Panel("table", "What is wrong", "short", (Query(_of("mcptop_alert")),),
              "Every alert of mcptop's own that fires, by rule and service.", width=24),
    )  # fmt: skip


def _memory(rules: RuleSet) -> tuple[Panel, ...]:
    used, limit = "mcptop_replica_memory_working_set_bytes", "mcptop_replica_memory_limit_bytes"
    return (
        Panel("timeseries", "Memory by service", "bytes", (
            Query(_sum(_of(used)), "{{service}}"), Query(_sum(_of(limit)), "{{service}} limit", True),
        ), "Working set of all replicas: without pages of files that can be dropped at once. Dashed: their limits."),
        Panel("timeseries", "Memory, share of the limit", "percentunit", (
            Query(f"{_of(used)} / ({_of(limit)} > 0)", _REPLICA),
        ), "Of each replica that has a limit of its own.", rules.shown(shipped.MEMORY_NEAR_LIMIT.id)),
        Panel("timeseries", "Memory that no cache can give back", "bytes", (
            Query(_of("mcptop_replica_memory_anon_bytes"), _REPLICA),
        ), "Anonymous memory. What grows here without an end is a leak."),
    )  # fmt: skip


def _cpu(rules: RuleSet) -> tuple[Panel, ...]:
    used, limit = _rate("mcptop_replica_cpu_usage_seconds_total"), _of("mcptop_replica_cpu_limit_cores")
    held, periods = _rate("mcptop_replica_cpu_throttled_periods_total"), _rate("mcptop_replica_cpu_periods_total")
    return (
        Panel("timeseries", "CPU by service", "short", (
            Query(_sum(used), "{{service}}"), Query(_sum(limit), "{{service}} limit", True),
        ), "Cores used by all replicas. Dashed: their quotas.", axis="cores"),
        Panel("timeseries", "CPU, share of the quota", "percentunit", (
            Query(f"{used} / ({limit} > 0)", _REPLICA),
        ), "Of each replica that has a quota.", rules.shown(shipped.CPU_AT_QUOTA.id)),
        Panel("timeseries", "Held back by the quota", "percentunit", (
            Query(f"{held} / ({periods} > 0)", _REPLICA),
        ), "Share of scheduler periods in which the quota held it back.", rules.shown(shipped.CPU_THROTTLED.id)),
    )  # fmt: skip


def _pools(rules: RuleSet) -> tuple[Panel, ...]:
    return (
        Panel("timeseries", "Pools: in use", "short", (
            Query(_of("mcptop_pool_in_use"), _POOL), Query(_of("mcptop_pool_max"), f"{_POOL} max", True),
        ), "A full pool is a well-sized one; that callers wait is the problem. Dashed: overflow included.",
           axis="connections"),
        Panel("timeseries", "Pools: callers that wait", "short", (Query(_of("mcptop_pool_waiting"), _POOL),),
              "Callers that wait for a place at this moment.", axis="callers"),
        Panel("timeseries", "Pools: how long they wait", "s", (Query(_of("mcptop_pool_wait_seconds"), _POOL),),
              "Mean of those whose wait ended lately, or the age of the oldest.", rules.shown(shipped.POOL_WAITING.id)),
        Panel("timeseries", "Pools: waited in vain", "cps", (Query(_rate("mcptop_pool_timeouts_total"), _POOL),),
              "Callers that gave up waiting, a second."),
        Panel("timeseries", "Idle inside a transaction", "s", (
            Query(_of("mcptop_pool_idle_in_transaction_seconds"), _POOL),
        ), "Age of the oldest open transaction with nothing to do.", rules.shown(shipped.IDLE_IN_TRANSACTION.id)),
        Panel("bargauge", "Connection budget", "percentunit", (
            Query(f"mcptop_connection_budget_wanted / (mcptop_connection_budget_allowed > 0) {_ON_HOST}", "{{server}}"),
        ), "What the pools of all clients may take together, of what the server gives. Beyond 100 % some are refused.",
           Rule("budget", "", "", warning=1)),
    )  # fmt: skip


def _queues(rules: RuleSet) -> tuple[Panel, ...]:
    return (
        Panel("timeseries", "Queues: depth", "short", (
            Query(_of("mcptop_queue_depth"), _QUEUE), Query(_of("mcptop_queue_capacity"), f"{_QUEUE} max", True),
        ), "Entries that wait. Dashed: how many may.", axis="entries"),
        Panel("timeseries", "Queues: age of the first in line", "s", (
            Query(_of("mcptop_queue_oldest_age_seconds"), _QUEUE),
        ), "How long the oldest entry has waited.", rules.shown(shipped.QUEUE_NOT_DRAINING.id)),
        Panel("timeseries", "Queues: in and out", "cps", (
            Query(_of("mcptop_queue_in_per_second"), f"{_QUEUE} in"),
            Query(_of("mcptop_queue_out_per_second"), f"{_QUEUE} out"),
        ), "Entries that came and that were taken, a second."),
    )  # fmt: skip


def _replicas(rules: RuleSet) -> tuple[Panel, ...]:
    stalls = ((f"mcptop_replica_{what}_pressure_some_ratio", what) for what in ("cpu", "memory", "io"))
    return (
        Panel("bargauge", "Restarts in the last hour", "short", (
            Query(f"{_grown('mcptop_replica_restarts_total', '1h')} > 0", _REPLICA),
        ), "As the engine counts them.", _any("warning")),
        Panel("bargauge", "OOM kills in the last hour", "short", (
            Query(f"{_grown('mcptop_replica_oom_kills_total', '1h')} > 0", _REPLICA),
        ), "Kills for lack of memory.", rules.shown(shipped.OOM_KILL.id)),
        Panel("timeseries", "Healthy", "bool", (Query(_of("mcptop_replica_healthy"), _REPLICA),),
              "1 healthy, 0 unhealthy; nothing without a health check."),
        Panel("timeseries", "Open files, share of the limit", "percentunit", (
            Query(_of("mcptop_replica_fds_limit_ratio"), _REPLICA),
        ), "Of the process nearest to its own limit.", rules.shown(shipped.FDS_NEAR_LIMIT.id)),
        Panel("timeseries", "Connections not closed", "short", (
            Query(_of("mcptop_replica_sockets", 'state="close_wait"'), _REPLICA),
        ), "CLOSE_WAIT: the peer closed, the program did not.", rules.shown(shipped.CLOSE_WAIT.id), axis="sockets"),
        Panel("timeseries", "Pressure", "percentunit", tuple(
            Query(_of(name), f"{_REPLICA} {what}") for name, what in stalls
        ), "Share of the last 10 s in which some task waited for a CPU, for memory, for I/O."),
        Panel("timeseries", "Network", "binBps", (
            Query(_sum(_rate("mcptop_replica_network_receive_bytes_total")), "{{service}} in"),
            Query(_sum(_rate("mcptop_replica_network_transmit_bytes_total")), "{{service}} out"),
        ), "All interfaces but loopback."),
        Panel("timeseries", "Disk", "binBps", (
            Query(_sum(_rate("mcptop_replica_disk_read_bytes_total")), "{{service}} read"),
            Query(_sum(_rate("mcptop_replica_disk_written_bytes_total")), "{{service}} written"),
        ), "Block devices."),
        Panel("timeseries", "Threads", "short", (Query(_of("mcptop_replica_threads"), _REPLICA),),
              "Of all its processes.", axis="threads"),
    )  # fmt: skip


def _models() -> tuple[Panel, ...]:
    legend = "{{service}} {{replica}} {{model}}"
    return (
        Panel("timeseries", "Memory of loaded models", "bytes", (
            Query(_of("mcptop_model_memory_bytes"), legend),
            Query(_of("mcptop_model_vram_bytes"), f"{legend} on a GPU"),
            Query(_of("mcptop_model_limit_bytes"), f"{legend} limit", True),
        ), "Dashed: the memory limit of the runner.", width=12),
        Panel("timeseries", "Requests that wait for a model", "short", (
            Query(_of("mcp_model_inference_queue_size"), "{{service}} {{replica}} {{model_id}}"),
        ), "The guide's own name.", axis="requests", width=12),
    )  # fmt: skip


def _swarm() -> tuple[Panel, ...]:
    return (
        Panel("timeseries", "Swarm: replicas", "short", (
            Query(_of("mcptop_swarm_running_replicas"), "{{service}}"),
            Query(_of("mcptop_swarm_desired_replicas"), "{{service}} desired", True),
        ), "Tasks that run on all nodes. Dashed: that shall.", axis="tasks", width=12),
        Panel("timeseries", "Swarm: failed tasks", "short", (Query(_of("mcptop_swarm_failed_tasks"), "{{service}}"),),
              "Tasks that ended with an error, or cannot start, in the last minutes.", _any("warning"), "tasks", 12),
    )  # fmt: skip


def _machine(rules: RuleSet) -> tuple[Panel, ...]:
    def of(name: str, more: str = "") -> str:
        return f'{name}{{host=~"$host"{more}}}'

    stalls = (("memory", shipped.HOST_MEMORY.id), ("io", shipped.HOST_IO.id))
    return (
        Panel("timeseries", "CPU of the machine", "percentunit", (
            Query(of("mcptop_host_cpu_usage_ratio"), "{{host}}"),
        ), "Busy share of all processors."),
        Panel("timeseries", "Memory of the machine", "bytes", (
            Query(of("mcptop_host_memory_available_bytes"), "{{host}} available"),
            Query(of("mcptop_host_memory_total_bytes"), "{{host}} limit", True),
        ), "What can be had without swapping, of what there is."),
        Panel("bargauge", "File systems", "percentunit", (
            Query(of("mcptop_filesystem_used_ratio"), "{{host}} {{mount}}"),
        ), "Used share, as df computes it.", rules.shown(shipped.DISK_FULL.id)),
        *(Panel("timeseries", f"Everybody waits: {resource}", "percentunit", (
            Query(of("mcptop_host_pressure_full_ratio", f',resource="{resource}"'), "{{host}}"),
        ), "Share of the last 10 s in which all tasks waited.", rules.shown(rule)) for resource, rule in stalls),
        Panel("timeseries", "Some wait for a CPU", "percentunit", (
            Query(of("mcptop_host_pressure_some_ratio", ',resource="cpu"'), "{{host}}"),
        ), "Share of the last 10 s in which some task waited."),
    )  # fmt: skip


def _own() -> tuple[Panel, ...]:
    return (
        Panel("timeseries", "Sources up", "bool", (Query(f"mcptop_source_up {_ON_HOST}", "{{instance}} {{source}}"),),
              "0 while a source of mcptop is broken.", width=6),
        Panel("timeseries", "Time a sample takes", "s", (
            Query(f"mcptop_sample_duration_seconds {_ON_HOST}", "{{instance}}"),
        ), "Of one look at everything.", width=6),
        Panel("timeseries", "Memory of mcptop", "bytes", (
            Query(f"mcptop_resident_memory_bytes {_ON_HOST}", "{{instance}}"),
        ), "Of the exporter itself.", width=6),
        Panel("timeseries", "Series left out", "short", (Query(f"mcptop_dropped_series {_ON_HOST}", "{{instance}}"),),
              "By --max-series; raise it, or export less.", _any("warning"), width=6),
    )  # fmt: skip
