"""mcptop on the running demo, nothing configured: pools and queues are what the services themselves know."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from stack import Demo, environment, until

Flow = dict[str, Any]


def seen(demo: Demo, *words: str) -> dict[str, dict[str, Any]]:
    """Service -> its part of one `mcptop snapshot --json`, of this demo's processes only."""
    command = [sys.executable, "-m", "mcptop", "snapshot", "--json", *words]
    done = subprocess.run(command, capture_output=True, timeout=120, env=environment(), check=True)
    pids = {pid: service for service, pid in demo.pids.items()}
    return {
        pids[instance["pid"]]: {**service, "instance": instance["name"]}
        for service in json.loads(done.stdout)["services"]
        for instance in service["instances"]
        if instance["pid"] in pids
    }


def flows(service: dict[str, Any], kind: str, source: str) -> dict[str, Flow]:
    """Name -> pool or queue, of one source."""
    own = [each for each in service[kind] if each["instance"] == service["instance"]]
    return {each["name"]: each for each in own if each["source"] == source}


def test_measured_pools_and_queues_are_what_the_services_say(demo: Demo) -> None:
    demo.settle()
    found = seen(demo)
    pools = flows(found["mcp-api"], "pools", "metrics")
    assert pools.keys() == {"db", "worker", "requests"}
    page = demo.metrics("mcp-api")
    for name, pool in pools.items():
        assert pool["max"] == page.get("mcp_connection_pool_max", pool=name)
        assert pool["in_use"] + pool["idle"] <= pool["max"]
        assert (pool["waiting"], pool["confidence"]) == (0, "measured")
    jobs = flows(found["mcp-worker"], "queues", "metrics")["jobs"]
    assert jobs["capacity"] == demo.metrics("mcp-worker").get("mcp_queue_capacity")
    assert jobs["in_per_s"] > 0
    assert jobs["out_per_s"] > 0
    slots = flows(found["model-runner"], "pools", "metrics")["slots"]
    assert slots["max"] == demo.metrics("model-runner").get("mcp_connection_pool_max", pool="slots")
    assert {model["id"] for model in found["model-runner"]["models"]} >= {"smollm2-360m"}
    assert all(model["memory_bytes"] > 1 << 20 for model in found["model-runner"]["models"])


def test_figures_that_stand_still_are_equal_to_the_last_digit(demo: Demo) -> None:
    demo.settle()
    with demo.fault("busy-pool"):

        def equal() -> None:
            page = demo.metrics("mcp-api")
            truth = [page.get(f"mcp_connection_pool_{name}", pool="db") for name in ("active", "idle")]
            assert truth[0] >= 10
            pool = flows(seen(demo)["mcp-api"], "pools", "metrics")["db"]
            assert [pool["in_use"], pool["idle"]] == truth

        until(equal, 60)


def test_without_metrics_the_kernel_still_shows_who_talks_to_whom(demo: Demo) -> None:
    demo.settle()

    def check() -> None:
        found = seen(demo, "--no-scrape")
        assert not flows(found["mcp-api"], "pools", "metrics")
        pools = {service: flows(found[service], "pools", "kernel") for service in ("mcp-api", "mcp-worker", "load")}
        peers = {service: set(pools[service]) for service in pools}
        assert peers == {"mcp-api": {"mcp-worker"}, "mcp-worker": {"model-runner"}, "load": {"mcp-api"}}
        for service in pools.values():
            for pool in service.values():
                assert pool["confidence"] == "inferred"
                assert pool["open"] == pool["in_use"] + pool["idle"] >= 1
        queues = flows(found["mcp-api"], "queues", "kernel")
        assert [(each["kind"], each["depth"]) for each in queues.values()] == [("accept", 0)]
        assert all(each["capacity"] >= 128 for each in queues.values())

    until(check, 60)


def test_requests_under_way_are_inferred(demo: Demo) -> None:
    demo.settle()
    with demo.fault("slow-downstream"):

        def check() -> None:
            pool = flows(seen(demo, "--no-scrape")["mcp-api"], "pools", "kernel")["mcp-worker"]
            assert pool["in_use"] >= 2
            assert pool["longest_s"] > 0.3

        until(check, 60)
