"""A real Prometheus scrapes the exporter beside the demo: what it stores is what `mcptop snapshot` says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.exporter.certificates import make
from tests.exporter.process import Exporter

from .conftest import Start
from .server import Scrape, until
from .watched import Watched, snapshot


def test_the_series_are_what_a_snapshot_says(stack: Watched) -> None:
    pid = stack.demo.pids["mcp-api"]

    def api() -> tuple[dict[str, Any], dict[str, Any]]:
        found = [one for one in snapshot()["services"] if one["name"] == "mcp-api"]
        pairs = [(one, instance) for one in found for instance in one["instances"] if instance["pid"] == pid]
        assert pairs
        return pairs[0]

    service, instance = api()
    pools = {pool["name"]: pool for pool in service["pools"] if pool["instance"] == instance["name"] and pool["max"]}
    assert pools
    until(lambda: stack.value("mcptop_pool_max", "mcp-api", pool=next(iter(pools))))
    for name, pool in pools.items():
        labels = {"pool": name, "source": pool["source"], "confidence": pool["confidence"]}

        def same(labels: dict[str, str] = labels, most: int = pool["max"]) -> None:
            assert stack.value("mcptop_pool_max", "mcp-api", **labels) == most

        until(same)  # a fault that has just ended had another one
    memory = stack.value("mcptop_replica_memory_working_set_bytes", "mcp-api")
    assert memory == pytest.approx(instance["memory"]["working_set_bytes"], rel=0.3)
    assert stack.value("mcptop_replica_threads", "mcp-api") == pytest.approx(instance["threads"], abs=5)
    started = stack.value("mcptop_replica_start_time_seconds", "mcp-api")
    assert started == pytest.approx(stack.demo.folder.stat().st_ctime, abs=120)
    host = snapshot()["host"]
    total = stack.prometheus.value("mcptop_host_memory_total_bytes")
    assert total == host["memory_total_bytes"]
    disks = {labels["mount"] for labels, _ in stack.prometheus.query("mcp_service_disk_bytes")}
    assert disks == {disk["mount"] for disk in host["disks"]}


def test_counters_have_rates(stack: Watched) -> None:
    """The CPU counter's rate agrees with the gauge, within what load does in between."""
    name = "mcptop_replica_cpu_usage_seconds_total"
    wanted = ", ".join(f'{key}="{value}"' for key, value in stack.replica("mcp-api").items())

    rate = f"rate({name}{{{wanted}}}[20s])"
    mean = f"avg_over_time(mcptop_replica_cpu_usage_cores{{{wanted}}}[20s])"

    def agree() -> None:
        # A rate is over the whole of its range: with samples of a part of it only, it is too low.
        assert stack.prometheus.value(rate) == pytest.approx(stack.prometheus.value(mean), rel=0.6, abs=0.05)

    until(agree, 60)


def test_by_default_only_processes_of_a_project(stack: Watched) -> None:
    found = stack.prometheus.query('mcptop_replica_running{kind="process"}')
    assert found
    assert all(labels["project"] for labels, _ in found)


def test_tls_and_token(prometheus: Start, tmp_path: Path) -> None:
    certificates = make(tmp_path)
    right, wrong = tmp_path / "token", tmp_path / "wrong"
    right.write_text("geheim-7431-geheim")
    wrong.write_text("geraten")
    tls = ("--tls-cert", str(certificates.cert), "--tls-key", str(certificates.key))
    with Exporter("--token-file", str(right), *tls) as exporter:
        server = prometheus([
            Scrape(exporter.address, "right", token_file=right, ca_file=certificates.ca),
            Scrape(exporter.address, "wrong", token_file=wrong, ca_file=certificates.ca),
            Scrape(exporter.address, "clear", token_file=right),
        ])  # fmt: skip

        def told() -> None:
            up = {labels["job"]: number for labels, number in server.query("up")}
            assert up == {"right": 1, "wrong": 0, "clear": 0}

        until(told)
        said = {each["labels"]["job"]: each["lastError"] for each in server.api("targets")["activeTargets"]}
        assert "401" in said["wrong"]
        assert server.value('mcptop_build_info{job="right"}') == 1


def test_the_page_is_openmetrics_to_it(stack: Watched) -> None:
    """Counters and gauges have their types and helps in Prometheus' own metadata."""
    known = stack.prometheus.api("metadata")
    assert known["mcptop_pool_in_use"][0] == {"type": "gauge", "help": "places in use", "unit": ""}
    assert known["mcptop_replica_cpu_usage_seconds"][0]["type"] == "counter"
