"""Memory against its limit: recorded cgroup trees, the collector's pauses, and a warning that does not repeat."""

from __future__ import annotations

import gc
import logging
import os
from pathlib import Path

import pytest

from mcptop.demo.systems.memory_watch import GcWatch, MemoryMonitor, MemoryUse, read_memory

GIB = 1 << 30
PAGE = os.sysconf("SC_PAGE_SIZE")
ID = "0123456789abcdef" * 4
V2_MOUNT = "36 25 0:32 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
V1_MOUNTS = (
    "30 25 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "32 25 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
)
V2_STAT = "anon 500\nfile 1000\ninactive_file 700\n"
V1_STAT = "inactive_file 1\ntotal_inactive_file 700\n"


class Machine:
    """A /proc and a /sys in a folder. Its process has 1000 pages in memory."""

    def __init__(self, folder: Path, mounts: str, membership: str) -> None:
        self.proc = folder / "proc"
        self.sys = folder / "sys"
        own = self.proc / "self"
        own.mkdir(parents=True)
        (own / "mountinfo").write_text(mounts)
        (own / "cgroup").write_text(membership)
        (own / "statm").write_text("5000 1000 300 1 0 900 0\n")

    def cgroup(self, path: str, **files: str) -> None:
        directory = self.sys / "fs/cgroup" / path
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (directory / name.replace("__", ".")).write_text(text)

    def read(self, limit_override: int | None = None) -> MemoryUse:
        return read_memory(limit_override, str(self.proc), str(self.sys))


def test_defect_14_v2_reads_the_own_cgroup_without_what_can_be_reclaimed(tmp_path: Path) -> None:
    machine = Machine(tmp_path, V2_MOUNT, f"0::/system.slice/docker-{ID}.scope\n")
    machine.cgroup("", memory__stat="inactive_file 9\n")
    machine.cgroup(
        f"system.slice/docker-{ID}.scope", memory__current="2000\n", memory__max=f"{GIB}\n", memory__stat=V2_STAT
    )
    assert machine.read() == MemoryUse(1300, GIB, "cgroup v2")
    assert machine.read().ratio == 1300 / GIB


def test_v1_reads_its_controller_even_with_a_v2_tree_beside_it(tmp_path: Path) -> None:
    machine = Machine(tmp_path, V1_MOUNTS, f"4:memory:/docker/{ID}\n0::/docker/{ID}\n")
    machine.cgroup(
        f"memory/docker/{ID}",
        memory__usage_in_bytes="2000\n",
        memory__limit_in_bytes=f"{GIB}\n",
        memory__stat=V1_STAT,
    )
    machine.cgroup(f"unified/docker/{ID}", cgroup__procs="1\n")
    assert machine.read(limit_override=5) == MemoryUse(1300, GIB, "cgroup v1")


def test_in_a_namespace_of_its_own_the_v2_cgroup_is_the_mount_point(tmp_path: Path) -> None:
    machine = Machine(tmp_path, V2_MOUNT, "0::/\n")
    machine.cgroup("", memory__current="2000\n", memory__max=f"{GIB}\n", memory__stat=V2_STAT)
    assert machine.read() == MemoryUse(1300, GIB, "cgroup v2")


def test_in_a_v1_container_that_sees_the_hosts_paths_the_mounts_root_is_taken_off(tmp_path: Path) -> None:
    mounts = f"30 25 0:26 /docker/{ID} /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
    machine = Machine(tmp_path, mounts, f"4:memory:/docker/{ID}\n")
    machine.cgroup("memory", memory__usage_in_bytes="2000", memory__limit_in_bytes=f"{GIB}", memory__stat=V1_STAT)
    assert machine.read() == MemoryUse(1300, GIB, "cgroup v1")


