"""Where Python code stands and what it computes: real processes, read by the real py-spy."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mcptop.model.diagnosis import StepStatus
from mcptop.playbook.steps import py_spy
from mcptop.playbook.steps.base import StepFailure, options_of
from mcptop.playbook.steps.catalogue import KINDS
from mcptop.sources import command, process_files
from mcptop.sources.kept import contents
from tests.playbook.step_world import READY, as_nobody, check, context, needs_root, process, read, running

BLOCKED = """
import asyncio, time
def holds():
    time.sleep(0.3)
async def main():
    print("ready", flush=True)
    while True:
        holds()
        await asyncio.sleep(0)
asyncio.run(main())
"""
IDLE = """
import asyncio
async def main():
    print("ready", flush=True)
    await asyncio.sleep(300)
asyncio.run(main())
"""
DEADLOCK = """
import queue, threading
one, two, met = threading.Lock(), threading.Lock(), threading.Barrier(3)
def transfer(first, second):
    with first:
        met.wait()
        with second:
            pass
for number, locks in enumerate([(one, two), (two, one)]):
    threading.Thread(target=transfer, args=locks, name=f"transfer-{number}", daemon=True).start()
jobs = queue.Queue()
def waits_for_jobs():
    while True: jobs.get()
def waits_for_news(news):
    while True: news.wait()
for _ in range(3):
    threading.Thread(target=waits_for_jobs, daemon=True).start()
    threading.Thread(target=waits_for_news, args=(threading.Event(),), daemon=True).start()
met.wait()
"""
FOR_EVER = """
import queue, threading
from concurrent.futures import Future
held, gate, ended = threading.Lock(), threading.Semaphore(0), threading.Event()
held.acquire()
def enters():
    with held:
        pass
def acquires():
    held.acquire()
def passes():
    with gate:
        pass
def takes(jobs):
    while True: jobs.get()
def joins(other): other.join()
def asks(answer): answer.result()
def start(code, *given):
    thread = threading.Thread(target=code, args=given, name=code.__name__, daemon=True)
    thread.start()
    return thread
for code in (enters, acquires, passes): start(code)
jobs = queue.SimpleQueue()
for _ in range(3): start(takes, jobs)
for _ in range(2): start(joins, start(takes, queue.SimpleQueue()))
for _ in range(2): start(asks, Future())
"""
HOT = """
import threading
def hot():
    while True: sum(range(1000))
for _ in range(2):
    threading.Thread(target=hot, name="worker", daemon=True).start()
"""


def state(pid: int) -> str:
    stat = process_files.process_stat(contents(f"/proc/{pid}/stat"))
    return stat.state if stat else "gone"


def spied(kind: str, pid: int, python: bool | None = True, seconds: float = 60.0, **options: Any) -> dict[str, Any]:
    """The values; what is promised and no more; and the target goes on."""
    step, subject = KINDS[kind], process(pid, python=python, program="x")
    typed = options_of(step, options)
    raw = step.collect(context(subject, seconds=seconds), typed)
    values = step.read(raw, typed, subject)
    assert state(pid) != "T"
    check(kind, values)
    assert not any("/tmp" in word for output in raw for word in output.provenance.argv)
    return values


def refused(kind: str, pid: int, **more: Any) -> StepFailure:
    with pytest.raises(StepFailure) as failed:
        spied(kind, pid, **more)
    return failed.value


def test_a_loop_that_is_no_python(tmp_path: Path) -> None:
    """uvloop's: nothing of it is on the stack but what started it."""
    run = "import uvloop; asyncio.run = uvloop.run; asyncio.run(main())"
    several = {"repeat": 4, "every": "100ms"}
    with (
        running(BLOCKED.replace("asyncio.run(main())", run)) as blocked,
        running(IDLE.replace("asyncio.run(main())", run)) as idle,
        running(BLOCKED.replace("asyncio.run(main())", run).replace("time.sleep(0.3)", "sum(range(10**6))")) as busy,
    ):
        held, free = (spied("py-spy-dump", each.pid, **several) for each in (blocked, idle))
        profile = spied("py-spy-record", busy.pid, **{"for": "1s"})
    assert (held["loop"]["seen"], held["loop"]["function"], held["working"]) == (True, "holds", 0)
    assert held["loop"]["busy_share"] >= 0.75
    assert (free["loop"]["seen"], free["loop"]["busy_share"], free["working"]) == (True, 0.0, 0)
    assert profile["loop_share"] > 0.9


def of_file(folder: Path, program: str) -> str:
    """The same, with a source that can be read."""
    (folder / "program.py").write_text(program)
    return f"import runpy; runpy.run_path({str(folder / 'program.py')!r}, run_name='__main__')"


