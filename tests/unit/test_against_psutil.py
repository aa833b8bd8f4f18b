"""Our reading of /proc beside psutil's, on this machine, at the same moment."""

import os
import time

import psutil
import pytest

from mcptop.collectors.base import Tick
from mcptop.collectors.files import FileCollector
from mcptop.collectors.host import HostCollector
from mcptop.collectors.processes import ProcessCollector
from mcptop.model.snapshot import HostReading, Reading
from mcptop.sources.process_table import ProcessTable
from mcptop.sources.procfs import Roots


@pytest.fixture(scope="module")
def host() -> HostReading:
    found = HostCollector(Roots()).collect(Tick(1, time.monotonic())).host
    assert found is not None
    return found


@pytest.fixture
def own() -> tuple[Reading, int | None]:
    """This test process: its reading and its open files."""
    table = ProcessTable(Roots())
    collector = ProcessCollector(Roots(), table)
    found = collector.collect(Tick(1, time.monotonic()))
    files = FileCollector(Roots(), table).collect(Tick(1, time.monotonic())).files
    tree = next(key for key, members in table.trees.items() if any(m.pid == os.getpid() for m in members))
    return found.readings[tree], files[tree].open


def test_the_host(host: HostReading) -> None:
    memory = psutil.virtual_memory()
    assert host.memory_total_bytes == memory.total
    assert host.memory_available_bytes == pytest.approx(memory.available, rel=0.05)
    assert host.cpus == psutil.cpu_count()
    assert host.network is not None
    theirs = psutil.net_io_counters(pernic=True)
    assert {part.name for part in host.network.parts} == set(theirs) - {"lo"}
    root = next(filesystem for filesystem in host.filesystems if filesystem.mount == "/")
    usage = psutil.disk_usage("/")
    assert root.total_bytes == usage.total
    assert root.used_ratio * 100 == pytest.approx(usage.percent, abs=0.5)


def test_a_process_tree(own: tuple[Reading, int | None]) -> None:
    reading, files = own
    me = psutil.Process()
    # Under xdist the workers are one tree below their controller, and each shares in the sum.
    assert reading.memory_usage_bytes is not None
    assert reading.memory_usage_bytes >= me.memory_info().rss * 0.9
    assert reading.cpu_usage_s is not None
    assert reading.cpu_usage_s >= sum(me.cpu_times()[:2]) * 0.8
    assert reading.threads is not None
    assert reading.threads >= me.num_threads()
    assert files is not None
    assert files >= me.num_fds() * 0.8


def test_every_process_of_the_host_is_seen_once() -> None:
    table = ProcessTable(Roots())
    table.refresh()
    ours = [process.identity.pid for process in table.host()]
    assert len(ours) == len(set(ours))
    assert {os.getpid(), os.getppid()} <= set(ours)
