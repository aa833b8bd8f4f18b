"""Containers that change under our eyes: made, restarted, and what is counted over that."""

from pathlib import Path

import pytest

from mcptop.collectors.base import Tick
from mcptop.collectors.containers import ContainerCollector
from mcptop.model.snapshot import Reading
from mcptop.sources.process_table import ProcessTable

from .fixtures import FakeProc

CONTAINER = "ab" * 32


class Host:
    """A host with one container, ticked by hand; cgroup v2, beside it the memory controller of v1 if asked for."""

    def __init__(self, path: Path, memory_v1: bool = False) -> None:
        self.proc = FakeProc(path)
        self.cgroups = path / "fs/cgroup"
        self.group("docker/" + CONTAINER, usage_bytes=1)
        (path / "self").mkdir()
        mounts = "1 0 0:1 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
        if memory_v1:
            mounts += "2 0 0:2 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
            self.group_v1(".", usage_bytes=10**9)
            self.group_v1(f"docker/{CONTAINER}", usage_bytes=70)
        (path / "self/mountinfo").write_text(mounts)
        self.proc.process(1)
        self.proc.network(1, "host")
        self.table = ProcessTable(self.proc.roots)
        self.collector = ContainerCollector(self.proc.roots, self.table, None)
        self.number = 0

    def group(self, name: str, usage_bytes: int, oom_kills: int = 0) -> None:
        folder = self.cgroups / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "memory.current").write_text(f"{usage_bytes}\n")
        (folder / "memory.events").write_text(f"oom 0\noom_kill {oom_kills}\n")

    def group_v1(self, name: str, usage_bytes: int) -> None:
        folder = self.cgroups / "memory" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "memory.usage_in_bytes").write_text(f"{usage_bytes}\n")

    def main(
        self, comm: str, pid: int = 10, start: int = 100, network: str = "own", rx_bytes: int = 0, cgroup: str = ""
    ) -> None:
        self.proc.process(pid, comm=comm, start=start, cgroup=cgroup or f"0::/docker/{CONTAINER}")
        self.proc.network(pid, network, rx_bytes)

    def look(self) -> Reading:
        self.table.refresh()
        self.number += 1
        return self.collector.collect(Tick(self.number, float(self.number))).readings[CONTAINER]


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def received(reading: Reading) -> list[int] | None:
    return None if reading.network is None else [part.inward for part in reading.network.parts]


def test_a_container_that_was_seen_while_it_was_made_has_its_own_network_afterwards(host: Host) -> None:
    host.main("runc:[2:INIT]", network="host", rx_bytes=10**9)
    assert received(host.look()) is None
    host.main("server", network="own", rx_bytes=70)
    assert received(host.look()) == [70]


def test_a_container_that_was_seen_between_two_cgroups_is_not_measured_by_the_hosts_memory(tmp_path: Path) -> None:
    host = Host(tmp_path, memory_v1=True)
    host.main("runc:[2:INIT]", cgroup=f"4:memory:/\n0::/docker/{CONTAINER}")
    assert host.look().memory_usage_bytes != 10**9
    host.main("server", cgroup=f"4:memory:/docker/{CONTAINER}\n0::/docker/{CONTAINER}")
    assert host.look().memory_usage_bytes == 70


def test_oom_kills_of_one_run_count_once_though_its_program_is_replaced(host: Host) -> None:
    host.group(f"docker/{CONTAINER}", 1, oom_kills=2)
    host.main("sh")
    assert host.look().oom_kills == 2
    host.main("server")
    assert host.look().oom_kills == 2


def test_oom_kills_count_once_though_another_process_becomes_the_oldest(host: Host) -> None:
    """Containers that share a process namespace may outlive their first process for a moment."""
    host.group(f"docker/{CONTAINER}", 1, oom_kills=2)
    host.main("server")
    host.proc.process(11, comm="child", start=150, cgroup=f"0::/docker/{CONTAINER}")
    host.proc.network(11, "own")
    assert host.look().oom_kills == 2
    host.proc.end(10)
    assert host.look().oom_kills == 2


def test_oom_kills_of_the_run_before_are_not_forgotten(host: Host) -> None:
    host.group(f"docker/{CONTAINER}", 1, oom_kills=2)
    host.main("server")
    assert host.look().oom_kills == 2
    host.proc.end(10)
    host.group(f"docker/{CONTAINER}", 1, oom_kills=1)
    host.main("server", pid=11, start=200)
    assert host.look().oom_kills == 3