@pytest.mark.parametrize("limit", [None, 4 * GIB])
def test_without_a_v2_limit_it_is_the_process_against_its_profiles_limit(tmp_path: Path, limit: int | None) -> None:
    machine = Machine(tmp_path, V2_MOUNT, "0::/user.slice\n")
    machine.cgroup("user.slice", memory__current=f"{50 * GIB}\n", memory__max="max\n", memory__stat=V2_STAT)
    assert machine.read(limit) == MemoryUse(1000 * PAGE, limit, "rss")
    assert (machine.read(limit).ratio is None) == (limit is None)


def test_defect_14_the_hosts_root_cgroup_is_never_taken_for_the_process(tmp_path: Path) -> None:
    machine = Machine(tmp_path, V1_MOUNTS, "4:memory:/\n0::/\n")
    machine.cgroup(
        "memory",
        memory__usage_in_bytes=f"{50 * GIB}\n",
        memory__limit_in_bytes="9223372036854771712\n",
        memory__stat=V1_STAT,
    )
    assert machine.read() == MemoryUse(1000 * PAGE, None, "rss")


def test_a_root_without_memory_files_and_a_missing_mount_are_no_limit(tmp_path: Path) -> None:
    machine = Machine(tmp_path, V2_MOUNT, "0::/\n")
    machine.cgroup("", cgroup__procs="1\n")
    assert machine.read().source == "rss"
    (machine.proc / "self/mountinfo").write_text("")
    assert machine.read().source == "rss"
    (machine.proc / "self/cgroup").unlink()
    assert machine.read().source == "rss"


def test_more_reclaimable_than_used_is_zero_not_negative(tmp_path: Path) -> None:
    machine = Machine(tmp_path, V2_MOUNT, "0::/\n")
    machine.cgroup("", memory__current="500\n", memory__max="900\n", memory__stat=V2_STAT)
    assert machine.read().used_bytes == 0


def test_this_process_can_be_read() -> None:
    use = read_memory()
    assert use.used_bytes > PAGE


def test_collections_and_their_pauses_are_counted_per_generation() -> None:
    ticks = iter(range(1000))
    watch = GcWatch(clock=lambda: float(next(ticks)))
    enabled = gc.isenabled()
    gc.disable()
    try:
        watch.install()
        watch.install()
        ring: list[object] = []
        ring.append(ring)
        del ring
        gc.collect(0)
        gc.collect(2)
        gc.collect(2)
        watch.remove()
        gc.collect(2)
    finally:
        watch.remove()
        if enabled:
            gc.enable()
    young, middle, old = watch.stats()
    assert (young.collections, middle.collections, old.collections) == (1, 0, 2)
    assert young.collected + old.collected >= 1
    assert (young.pause_s, old.pause_s, old.longest_pause_s) == (1.0, 2.0, 1.0)
    assert middle.longest_pause_s == 0.0


def test_defect_14_watching_forces_no_collection() -> None:
    watch = GcWatch()
    enabled = gc.isenabled()
    gc.disable()
    try:
        watch.install()
        watch.stats()
        watch.remove()
    finally:
        if enabled:
            gc.enable()
    assert [stats.collections for stats in watch.stats()] == [0, 0, 0]


async def test_high_memory_is_told_once_until_it_was_well_below(caplog: pytest.LogCaptureFixture) -> None:
    used = [0]
    told: list[int] = []

    async def on_high(use: MemoryUse) -> None:
        told.append(use.used_bytes)

    monitor = MemoryMonitor(lambda: MemoryUse(used[0], 1000, "cgroup v2"), 0.8, on_high)
    with caplog.at_level(logging.WARNING):
        for used[0] in (799, 800, 900, 730, 850, 721, 850, 719, 800):
            assert (await monitor.check()).used_bytes == used[0]
    assert told == [800, 800]
    assert [record.getMessage() for record in caplog.records] == ["memory high: 800 B of 1.0 KiB (80%, cgroup v2)"] * 2


async def test_without_a_limit_nothing_is_high(caplog: pytest.LogCaptureFixture) -> None:
    monitor = MemoryMonitor(lambda: MemoryUse(1 << 50, None, "rss"))
    assert (await monitor.check()).ratio is None
    assert caplog.records == []
