"""`mcptop ... --prometheus URL` as a program; what an exporter of this machine tells is read back figure by figure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.demo.servers import free_port

from .conftest import Start
from .server import Scrape, until
from .world import World, of


def mcptop(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run to its end, by itself."""
    command = [sys.executable, "-m", "mcptop", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=os.environ | environment)


@pytest.fixture
def main(world: World, tmp_path: Path) -> str:
    """A configuration file for one fleet."""
    file = tmp_path / "config.toml"
    file.write_text(f"[prometheus]\nmatch = '{of('main')}'\n")
    return str(file)


def is_as_served(document: dict[str, Any]) -> None:
    """Both hosts, and the rates that their pages have."""
    assert [host["name"] for host in document["hosts"]] == ["web1", "web2"]
    instances = document["services"][0]["instances"]
    assert [(each["host"], each["cpu"]["cores"]) for each in instances] == [
        ("web1", pytest.approx(0.25, rel=1e-4)), ("web2", pytest.approx(0.5, rel=1e-4)),
        ("web1", pytest.approx(0.25, rel=1e-4)),
    ]  # fmt: skip


def test_one_look_as_json_and_as_a_table(world: World, main: str) -> None:
    done = mcptop("snapshot", "--json", "--config", main, MCPTOP_PROMETHEUS=world.url)
    assert done.returncode == 0, done.stderr
    is_as_served(json.loads(done.stdout))
    table = mcptop("snapshot", "--config", main, "--prometheus", world.url)
    assert table.stdout.startswith(f"fleet · prometheus 127.0.0.1:{world.server.port} · 2 hosts · 1 service\n")
    assert table.stdout.splitlines()[1].split()[:3] == ["PROJECT", "INSTANCE", "HOST"]


def test_a_recording_of_a_fleet_shows_the_same(world: World, main: str, tmp_path: Path) -> None:
    file = str(tmp_path / "fleet.rec")
    words = ("--config", main, "--prometheus", world.url, "--interval", "0.5")
    done = mcptop("record", file, "--duration", "2s", *words)
    assert done.returncode == 0, done.stderr
    is_as_served(json.loads(mcptop("replay", file, "--json").stdout))


def test_alerts_of_a_fleet(world: World, main: str) -> None:
    done = mcptop("alerts", "--json", "--config", main, "--prometheus", world.url)
    found = {(each["rule"], each["service"]) for each in json.loads(done.stdout)["alerts"]}
    assert {("disk-full", "web1"), ("disk-full", "web2")} <= found
    assert done.returncode == 3, "callers of api wait in vain"


def test_a_server_that_is_not_there_is_one_line_and_inconclusive() -> None:
    done = mcptop("snapshot", "--json", "--prometheus", f"http://user:geheim@127.0.0.1:{free_port()}")
    assert done.returncode == 5
    assert json.loads(done.stdout)["services"] == []
    first = done.stderr.splitlines()[0]
    assert first.startswith("mcptop: prometheus: http://127.0.0.1:")
    assert "Connection refused" in first
    assert "geheim" not in done.stdout + done.stderr


@pytest.mark.parametrize("command", [["diagnose"], ["diagnose", "memory-leak"], ["doctor"], ["serve"], ["exporter"]])
def test_what_needs_the_machine_itself_says_so(command: list[str]) -> None:
    done = mcptop(*command, "--prometheus", "http://127.0.0.1:1")
    assert done.returncode == 2
    assert "cannot look through Prometheus" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@contextmanager
def busy(name: str) -> Iterator[int]:
    """A host process of project fleet-test that computes half of the time."""
    program = "import time\nwhile True:\n t = time.time()\n while time.time() - t < .05: pass\n time.sleep(.05)"
    names = {"MCPTOP_PROJECT": "fleet-test", "MCPTOP_SERVICE": name}
    process = subprocess.Popen([sys.executable, "-c", program], env=os.environ | names)
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait(10)


@contextmanager
def exporting() -> Iterator[str]:
    """`mcptop exporter` of this machine; its address."""
    words = [sys.executable, "-m", "mcptop", "exporter", "--listen", "127.0.0.1:0", "--no-scrape"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split("//")[1].split("/")[0]
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


def ours(document: dict[str, Any]) -> dict[str, Any]:
    """The services of these tests, by name."""
    return {each["name"]: each for each in document["services"] if each["project"] == "fleet-test"}


def test_the_exporter_of_this_machine_comes_back_as_snapshot_has_it(prometheus: Start) -> None:
    with busy("one") as one, busy("two"), exporting() as address:
        server = prometheus([Scrape(address)])
        server.until_up()

        def two_samples() -> None:
            assert (
                server.value('min(count_over_time(mcptop_replica_cpu_usage_seconds_total{project="fleet-test"}[1m]))')
                > 2
            )

        until(two_samples)
        fleet = mcptop("snapshot", "--json", "--prometheus", server.url)
        here = mcptop("snapshot", "--json", "--no-scrape")
        assert fleet.returncode == here.returncode == 0, fleet.stderr
        far, near = json.loads(fleet.stdout), json.loads(here.stdout)
        assert os.path.exists(f"/proc/{one}")
    assert ours(far).keys() == ours(near).keys() == {"one", "two"}
    assert far["host"]["name"] == near["host"]["name"]
    for name in ("cpus", "memory_total_bytes", "swap_total_bytes"):
        assert far["host"][name] == near["host"][name]
    for name, service in ours(near).items():
        _same(ours(far)[name], service)


def _same(far: dict[str, Any], near: dict[str, Any]) -> None:
    """What stands still is equal; what moves was read seconds apart."""
    assert (far["kind"], far["replicas"], len(far["instances"])) == (near["kind"], near["replicas"], 1)
    (one,), (other,) = far["instances"], near["instances"]
    assert one["id"].endswith(f"/{other['id']}")
    for key in ("state", "health", "image", "restarts", "oom_kills", "exit_code", "pids", "threads", "sockets"):
        assert one[key] == other[key], key
    assert one["fds"]["open"] == other["fds"]["open"]
    assert one["memory"]["limit_bytes"] == other["memory"]["limit_bytes"]
    for key in ("working_set_bytes", "anon_bytes", "file_bytes", "shmem_bytes", "usage_bytes"):
        assert (one["memory"][key] is None) == (other["memory"][key] is None), key
        assert one["memory"][key] == pytest.approx(other["memory"][key], rel=0.05, abs=1 << 20), key
    assert one["cpu"]["limit_cores"] == other["cpu"]["limit_cores"]
    # Half a core, on a machine that has other things to do as well.
    assert 0.02 < one["cpu"]["cores"] < 0.75
    assert one["started_at"][:17] == other["started_at"][:17]
