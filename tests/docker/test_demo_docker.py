"""`mcptop demo --docker`: a stack with the guide's limits, and every fault that needs containers, seen by mcptop."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import base_image
import pytest
from containers import COMPOSE, docker
from docker_demo import (
    OURS,
    DockerDemo,
    counts_block_io,
    has_image,
    host_config,
    lacks,
    left_over,
    settle,
    until,
    wheels,
)

MIB = 1 << 20
DEV = {
    "model-runner": (2048 * MIB, 1.0),
    "mcp-worker": (512 * MIB, 0.5),
    "mcp-api": (512 * MIB, 0.5),
    "ui": (256 * MIB, 0.25),
}
"""Service -> the guide's limits of memory and CPU for development."""


@pytest.fixture(scope="module")
def demo(stack, require) -> Iterator[DockerDemo]:
    """One demo for all tests of this file."""
    image = base_image.obtain()
    require("docker", not (reason := lacks()), reason or "")
    require("docker", wheels(image), "pip cannot download the demo's requirements")
    running = DockerDemo(image)
    yield running
    if running.process.poll() is None:
        running.close()


def healthy(instance):
    assert instance["health"] == "healthy"


@pytest.mark.parametrize("service", DEV)
def test_each_service_is_healthy_and_has_the_guides_limits(demo, watch, service):
    memory, cpus = DEV[service]
    found = until(watch, service, healthy)
    assert found["memory"]["limit_bytes"] == memory
    assert found["cpu"]["limit_cores"] == pytest.approx(cpus)
    config = host_config(service)
    assert (config["Memory"], config["NanoCpus"]) == (memory, int(cpus * 1e9))
    assert config["MemorySwap"] == memory, "no swap beside the memory"
    assert 0 < config["MemoryReservation"] <= memory
    assert config["CapDrop"] == ["ALL"]
    assert config["RestartPolicy"]["Name"] == "unless-stopped"


def test_the_load_has_no_limit_and_is_there(demo, watch):
    assert until(watch, "load", healthy)["memory"]["limit_bytes"] is None


def test_chat_is_answered_at_the_published_port(demo):
    asked = {"model": "smollm2-360m", "max_tokens": 8, "messages": [{"role": "user", "content": "why?"}]}
    question = urllib.request.Request(
        f"{demo.services['mcp-api']}/v1/chat/completions",
        json.dumps(asked).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(question, timeout=60) as answer:
        assert json.load(answer)["usage"]["completion_tokens"] == 8
    with urllib.request.urlopen(demo.services["ui"], timeout=60) as page:
        assert b"model-runner" in page.read()
    assert demo.services["mcp-api"].startswith("http://127.0.0.1:")


def test_unhealthy(demo, watch):
    with demo.fault("unhealthy"):
        until(watch, "mcp-api", lambda api: _is(api["health"] == "unhealthy"))
    until(watch, "mcp-api", healthy)


def test_page_cache_fills_memory_with_file_pages_only(demo, watch):
    before = until(watch, "mcp-worker", healthy)["memory"]
    with demo.fault("page-cache:mib=150"):
        after = until(watch, "mcp-worker", lambda w: _is(w["memory"]["file_bytes"] > before["file_bytes"] + 120 * MIB))
        assert abs(after["memory"]["anon_bytes"] - before["anon_bytes"]) < 30 * MIB


def test_cache_leak_fills_memory_with_anonymous_pages(demo, watch):
    before = until(watch, "mcp-worker", healthy)["memory"]
    with demo.fault("cache-leak:kib_per_request=0,mib_per_minute=900,most_mib=200"):
        after = until(watch, "mcp-worker", lambda w: _is(w["memory"]["anon_bytes"] > before["anon_bytes"] + 50 * MIB))
        assert after["memory"]["file_bytes"] < before["file_bytes"] + 30 * MIB


def test_cpu_throttled(demo, watch):
    with demo.fault("cpu-throttled"):
        assert host_config("model-runner")["NanoCpus"] == 100_000_000
        seen = until(watch, "model-runner", lambda runner: _is(runner["cpu"]["throttled_ratio"] > 0.5))
        assert seen["cpu"]["limit_cores"] == pytest.approx(0.1)
        assert seen["cpu"]["cores"] < 0.2
    assert host_config("model-runner")["NanoCpus"] == 1_000_000_000
    until(watch, "model-runner", healthy)


def test_memory_limit_too_low(demo, watch):
    def killed(runner):
        assert runner["restarts"] >= 1
        assert runner["oom_kills"] >= 1

    with demo.fault("memory-limit-too-low"):
        assert host_config("model-runner")["Memory"] == 64 * MIB
        assert until(watch, "model-runner", killed)["memory"]["limit_bytes"] == 64 * MIB
    until(watch, "model-runner", healthy)
    assert host_config("model-runner")["Memory"] == DEV["model-runner"][0]


def test_both_limits_can_be_too_low(demo):
    with demo.fault("memory-limit-too-low"), demo.fault("cpu-throttled"):
        config = host_config("model-runner")
        assert (config["Memory"], config["NanoCpus"]) == (64 * MIB, 100_000_000)


def test_noisy_neighbours(demo, watch):
    with demo.fault("noisy-neighbour-cpu:processes=3"):
        until(watch, "neighbour", lambda neighbour: _is(neighbour["cpu"]["cores"] > 0.6))
        until(watch, "mcp-api", lambda api: _is(api["cpu"]["pressure_some_avg10"] is None or _pressed(api)))
    assert not _neighbours()
    with demo.fault("noisy-neighbour-disk"):
        (found,) = _neighbours()
        pid = int(docker("inspect", "-f", "{{.State.Pid}}", found))
        assert settle(lambda: _written(pid) > MIB, 30)
        if counts_block_io(found):
            until(watch, "neighbour", lambda neighbour: _is(neighbour["disk"]["write_bytes_per_s"] > 100_000))
    assert not _neighbours()


def test_crash_loop(demo, watch):
    with demo.fault("crash-loop"):
        until(watch, "mcp-worker", lambda worker: _is(worker["restarts"] >= 2))
    # The engine waits longer before each restart of a container that fails.
    until(watch, "mcp-worker", healthy, seconds=90)


def test_sigterm_leaves_nothing(demo):
    status, said = demo.close()
    assert status == 0, said
    assert said.splitlines()[-1] == "stopped mcp-demo"
    assert left_over() == []
    assert not has_image()
    assert not demo.folder.exists()


def _is(condition):
    assert condition


def _pressed(instance):
    return instance["cpu"]["pressure_some_avg10"] > 0


def _neighbours():
    return docker("ps", "-aq", *OURS, "--filter", f"label={COMPOSE}.service=neighbour").split()


def _written(pid):
    """Bytes that a process's children sent towards the disk."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    texts = [Path(f"/proc/{child}/io").read_text() for child in children]
    return sum(int(line.split()[1]) for text in texts for line in text.splitlines() if line.startswith("write_bytes"))
