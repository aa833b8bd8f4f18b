"""The same four containers on a v1 hybrid host with API 1.41 and on a v2 host with API 1.45."""

import json

import pytest

from mcptop.collectors.base import Tick
from mcptop.collectors.containers import ContainerCollector
from mcptop.collectors.engine_stats import reading_of
from mcptop.collectors.files import FileCollector
from mcptop.collectors.host import HostCollector
from mcptop.collectors.processes import ProcessCollector
from mcptop.collectors.sockets import SocketCollector
from mcptop.model.snapshot import Reading
from mcptop.sources.address_book import AddressBook
from mcptop.sources.docker_target import target_of
from mcptop.sources.process_table import ProcessTable

from .fixtures import HOSTS, RECORDED, api, container, roots

TICK = Tick(1, 1.0)
MIB = 1 << 20


@pytest.fixture(params=HOSTS)
def host(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def table(host: str) -> ProcessTable:
    found = ProcessTable(roots(host))
    found.refresh()
    return found


def readings(host: str) -> dict[str, Reading]:
    collector = ContainerCollector(roots(host), table(host), None)
    return collector.collect(TICK).readings


def test_the_burning_container_shows_its_limits_and_its_memory(host: str) -> None:
    reading = readings(host)[container(host, "burner")["Id"]]
    assert reading.cpu_limit_cores == 0.5
    assert reading.memory_limit_bytes == 256 * MIB
    assert reading.memory_anon_bytes is not None
    assert 100 * MIB <= reading.memory_anon_bytes <= 110 * MIB
    assert reading.cpu_throttled_periods is not None
    assert reading.cpu_periods is not None
    assert 0.8 < reading.cpu_throttled_periods / reading.cpu_periods <= 1
    assert reading.cpu_pressure is not None
    assert reading.cpu_pressure.some_avg10 > 0.2
    assert (reading.pids, reading.threads, reading.oom_kills) == (1, 1, 0)


def test_the_idle_container_has_no_limits(host: str) -> None:
    reading = readings(host)[container(host, "idle")["Id"]]
    assert reading.cpu_limit_cores is None
    assert reading.memory_limit_bytes is None
    assert reading.network is not None
    assert [part.name for part in reading.network.parts] == ["eth0"]


def test_the_kernel_and_the_engine_agree(host: str) -> None:
    by_kernel = readings(host)
    for name in ("burner", "idle"):
        identity = container(host, name)["Id"]
        lines = (RECORDED / host / "api" / "containers" / f"{identity}.stats").read_text().splitlines()
        by_engine = reading_of(json.loads(lines[-1]), 1.0)
        kernel = by_kernel[identity]
        assert by_engine.memory_anon_bytes == pytest.approx(kernel.memory_anon_bytes, rel=0.05)
        assert by_engine.memory_usage_bytes == pytest.approx(kernel.memory_usage_bytes, rel=0.05)
        # The stats were asked for a few seconds after the files were copied, on the emulated host more than a few.
        assert kernel.cpu_usage_s is not None
        assert by_engine.cpu_usage_s == pytest.approx(kernel.cpu_usage_s, rel=0.5)


def test_the_first_stats_answer_has_no_rate_to_offer(host: str) -> None:
    identity = container(host, "burner")["Id"]
    first = (RECORDED / host / "api" / "containers" / f"{identity}.stats").read_text().splitlines()[0]
    assert json.loads(first)["precpu_stats"].get("system_cpu_usage") is None
    assert reading_of(json.loads(first), 1.0).cpu_usage_s is not None


def test_a_stopped_containers_stats_are_unknown_and_not_zero(host: str) -> None:
    identity = container(host, "broken")["Id"]
    lines = (RECORDED / host / "api" / "containers" / f"{identity}.stats").read_text().splitlines()
    for line in lines:
        reading = reading_of(json.loads(line), 1.0)
        assert reading.cpu_usage_s is None
        assert reading.memory_usage_bytes is None


def test_states_and_health_come_from_the_engine(host: str) -> None:
    def target(name: str) -> tuple[str, str | None, int | None, str | None, str]:
        listed = container(host, name)
        t = target_of(listed, api(host, f"containers/{listed['Id']}"))
        assert target_of(listed, None).state == t.state
        assert target_of(listed, None).health == t.health
        return t.state, t.health, t.exit_code, t.project, t.service

    assert target("burner") == ("running", None, None, "shop", "burner")
    assert target("broken") == ("exited", None, 3, "shop", "broken")
    assert target("sick") == ("running", "unhealthy", None, "shop", "sick")


def test_configured_limits_come_from_the_engine(host: str) -> None:
    listed = container(host, "burner")
    target = target_of(listed, api(host, f"containers/{listed['Id']}"))
    assert target.cpu_limit_cores == 0.5
    assert target.memory_limit_bytes == 256 * MIB
    assert target.restarts == 0
    assert target.started_at is not None


def test_host_processes_are_not_the_containers(host: str) -> None:
    processes = table(host)
    found = ProcessCollector(roots(host), processes).collect(TICK)
    in_containers = {member.pid for members in processes.containers().values() for member in members}
    assert in_containers
    assert found.targets
    assert not in_containers & {target.pid for target in found.targets}
    for reading in found.readings.values():
        assert reading.memory_usage_bytes
        assert reading.threads


def test_the_hosts_own_figures(host: str) -> None:
    found = HostCollector(roots(host)).collect(TICK).host
    assert found is not None
    assert found.cpus == 2
    assert found.memory_total_bytes
    assert found.memory_available_bytes
    assert found.cpu_pressure is not None
    assert found.cpu_busy_ticks
    assert found.cpu_total_ticks
    assert found.cpu_busy_ticks < found.cpu_total_ticks


def test_sockets_and_files_of_a_recorded_tree(host: str) -> None:
    processes = table(host)
    ProcessCollector(roots(host), processes).collect(TICK)
    sockets = SocketCollector(roots(host), processes, AddressBook()).collect(TICK)
    assert set(sockets.sockets) == set(processes.containers())
    files = FileCollector(roots(host), processes).collect(TICK).files
    limits = {count.limit for identity, count in files.items() if identity in processes.containers()}
    assert limits <= {20000, 65536}