def test_event_loops_and_threads(tmp_path: Path) -> None:
    several = {"repeat": 4, "every": "100ms"}
    with (
        running(BLOCKED) as blocked,
        running(IDLE) as idle,
        running(of_file(tmp_path, DEADLOCK + READY)) as dead,
        ThreadPoolExecutor(3) as pool,
    ):
        work = [pool.submit(spied, "py-spy-dump", each.pid, **several) for each in (blocked, idle, dead)]
        held, free, stuck = (each.result() for each in work)
    assert (held["loop"]["seen"], held["loop"]["function"]) == (True, "holds")
    assert held["loop"]["busy_share"] >= 0.75
    assert held["loop"]["same_share"] == held["loop"]["busy_share"]
    assert held["loop"]["active_share"] <= 0.5
    assert held["loop"]["where"] == f"holds() in <string>:{held['loop']['line']}"
    assert (free["loop"]["seen"], free["loop"]["busy_share"], free["loop"]["active_share"]) == (True, 0.0, None)
    assert (stuck["loop"]["seen"], stuck["loop"]["busy_share"]) == (False, None)
    assert (stuck["dumps"], stuck["failed"], stuck["threads"]) == (4, 0, 9)
    assert (stuck["stuck"]["threads"], stuck["stuck"]["lock_waiters"], stuck["stuck"]["locks"]) == (2, 2, 2)
    assert stuck["stuck"]["function"] == "transfer"
    assert (stuck["same"]["threads"], stuck["same"]["threads_names"]) == (2, "transfer")
    # Those that wait for jobs or news wait for a lock too, by the kernel's word.
    assert (stuck["idle_workers"], stuck["working"]) == (6, 3)
    assert stuck["active"] == 0
    assert stuck["leaf"]["resolve"] == 0


def test_of_all_that_wait_for_ever_only_some_wait_for_a_lock(tmp_path: Path) -> None:
    several = {"repeat": 3, "every": "100ms"}
    with running(of_file(tmp_path, FOR_EVER + READY)) as child:
        seen = spied("py-spy-dump", child.pid, **several)
        (tmp_path / "program.py").unlink()
        unseen = spied("py-spy-dump", child.pid, **several)
    # Of twelve threads five wait in a queue that is no Python, two for the end of another, two for a result.
    assert (seen["stuck"]["threads"], seen["stuck"]["lock_waiters"], seen["stuck"]["locks"]) == (7, 3, 2)
    assert (seen["same"]["lock_waiters"], seen["idle_workers"]) == (2, 5)
    # One stands in a semaphore, and that is Python; of the others nobody knows.
    assert (unseen["stuck"]["threads"], unseen["stuck"]["lock_waiters"]) == (12, None)
    assert unseen["same"]["lock_waiters"] is None


def test_idle_threads_are_no_deadlock(tmp_path: Path) -> None:
    """Nor a pool that is used up: a service whose threads wait for jobs is well."""
    idle = FOR_EVER.replace("for code in (enters, acquires, passes): start(code)\n", "")
    with running(of_file(tmp_path, idle + READY)) as child:
        command = [sys.executable, "-m", "mcptop", "diagnose", "slow-service", "--pid", str(child.pid), "--json"]
        done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert (done.returncode, json.loads(done.stdout)["status"]) == (0, "healthy"), done.stdout


def test_a_profile_of_what_computes_and_of_what_does_not() -> None:
    with running(HOT + READY) as hot, running(IDLE) as idle, ThreadPoolExecutor(2) as pool:
        work = [pool.submit(spied, "py-spy-record", each.pid, **{"for": "2s"}) for each in (hot, idle)]
        busy, lazy = (each.result() for each in work)
        active = spied("py-spy-dump", hot.pid, repeat=3, every="50ms")
    assert busy["top"]["share"] > 0.9
    assert busy["top"]["function"] == "hot"
    assert (busy["top"]["file"], busy["top"]["threads"], busy["top"]["thread"]) == ("<string>", 2, "worker")
    assert busy["samples"] >= 5
    assert busy["computing"] > 0.2
    assert busy["leaf"]["share"] > 0.2
    assert (busy["json_share"], busy["loop_share"]) == (0.0, 0.0)
    assert (lazy["samples"], lazy["computing"], lazy["top"]["share"], lazy["top"]["where"]) == (0, 0.0, 0.0, None)
    assert active["active"] >= 1


