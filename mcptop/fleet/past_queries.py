"""What is asked of a Prometheus about the last days: one expression a figure, of mcptop's exporters and of cAdvisor.

Memory is the most since the point before, or peaks between two points would be lost; CPU is the mean of that time.
"""

from __future__ import annotations

from collections.abc import Iterator

_MCPTOP = "mcptop_replica_"
_PEAKS = {"used": "memory_working_set_bytes", "anon": "memory_anon_bytes", "file": "memory_file_bytes",
          "shmem": "memory_shmem_bytes", "pressure": "memory_pressure_some_ratio"}  # fmt: skip
LIMITS = {"memory_limit": "memory_limit_bytes", "cpu_limit": "cpu_limit_cores"}
_PLAIN = {"periods": "cpu_periods_total", "throttled": "cpu_throttled_periods_total",
          "kills": "oom_kills_total"}  # fmt: skip
_CADVISOR_PEAKS = {"used": "container_memory_working_set_bytes", "anon": "container_memory_rss",
                   "file": "container_memory_cache"}  # fmt: skip
_CADVISOR_PLAIN = {"periods": "container_cpu_cfs_periods_total",
                   "throttled": "container_cpu_cfs_throttled_periods_total",
                   "kills": "container_oom_events_total"}  # fmt: skip
_LEAST_RATE_S = 120.0
"""A rate takes two samples: scrapes come once a minute at worst."""
_LEAST_LIMIT_S = 300.0
"""Prometheus' lookback. A limit is looked for at least as far back as any other figure: where a scrape failed the peak
and the rate are still there, and without their limit there would seem to be none."""

Expression = tuple[str, str]
"""A field of `Told`, and what to ask for it."""


def of_mcptop(match: str | None, step_s: float) -> Iterator[Expression]:
    """Of replicas, by mcptop's exporters."""
    series = f"{{{match or ''}}}"
    for field, name in _PEAKS.items():
        yield field, f"max_over_time({_MCPTOP}{name}{series}[{step_s:.0f}s])"
    for field, name in LIMITS.items():
        yield field, _limit(f"{_MCPTOP}{name}{series}", step_s)
    for field, name in _PLAIN.items():
        yield field, f"{_MCPTOP}{name}{series}"
    yield "cores", f"rate({_MCPTOP}cpu_usage_seconds_total{series}[{max(step_s, _LEAST_RATE_S):.0f}s])"


def of_cadvisor(match: str | None, step_s: float) -> Iterator[Expression]:
    """Of containers, by cAdvisor: it writes 0, or -1, where there is no limit."""
    series = "{" + ", ".join(each for each in ('name!=""', match) if each) + "}"
    for field, name in _CADVISOR_PEAKS.items():
        yield field, f"max_over_time({name}{series}[{step_s:.0f}s])"
    for field, name in _CADVISOR_PLAIN.items():
        yield field, f"{name}{series}"
    yield "memory_limit", f"{_limit(f'container_spec_memory_limit_bytes{series}', step_s)} > 0"
    quota, period = (_limit(f"container_spec_cpu_{name}{series}", step_s) for name in ("quota", "period"))
    yield "cpu_limit", f"{quota} / {period} > 0"
    rate = f"rate(container_cpu_usage_seconds_total{series}[{max(step_s, _LEAST_RATE_S):.0f}s])"
    yield "cores", f"sum without (cpu) ({rate})"


def _limit(series: str, step_s: float) -> str:
    return f"last_over_time({series}[{max(step_s, _LEAST_LIMIT_S):.0f}s])"


def of_queues(match: str | None) -> str:
    """The depth of each queue that replicas empty together, as each exporter tells it: once for several jobs."""
    series = ", ".join(each for each in ('queue_kind=~"queue|"', match) if each)
    return f"max without (job) (mcptop_queue_depth{{{series}}})"


def of_count(match: str | None) -> str:
    """How many replicas there are."""
    names = "mcptop_replica_memory_working_set_bytes|container_memory_working_set_bytes"
    return "count({" + ", ".join(each for each in (f'__name__=~"{names}"', match) if each) + "})"


def of_hosts(match: str | None, seconds: float) -> str:
    """What exporters called their machines within so many seconds."""
    return _lately("mcptop_build_info", match, seconds)


def of_starts(match: str | None, seconds: float) -> str:
    """When replicas were started."""
    return _lately(f"{_MCPTOP}start_time_seconds", match, seconds)


def _lately(name: str, match: str | None, seconds: float) -> str:
    return f"last_over_time({name}{{{match or ''}}}[{max(seconds, _LEAST_LIMIT_S):.0f}s])"


def of_servers(match: str | None) -> str:
    """What gives connections: a database."""
    series = ", ".join(each for each in ('pool_kind="server"', match) if each)
    return f"mcptop_pool_max{{{series}}}"


def of_models(match: str | None) -> tuple[str, str]:
    """What each loaded model takes, and the part of it on a GPU."""
    return f"mcptop_model_memory_bytes{{{match or ''}}}", f"mcptop_model_vram_bytes{{{match or ''}}}"
