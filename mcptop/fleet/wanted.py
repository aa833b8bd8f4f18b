"""What is asked for: families by their names, and nothing else, however much a server knows."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mcptop.exposition import catalogue

MCPTOP_BEAT, CADVISOR_BEAT = "mcptop_build_info", "cadvisor_version_info"
"""One series an exporter, on every page: who there is, and when each was read."""
SAMPLE_TIME = "mcptop_sample_timestamp_seconds"
_DERIVED = ("mcptop_replica_cpu_usage_cores", "mcptop_replica_cpu_throttled_ratio", "mcptop_replica_running")
"""Made from others that are asked for."""
_ALSO = (SAMPLE_TIME, "mcptop_source_up")
MCPTOP = (
    tuple(
        family.name
        for group in (catalogue.REPLICAS, catalogue.POOLS, catalogue.QUEUES, catalogue.MODELS, catalogue.HOST)
        for family in group
        if family.name not in _DERIVED
    )
    + _ALSO
)
CADVISOR_CPU = "container_cpu_usage_seconds_total"
CADVISOR_NETWORK = ("container_network_receive_bytes_total", "container_network_transmit_bytes_total")
CADVISOR = (
    CADVISOR_CPU, "container_cpu_cfs_periods_total", "container_cpu_cfs_throttled_periods_total",
    "container_spec_cpu_quota", "container_spec_cpu_period", "container_spec_memory_limit_bytes",
    "container_memory_working_set_bytes", "container_memory_usage_bytes", "container_memory_rss",
    "container_memory_cache", "container_fs_reads_bytes_total", "container_fs_writes_bytes_total",
    "container_last_seen", "container_oom_events_total", "container_start_time_seconds", "container_threads",
    "container_file_descriptors",
)  # fmt: skip
MACHINE = ("machine_cpu_cores", "machine_memory_bytes")


def selector(names: Iterable[str], match: str | None, *more: str) -> str:
    """Series of these names; `match` and `more` are label matchers as PromQL has them."""
    wanted = f'__name__=~"{"|".join(names)}"'
    return "{" + ", ".join([wanted, *(each for each in (match, *more) if each)]) + "}"


def one_of(label: str, values: Iterable[str]) -> str:
    """A matcher for a label that has one of these values, whatever characters are in them."""
    pattern = "|".join(re.escape(value) for value in sorted(values))
    # RE2 reads an escaped blank or newline as itself, PromQL reads its own escapes first.
    return f'{label}=~"{pattern.translate(_IN_QUOTES)}"'


_IN_QUOTES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
