"""The figures of the snapshot as PromQL over what mcptop exports. Pure."""

from __future__ import annotations

import re

from mcptop.alerts.globs import parts, regex

_WINDOW = "1m"


def _rate(name: str) -> str:
    return f"rate({name}[{_WINDOW}])"


def _same(prefix: str, *figures: str) -> dict[str, str]:
    return {figure: prefix + figure.replace(".", "_") for figure in figures}


_GROWTH = f"((mcptop_queue_in_per_second - mcptop_queue_out_per_second) or deriv(mcptop_queue_depth[{_WINDOW}]))"
_CPU = _rate("mcptop_replica_cpu_usage_seconds_total")
_HELD_BACK, _PERIODS = _rate("mcptop_replica_cpu_throttled_periods_total"), _rate("mcptop_replica_cpu_periods_total")
_MEMORY = ("working_set", "anon", "file", "shmem", "usage", "limit")
_STATES = ("established", "close_wait", "time_wait", "listen", "syn_sent", "syn_recv", "other")

_OF: dict[str, dict[str, str]] = {
    "instance": {
        "cpu.cores": _CPU,
        "cpu.limit_cores": "mcptop_replica_cpu_limit_cores",
        "cpu.limit_ratio": f"{_CPU} / (mcptop_replica_cpu_limit_cores > 0)",
        "cpu.throttled_ratio": f"{_HELD_BACK} / ({_PERIODS} > 0)",
        "cpu.pressure_some_avg10": "mcptop_replica_cpu_pressure_some_ratio",
        **_same("mcptop_replica_", *(f"memory.{part}_bytes" for part in _MEMORY)),
        "memory.limit_ratio": "mcptop_replica_memory_working_set_bytes / (mcptop_replica_memory_limit_bytes > 0)",
        "memory.trend_bytes_per_s": "deriv(mcptop_replica_memory_anon_bytes[15m])",
        "memory.pressure_some_avg10": "mcptop_replica_memory_pressure_some_ratio",
        "network.rx_bytes_per_s": _rate("mcptop_replica_network_receive_bytes_total"),
        "network.tx_bytes_per_s": _rate("mcptop_replica_network_transmit_bytes_total"),
        "disk.read_bytes_per_s": _rate("mcptop_replica_disk_read_bytes_total"),
        "disk.write_bytes_per_s": _rate("mcptop_replica_disk_written_bytes_total"),
        "disk.pressure_some_avg10": "mcptop_replica_io_pressure_some_ratio",
        "fds.open": "mcptop_replica_open_fds",
        "fds.limit_ratio": "mcptop_replica_fds_limit_ratio",
        "restarts": "mcptop_replica_restarts_total",
        "oom_kills": "mcptop_replica_oom_kills_total",
        **_same("mcptop_replica_", "threads", "pids", "pids_limit", "exit_code"),
        **{f"sockets.{state}": f'mcptop_replica_sockets{{state="{state}"}}' for state in _STATES},
    },
    "pool": {
        **_same("mcptop_pool_", "in_use", "idle", "open", "max", "waiting", "idle_in_transaction", "connecting",
                "close_wait"),
        "wait_s": "mcptop_pool_wait_seconds",
        "longest_s": "mcptop_pool_longest_seconds",
        "idle_in_transaction_s": "mcptop_pool_idle_in_transaction_seconds",
        "timeouts": "mcptop_pool_timeouts_total",
        "timeouts_per_s": _rate("mcptop_pool_timeouts_total"),
    },
    "queue": {
        **_same("mcptop_queue_", "depth", "in_flight", "capacity"),
        "oldest_age_s": "mcptop_queue_oldest_age_seconds",
        "in_per_s": "mcptop_queue_in_per_second",
        "out_per_s": "mcptop_queue_out_per_second",
        "growth_per_s": _GROWTH,
        "rejected": "mcptop_queue_rejected_total",
        "rejected_per_s": _rate("mcptop_queue_rejected_total"),
    },
    "disk": {
        "total_bytes": "mcptop_filesystem_size_bytes",
        "available_bytes": "mcptop_filesystem_avail_bytes",
        "used_ratio": "mcptop_filesystem_used_ratio",
    },
    "host": {
        "cpus": "mcptop_host_cpus",
        "cpu_ratio": "mcptop_host_cpu_usage_ratio",
        "load_1m": "mcptop_host_load1",
        **_same("mcptop_host_", "memory_total_bytes", "memory_available_bytes", "swap_total_bytes", "swap_free_bytes"),
        **{
            f"pressure.{resource}.{kind}_avg10": f'mcptop_host_pressure_{kind}_ratio{{resource="{resource}"}}'
            for resource in ("cpu", "memory", "io")
            for kind in ("some", "full")
        },
    },
}  # fmt: skip


def promql(of: str, figure: str, service: str | None) -> str | None:
    """Of services that match the pattern only; None where what mcptop exports does not have the figure."""
    found = _OF[of].get(figure)
    return found if found is None or service is None else of_services(found, service)


def of_services(expr: str, glob: str) -> str:
    """The expression with every metric of it restricted to services that match the pattern."""
    project, name = parts(glob)
    wanted = [("project", project)] if project is not None else []
    matchers = ",".join(f"{label}=~{quoted(regex(each or ''))}" for label, each in [*wanted, ("service", name)])
    return re.sub(r"(mcptop_\w+)(\{?)", lambda m: f"{m[1]}{{{matchers}{',' if m[2] else '}'}", expr)


def quoted(text: str) -> str:
    """A string of PromQL."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