def test_a_process_that_is_not_python() -> None:
    with subprocess.Popen(["sleep", "300"]) as child:
        known = refused("py-spy-dump", child.pid, python=False)
        assert (known.status, known.says) == (StepStatus.NO_DATA, "x is not Python")
        for kind in ("py-spy-dump", "py-spy-record"):
            unknown = refused(kind, child.pid, python=None)
            assert unknown.status is StepStatus.NO_DATA
            assert unknown.says.startswith("py-spy: cannot find the interpreter")
        assert state(child.pid) == "S"
        child.kill()


def test_a_process_that_has_ended_or_ends_meanwhile() -> None:
    with running("import threading, os\nthreading.Timer(1.0, os._exit, (0,)).start()\n" + HOT + READY) as child:
        with ThreadPoolExecutor(2) as pool:
            work = pool.submit(spied, "py-spy-record", child.pid, **{"for": "30s"})
            with pytest.raises(StepFailure, match="the target has ended") as failed:
                spied("py-spy-dump", child.pid, repeat=100, every="100ms")
            profile = work.result()
        assert failed.value.status is StepStatus.TARGET_GONE
        assert profile["samples"] > 0
        # Of the second it lived, not of the thirty that were asked for.
        assert profile["computing"] > 0.1
        assert state(child.pid) == "Z"
        assert refused("py-spy-record", child.pid).status is StepStatus.TARGET_GONE
        child.wait()
        assert refused("py-spy-dump", child.pid).status is StepStatus.TARGET_GONE


def test_a_process_that_is_stopped_is_left_as_it_was() -> None:
    with running(READY) as child:
        child.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, child.pid, os.WSTOPPED)
        for kind in ("py-spy-dump", "py-spy-record"):
            failure = refused(kind, child.pid)
            assert (failure.status, state(child.pid)) == (StepStatus.NO_DATA, "T")
            assert "is stopped" in failure.says
        child.send_signal(signal.SIGCONT)


@needs_root
def test_somebody_elses_process_is_a_permission_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    program = command.path_of("py-spy")
    assert program is not None
    with running(READY) as child, tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        shutil.copy(program, folder)
        monkeypatch.setenv("PATH", folder, prepend=os.pathsep)
        for kind in ("py-spy-dump", "py-spy-record"):
            assert as_nobody(kind, child.pid).startswith("permission_denied py-spy: may not read that process")
        assert state(child.pid) == "S"


@contextmanager
def instead(script: str) -> Iterator[None]:
    """Another program in py-spy's place, while the block runs."""
    py_spy.version.cache_clear()
    before = os.environ["PATH"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "py-spy")
        path.write_text(f"#!/bin/sh\ncase $1 in --version) echo py-spy 9.9; exit;; esac\n{script}\n")
        path.chmod(0o755)
        os.environ["PATH"] = f"{folder}{os.pathsep}{before}"
        try:
            yield
        finally:
            os.environ["PATH"] = before
            py_spy.version.cache_clear()


RECORDED = [
    ("Permission Denied: Try running again with elevated permissions by going 'sudo env \"PATH=$PATH\" !!'",
     StepStatus.PERMISSION_DENIED, "py-spy: may not read that process"),
    ("Error: Failed to suspend process\n\nCaused by:\n    EPERM: Operation not permitted\n",
     StepStatus.PERMISSION_DENIED, "py-spy: may not read that process"),
    ("Error: Failed to get process executable name. Check that the process is running.\n\nCaused by:\n"
     "    0: No such file or directory (os error 2)\n", StepStatus.TARGET_GONE, "py-spy: the target has ended"),
    ("Error: Failed to open process 7", StepStatus.TARGET_GONE, "py-spy: the target has ended"),
    ("Error: Failed to find python version from target process\n\nStack backtrace:\n   0: py_spy::main\n",
     StepStatus.NO_DATA, "py-spy: cannot find the interpreter"),
    ("Error: Failed to find a python interpreter in the .data section",
     StepStatus.NO_DATA, "py-spy: cannot find the interpreter"),
    ("Error: Unsupported version of Python: 3.99.0", StepStatus.NO_DATA, "py-spy: this py-spy does not know"),
    ("Error: something new\n\nStack backtrace:\n   0: py_spy::main\n",
     StepStatus.NO_DATA, "py-spy failed: Error: something new"),
    ("thread 'main' panicked", StepStatus.NO_DATA, "py-spy failed: thread 'main' panicked"),
    ("", StepStatus.NO_DATA, "py-spy failed: it said nothing"),
]  # fmt: skip


def test_what_its_refusals_mean(tmp_path: Path) -> None:
    for at, (complaint, status, says) in enumerate(RECORDED):
        (tmp_path / str(at)).write_text(complaint)
        with instead(f"cat {tmp_path / str(at)} >&2; exit 1"):
            failure = refused("py-spy-dump", os.getpid())
        assert failure.status is status, complaint
        assert failure.says.startswith(says)


