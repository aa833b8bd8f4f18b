"""Close looks at processes: their figures, their threads, and which processes are one instance."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from msgspec.structs import asdict

from mcptop.sources import process_look, process_tree, task_look
from mcptop.sources.process_look import ProcessLook
from mcptop.sources.process_tree import ProcessFacts
from mcptop.sources.procfs import Roots

LIVE = Roots("/proc", "/sys")
CONTAINER = "0::/system.slice/docker-{}.scope\n"
STAT = "{pid} ({comm}) {state} {ppid} 1 1 0 -1 4194304 10 0 3 0 {user} 50 0 0 20 0 4 0 777 1000 200 1\n"


def stat(pid: int, ppid: int, comm: str = "x", state: str = "S", user: int = 100) -> str:
    return STAT.format(pid=pid, ppid=ppid, comm=comm, state=state, user=user)


def tree(root: Path, processes: Mapping[int, Mapping[str, str]]) -> Roots:
    """A /proc made by hand; `exe` is a link."""
    for pid, files in processes.items():
        (root / str(pid)).mkdir()
        for name, text in files.items():
            path = root / str(pid) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(text) if name == "exe" else path.write_text(text)
    return Roots(str(root), str(root))


@contextmanager
def child(code: str) -> Iterator[subprocess.Popen[str]]:
    """A Python program that has said where it is."""
    with subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def settled(pid: int) -> ProcessLook:
    """Of a process that has nothing to do: the figures that do not change any more."""
    before, now = None, process_look.look(LIVE, pid)
    while now is None or now.state != "S" or before is None or asdict(before) != asdict(now):
        time.sleep(0.05)
        before, now = now, process_look.look(LIVE, pid)
    return now


def test_what_belongs_to_one_instance(tmp_path: Path) -> None:
    roots = tree(tmp_path, {
        1: {"stat": stat(1, 0), "cgroup": "0::/\n", "environ": ""},
        10: {"stat": stat(10, 1), "cgroup": "0::/\n", "environ": "MCPTOP_SERVICE=api\0PATH=/"},
        11: {"stat": stat(11, 10, "a) b ("), "cgroup": "0::/\n", "environ": "MCPTOP_SERVICE=api\0"},
        12: {"stat": stat(12, 10), "cgroup": "0::/\n", "environ": "MCPTOP_SERVICE=worker\0"},
        13: {"stat": stat(13, 12), "cgroup": "0::/\n", "environ": "MCPTOP_SERVICE=api\0"},
        14: {"stat": stat(14, 11), "cgroup": "", "environ": ""},
        15: {"stat": stat(15, 11), "cgroup": CONTAINER.format("c" * 64), "environ": "MCPTOP_SERVICE=api\0"},
        16: {"stat": stat(16, 15), "cgroup": CONTAINER.format("c" * 64), "environ": ""},
        99: {"stat": "nonsense"},
    })  # fmt: skip
    assert process_tree.members(roots, 10) == (10, 11, 14)
    assert process_tree.members(roots, 15) == (15,)
    assert process_tree.members(roots, 12) == (12,)
    assert process_tree.members(roots, 50) == ()


def test_a_real_family() -> None:
    code = "import subprocess; p = subprocess.Popen(['sleep', '300']); print(p.pid, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1, text=True) as parent:
        assert parent.stdout is not None
        below = int(parent.stdout.readline())
        assert process_tree.members(LIVE, parent.pid) == (parent.pid, below)
        os.kill(below, 9)
        parent.kill()
    assert process_tree.members(LIVE, parent.pid) == ()
    assert process_tree.facts(LIVE, parent.pid) is None


@pytest.mark.parametrize(
    ("exe", "maps", "program", "python"),
    [
        ("/usr/bin/python3.11", "", "python3.11", True),
        ("/usr/bin/python3.13t (deleted)", "", "python3.13t", True),
        ("/opt/pypy3.10", "", "pypy3.10", True),
        ("/usr/bin/pythonista", "", "pythonista", False),
        ("/usr/bin/uwsgi", "7f r-xp 00 00 1 /usr/lib/libpython3.11.so.1.0\n", "uwsgi", True),
        ("/usr/bin/redis-server", "7f r-xp 00 00 1 /usr/lib/libc.so.6\n", "redis-server", False),
        (None, "", "comm of it", False),
    ],
)
def test_what_a_process_is(tmp_path: Path, exe: str | None, maps: str, program: str, python: bool) -> None:
    files = {"stat": stat(7, 1, "comm of it"), "status": "Name:\tx\nNSpid:\t7\t1\n", "maps": maps}
    found = process_tree.facts(tree(tmp_path, {7: files if exe is None else files | {"exe": exe}}), 7)
    assert found is not None
    assert (found.program, found.python, found.inner_pid, found.start_ticks) == (program, python, 1, 777)
    assert found.cpu_s == pytest.approx(150 / os.sysconf("SC_CLK_TCK"))


@pytest.mark.parametrize(("status", "inner"), [(b"NSpid:\t7\n", None), (b"NSpid:\t7\t9\t3\n", 3), (b"Name: x\n", None)])
def test_the_number_a_container_knows_a_process_by(status: bytes, inner: int | None) -> None:
    assert process_tree.inner_pid(status) == inner


def test_the_busiest_of_an_instance() -> None:
    def of(pid: int, cpu_s: float, rss: int) -> ProcessFacts:
        return ProcessFacts(pid, None, "x", True, cpu_s, rss, 1)

    before = [of(1, 100.0, 50), of(2, 10.0, 10)]
    now = [of(1, 100.1, 50), of(2, 11.0, 10), of(3, 5.0, 90)]
    busiest = process_tree.busiest(now, before, by_memory=False)
    largest = process_tree.busiest(now, before, by_memory=True)
    assert busiest is not None
    assert largest is not None
    assert (busiest.pid, largest.pid) == (2, 3)
    idle = process_tree.busiest([of(1, 1.0, 5), of(2, 1.0, 7)], [of(1, 1.0, 5), of(2, 1.0, 7)], by_memory=False)
    assert idle is not None
    assert idle.pid == 2
    assert process_tree.busiest([], [], by_memory=True) is None


def test_the_figures_of_a_real_process_are_those_an_oracle_has() -> None:
    code = (
        "import threading, time\nkept = bytearray(30 << 20)\nfiles = [open('/dev/null') for _ in range(9)]\n"
        "for _ in range(3): threading.Thread(target=time.sleep, args=(300,), daemon=True).start()\n"
        "for _ in range(50): open('/dev/null', 'wb', 0).write(b'1234567890')\nprint(flush=True)\ninput()"
    )
    with child(code) as process:
        found, oracle = settled(process.pid), psutil.Process(process.pid)
        assert found.anon_bytes is not None
        assert found.anon_bytes >= 30 << 20
        assert (found.anon_bytes or 0) + (found.file_bytes or 0) + (found.shmem_bytes or 0) == oracle.memory_info().rss
        assert (found.threads, found.fds) == (4, oracle.num_fds())
        assert (found.state, found.swap_bytes) == ("S", 0)
        times, io = oracle.cpu_times(), oracle.io_counters()
        assert (found.user_s, found.system_s) == pytest.approx((times.user, times.system))
        assert (found.writes, found.reads, found.written_chars) == (io.write_count, io.read_count, io.write_chars)
        assert (found.written_chars or 0) >= 500
        maps = process_look.maps(LIVE, process.pid)
        assert maps is not None
        assert maps.heap_bytes == sum(m.size for m in oracle.memory_maps(grouped=False) if m.path == "[heap]")
    assert process_look.look(LIVE, process.pid) is None
    assert process_look.maps(LIVE, process.pid) is None


def test_ended_children_nobody_waited_for() -> None:
    code = "import os, time\nfor _ in range(4):\n    os.fork() or os._exit(0)\n    print(flush=True)\ntime.sleep(300)"
    with child(code) as process:
        assert process.stdout is not None
        for _ in range(3):
            process.stdout.readline()
        while process_look.zombies(LIVE, frozenset({process.pid})) < 4:
            pass
        assert process_look.zombies(LIVE, frozenset({process.pid})) == 4
        assert process_look.zombies(LIVE, frozenset()) == 0
    zombie = subprocess.Popen([sys.executable, "-c", ""], stdin=-1)
    while (found := process_look.look(LIVE, zombie.pid)) is not None and found.state != "Z":
        pass
    assert found is not None
    assert (found.anon_bytes, found.threads) == (None, 1)
    zombie.communicate()


def test_arenas_are_mappings_of_their_size_used_or_not(tmp_path: Path) -> None:
    arena, line = 64 << 20, "{:x}-{:x} {} 00000000 00:00 0 {}\n"
    at = 0x7F0000000000
    maps = (
        line.format(0x1000, 0x5000, "rw-p", "[heap]")
        + line.format(0x5000, 0x6000, "rw-p", "[heap]")
        + line.format(at, at + 0x21000, "rw-p", "")
        + line.format(at + 0x21000, at + arena, "---p", "")
        + line.format(at + arena, at + 2 * arena, "rw-p", "")
        + line.format(at + 2 * arena + 0x1000, at + 3 * arena + 0x1000, "rw-p", "")
        + line.format(at + 4 * arena, at + 4 * arena + 0x1000, "rw-p", "/usr/lib/a file")
        + "nonsense\n"
    )
    found = process_look.maps(tree(tmp_path, {7: {"maps": maps}}), 7)
    assert found is not None
    assert (found.heap_bytes, found.anonymous, found.arenas) == (0x5000, 4, 2)


def test_what_may_not_be_read_is_unknown(tmp_path: Path) -> None:
    found = process_look.look(tree(tmp_path, {7: {"stat": stat(7, 1, "odd ) name")}}), 7)
    assert found is not None
    assert (found.threads, found.major_faults, found.user_s) == (4, 3, 100 / os.sysconf("SC_CLK_TCK"))
    assert (found.anon_bytes, found.writes, found.fds) == (None, None, None)


def task(call: str, state: str = "S", wchan: str = "0") -> dict[str, str]:
    return {"stat": stat(8, 1, "worker (8)", state), "schedstat": "2500000000 500000000 30\n", "syscall": call,
            "wchan": wchan}  # fmt: skip


x86 = pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of system calls of x86-64")


@x86
@pytest.mark.parametrize(
    ("call", "state", "wchan", "expected"),
    [
        ("202 0x7f01 0x189 0x0 0x0 0x0 0xffffffff 0x7ffe 0x7f\n", "S", "0", ("futex", True, "0x7f01")),
        ("202 0x7f01 0x80 0x2 0x7ffe10 0x0 0x0 0x7ffe 0x7f\n", "S", "0", ("futex", False, "0x7f01")),
        ("202 0x7f01 0x81 0x1 0x0 0x0 0x0 0x7ffe 0x7f\n", "S", "0", ("futex", False, "0x7f01")),
        ("230 0x0 0x1 0x7f 0x0 0x0 0x0 0x7ffe 0x7f\n", "S", "0", ("sleep", False, None)),
        ("74 0x4 0x0 0x0 0x0 0x0 0x0 0x7ffe 0x7f\n", "D", "0", ("fsync", False, None)),
        ("999 0x4 0x0 0x0 0x0 0x0 0x0 0x7ffe 0x7f\n", "S", "0", (None, False, None)),
        ("running\n", "R", "0", (None, False, None)),
        ("-1 0x7ffe 0x7f\n", "S", "futex_wait_queue", ("futex", False, None)),
        ("", "S", "do_epoll_wait", ("poll", False, None)),
        ("", "D", "jbd2_log_wait_commit", ("fsync", False, None)),
        ("", "S", "", (None, False, None)),
    ],
)
def test_what_a_thread_waits_in(
    tmp_path: Path, call: str, state: str, wchan: str, expected: tuple[object, ...]
) -> None:
    files = {f"task/8/{name}": text for name, text in task(call, state, wchan).items()}
    (found,) = task_look.looks(tree(tmp_path, {7: files}), 7)
    assert (found.waits_in, found.for_ever, found.where) == expected
    assert (found.tid, found.name, found.state) == (8, "worker (8)", state)
    assert (found.ran_s, found.waited_s, found.slices) == (2.5, 0.5, 30)


def test_threads_that_are_gone_and_those_beyond_the_limit(tmp_path: Path) -> None:
    tids = range(10, 10 + task_look.MOST_CALLS + 50)
    files = {f"task/{tid}/{name}": text for tid in tids for name, text in task("", wchan="futex").items() if tid != 12}
    roots = tree(tmp_path, {7: files})
    (tmp_path / "7" / "task" / "12").mkdir()
    found = list(task_look.looks(roots, 7))
    assert [each.tid for each in found] == [tid for tid in tids if tid != 12]
    assert all(each.ran_s == 2.5 for each in found)
    assert sum(each.waits_in == "futex" for each in found) == task_look.MOST_CALLS - 1
    assert list(task_look.looks(roots, 99)) == []


def test_our_own_threads() -> None:
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        found = {each.tid: each for each in task_look.looks(LIVE, os.getpid())}
        assert found[threading.get_native_id()].state == "R"
        assert found[threading.get_native_id()].waits_in is None
        assert thread.native_id in found
    finally:
        over.set()
        thread.join()
