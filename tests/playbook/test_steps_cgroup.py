"""`cgroup`: version 1 with the new tree beside it, version 2, real groups, and files that lack half of it."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.playbook.steps.base import StepFailure, options_of
from mcptop.playbook.steps.catalogue import KINDS
from mcptop.playbook.steps.cgroup import Look
from mcptop.sources.cgroup_paths import Mount, own_directories, parse_mounts
from tests.playbook.step_world import READY, check, context, looked, needs_root, process, read, running
from tests.unit.fixtures import HOSTS, container, roots


def recorded(host: str, name: str) -> dict[str, Any]:
    """The step on a recorded host."""
    identity, there = container(host, name)["Id"], roots(host)
    pids = [path.name for path in Path(there.procfs).iterdir() if path.name.isdigit()]
    pid = next(int(pid) for pid in pids if identity in (Path(there.procfs) / pid / "cgroup").read_text())
    subject = Subject("container", None, name, name, container=identity, pid=pid, pids=(pid,))
    step, options = KINDS["cgroup"], options_of(KINDS["cgroup"], {"over": 0})
    given = context(subject, path_procfs=there.procfs, path_sysfs=there.sysfs)
    values = step.read(step.collect(given, options), options, subject)
    check("cgroup", values)
    return values


@pytest.mark.parametrize(("host", "version"), [(HOSTS[0], "hybrid"), (HOSTS[1], "v2")])
def test_a_container_within_limits_on_a_recorded_host(host: str, version: str) -> None:
    found = recorded(host, "burner")
    assert (found["version"], found["shared"], found["cpu_limit_cores"]) == (version, False, 0.5)
    memory = found["memory"]
    assert memory["limit_bytes"] == 268435456
    assert 100e6 < memory["anon"] < memory["usage"]
    assert 0.38 < memory["limit_ratio"] < 0.46
    assert (memory["oom_kill_total"], memory["oom_kill_growth"], memory["max_total"]) == (0, 0, 0)
    assert found["pressure"]["cpu"]["some"] > 0.3
    assert (found["throttled"], found["throttled_s"]) == (0, 0)
    # What a version does not count is not known, and not 0.
    is_new = version == "v2"
    assert (memory["slab"] is not None, memory["high_total"] is not None, memory["oom_total"] is not None) == (
        is_new,
    ) * 3


def before_and_after(before: dict[str, str], after: dict[str, str]) -> dict[str, Any]:
    looks = [Look(at, "v2", False, files) for at, files in ((0.0, before), (5.0, after))]
    return read("cgroup", *((str(at), msgspec.json.encode(look)) for at, look in enumerate(looks)))


def test_what_came_between_the_looks_on_version_2() -> None:
    found = before_and_after(
        {
            "cpu.stat": "usage_usec 1\nnr_periods 100\nnr_throttled 10\nthrottled_usec 1000000\n",
            "memory.events": "low 0\nhigh 5\nmax 7\noom 1\noom_kill 1\nnew_word 3\n",
            "io.stat": "8:0 rbytes=1000 wbytes=0 rios=1 wios=0 dbytes=0\n253:0\n",
        },
        {
            "cpu.stat": "usage_usec 2\nnr_periods 150\nnr_throttled 50\nthrottled_usec 3500000\n",
            "memory.events": "low 0\nhigh 9\nmax 7\noom 2\noom_kill 3\nnew_word 3\n",
            "io.stat": "8:0 rbytes=6000 wbytes=10000 rios=6 wios=10\n8:16 rbytes=0 wbytes=5000 rios=0 wios=5\n",
            "pids.current": "9\n",
            "pids.max": "10\n",
        },
    )
    assert (found["periods"], found["throttled"], found["throttled_ratio"], found["throttled_s"]) == (50, 40, 0.8, 2.5)
    assert [found["memory"][f"{name}_growth"] for name in ("high", "max", "oom", "oom_kill")] == [4, 0, 1, 2]
    assert found["io"] == {
        "read_bytes_per_s": 1000, "write_bytes_per_s": 3000, "reads_per_s": 1, "writes_per_s": 3,
    }  # fmt: skip
    assert found["pids"] == {"current": 9, "max": 10, "ratio": 0.9}


def test_what_came_between_the_looks_on_version_1() -> None:
    old = {
        "cpu.stat": "nr_periods 10\nnr_throttled 0\nthrottled_time 0\n",
        "memory.stat": "cache 9\ntotal_rss 100\ntotal_cache 50\ntotal_shmem 1\ntotal_inactive_file 40\n",
        "memory.failcnt": "3\n",
        "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
        "memory.kmem.usage_in_bytes": "77\n",
        "memory.usage_in_bytes": "200\n",
        "memory.limit_in_bytes": "9223372036854771712\n",
        "blkio.throttle.io_service_bytes": "8:0 Read 0\n8:0 Write 0\n8:0 Total 0\nTotal 0\n",
        "blkio.throttle.io_serviced": "8:0 Read 0\n8:0 Write 0\n",
    }
    new = old | {
        "cpu.stat": "nr_periods 20\nnr_throttled 5\nthrottled_time 1500000000\n",
        "memory.failcnt": "13\n",
        "memory.oom_control": "oom_kill 2\n",
        "blkio.throttle.io_service_bytes": "8:0 Read 5000\n8:0 Write 10000\n8:0 Total 15000\nTotal 15000\n",
        "blkio.throttle.io_serviced": "8:0 Read 5\n8:0 Write 10\n",
    }
    found = before_and_after(old, new)
    assert (found["throttled_ratio"], found["throttled_s"]) == (0.5, 1.5)
    memory = found["memory"]
    assert (memory["anon"], memory["file"], memory["kernel"], memory["sock"]) == (100, 50, 77, None)
    assert (memory["max_growth"], memory["oom_kill_growth"], memory["oom_kill_total"]) == (10, 1, 2)
    assert (memory["limit_bytes"], memory["limit_ratio"]) == (None, None)
    assert (found["io"]["write_bytes_per_s"], found["io"]["writes_per_s"]) == (2000, 2)


def test_a_group_that_began_anew_or_lacks_its_files_is_unknown() -> None:
    found = before_and_after({"cpu.stat": "nr_periods 90\nnr_throttled 9\n"}, {"cpu.stat": "nr_periods 4\n"})
    assert (found["periods"], found["throttled_ratio"], found["throttled_s"]) == (None, None, None)
    assert (found["memory"]["anon"], found["memory"]["oom_kill_growth"]) == (None, None)
    assert (found["pressure"]["io"]["some"], found["io"]["reads_per_s"], found["pids"]["max"]) == (None, None, None)


def test_files_that_make_no_sense_are_unknown_too() -> None:
    odd = {"cpu.stat": "nr_periods many\n\xff\n", "memory.stat": "anon\n", "cpu.max": "max", "io.stat": "8:0 rbytes=x"}
    found = before_and_after(odd, odd)
    assert (found["periods"], found["memory"]["anon"], found["cpu_limit_cores"]) == (None, None, None)


def test_no_io_yet_is_no_io() -> None:
    assert before_and_after({"io.stat": ""}, {"io.stat": ""})["io"]["reads_per_s"] == 0


def test_no_quota_holds_nobody_back() -> None:
    stat = {"cpu.stat": "usage_usec 5\nnr_periods 0\nnr_throttled 0\nthrottled_usec 0\n"}
    assert before_and_after(stat, stat)["throttled_ratio"] == 0


def test_everybodys_group_is_nobodys_own(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    mounts = {"cpu": Mount(str(tmp_path), "/"), "memory": Mount(str(tmp_path), "/")}
    found = own_directories({"cpu": "/", "memory": "/a", "pids": "/a", "": "/gone"}, mounts)
    assert found == {"memory": f"{tmp_path}/a"}


@contextlib.contextmanager
def group(controller: str) -> Iterator[Path]:
    """A new group of this machine."""
    mounts = parse_mounts(Path("/proc/self/mountinfo").read_text())
    mount = mounts.get(controller) or mounts.get("")
    if mount is None or not os.access(mount.point, os.W_OK):
        pytest.skip("no control group can be made here")
    folder = Path(mount.point) / f"mcptop-test-{os.getpid()}"
    folder.mkdir()
    try:
        yield folder
    finally:
        for _ in range(100):
            with contextlib.suppress(OSError):
                folder.rmdir()
                break
            time.sleep(0.02)


@needs_root
def test_a_process_in_a_group_of_its_own_and_in_a_shared_one() -> None:
    with group("pids") as folder, running(READY) as child, running(READY) as other:
        (folder / "cgroup.procs").write_text(str(child.pid))
        found, _ = looked("cgroup", process(child.pid), over=0)
        assert found["pids"]["current"] in (1, None)
        (folder / "cgroup.procs").write_text(str(other.pid))
        shared, _ = looked("cgroup", process(child.pid), over=0)
        both, _ = looked("cgroup", process(child.pid, other.pid), over=0)
    assert shared["shared"]
    assert both["shared"] is found["shared"]


@needs_root
def test_of_a_worker_that_was_replaced_another_is_asked() -> None:
    with group("pids") as folder, running(READY) as living:
        with running(READY) as replaced:
            pass
        (folder / "cgroup.procs").write_text(str(living.pid))
        found, _ = looked("cgroup", process(replaced.pid, living.pid), over=0)
    assert found["pids"]["current"] in (1, None)


def test_a_target_that_has_ended_is_gone() -> None:
    with running(READY) as child:
        pass
    with pytest.raises(StepFailure) as failure:
        looked("cgroup", process(child.pid), over=0)
    assert failure.value.status is StepStatus.TARGET_GONE