def test_a_target_that_it_leaves_stopped_goes_on() -> None:
    with running(READY) as child, instead('for word; do pid=$word; done; kill -STOP "$pid"; exit 1'):
        assert refused("py-spy-dump", child.pid).status is StepStatus.NO_DATA
        assert state(child.pid) != "T"


def test_no_py_spy_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    py_spy.version.cache_clear()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    failure = refused("py-spy-dump", os.getpid())
    assert (failure.status, failure.says) == (StepStatus.TOOL_MISSING, "there is no program py-spy")
    py_spy.version.cache_clear()


DUMP = '[{\\"frames\\": [{\\"name\\": \\"f\\", \\"filename\\": \\"a.py\\", \\"line\\": 1}], \\"thread_name\\": null, ' \
       '\\"thread_id\\": 1, \\"os_thread_id\\": 1, \\"active\\": false, \\"owns_gil\\": false}]'  # fmt: skip


def test_dumps_that_fail_on_the_way_are_counted(tmp_path: Path) -> None:
    script = (
        f'echo x >> {tmp_path}/n; case $(wc -l < {tmp_path}/n) in 2) exit 1;; 3) echo "[{{";; *) echo "{DUMP}";; esac'
    )
    with instead(script):
        values = spied("py-spy-dump", os.getpid(), repeat=4, every="10ms")
    assert (values["dumps"], values["failed"], values["threads"]) == (2, 2, 1)
    assert (values["stuck"]["threads"], values["stuck"]["where"]) == (None, None)
    with instead("echo '[]'"):
        assert refused("py-spy-dump", os.getpid(), repeat=2, every="10ms").status is StepStatus.PARSE_ERROR


def test_one_that_does_not_end_is_stopped_and_so_is_one_the_user_has_seen_enough_of() -> None:
    with instead("sleep 300"):
        failure = refused("py-spy-dump", os.getpid(), seconds=0.3)
        assert failure.status is StepStatus.TIMEOUT
        step, given = KINDS["py-spy-record"], context(process(os.getpid(), python=True))
        threading.Timer(0.2, given.cancelled.set).start()
        with pytest.raises(StepFailure, match="py-spy: stopped by the user"):
            step.collect(given, options_of(step, {}))


def record(*lines: str, errors: int = 0, seconds: float = 5) -> dict[str, Any]:
    counts = f"py-spy> Wrote raw flamegraph data to 'x'. Samples: 9 Errors: {errors}\n".encode()
    return read("py-spy-record", ("py-spy.txt", counts), ("profile.raw", "\n".join(lines).encode()), **{"for": seconds})


LIB = "/usr/lib/python3.11"
LOOP = f"run_forever ({LIB}/asyncio/base_events.py:603);_run_once ({LIB}/asyncio/base_events.py:1)"
MAIN = f"thread (1): MainThread;<module> (/srv/a.py:1);{LOOP}"


def test_what_is_read_of_a_profile() -> None:
    values = record(
        f"{MAIN};handle (/srv/a.py:5);dumps ({LIB}/json/__init__.py:3) 60",
        f"{MAIN};handle (/srv/a.py:6) 20",
        f"thread (2): w;work (/srv/b.py:9);match ({LIB}/re/__init__.py:5) 15",
        "thread (0x7f1): w;work (/srv/b.py:9);<native> (libc.so.6) 5",
        "nonsense", "thread (3) 4", "",
    )  # fmt: skip
    assert values["samples"] == 100
    assert (values["top"]["where"], values["top"]["share"], values["top"]["threads"]) == ("handle() in a.py:5", 0.8, 1)
    assert (values["json_share"], values["regex_share"], values["loop_share"]) == (0.6, 0.15, 0.8)
    assert (values["leaf"]["where"], values["leaf"]["share"]) == ("dumps() in __init__.py:3", 0.6)
    assert values["computing"] == 1.0


def test_a_profile_of_which_too_much_failed_says_nothing() -> None:
    line = "thread (1): x;work (/srv/b.py:9) {}"
    # Of a hundred looks: of a target that hardly computes most see nothing, and have not failed.
    some = record(line.format(5), errors=20)
    assert (some["errors"], some["computing"]) == (20, 0.0625)
    with pytest.raises(StepFailure, match="21 of 100 looks failed"):
        record(line.format(3000), errors=21)
    few = record(line.format(4))
    assert (few["samples"], few["top"]["share"], few["top"]["where"]) == (4, 0.0, None)
