"""What each thread does, as the kernel sees it: of real processes, and of looks made by hand."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mcptop.model.diagnosis import StepStatus
from mcptop.playbook.steps.base import StepFailure, options_of
from mcptop.playbook.steps.catalogue import KINDS
from mcptop.playbook.steps.threads import Moment
from mcptop.sources.task_look import TaskLook
from tests.playbook.step_world import READY, context, looked, process, read, running

HOT = """
import threading, time
def start(work, *arguments):
    threading.Thread(target=work, args=arguments, daemon=True).start()
def hot():
    while True: pass
lock = threading.Lock()
lock.acquire()
start(hot)
start(lock.acquire)
start(time.sleep, 300)
"""
SYNCS = """
import os, sys, threading
def syncs():
    with open(sys.argv[1], "wb") as file:
        while True:
            file.write(b"x" * (256 << 10))
            file.flush()
            os.fsync(file.fileno())
            file.seek(0)
threading.Thread(target=syncs, daemon=True).start()
"""
MANY = """
import threading, time
for _ in range(200):
    threading.Thread(target=time.sleep, args=(300,), daemon=True).start()
"""

CROWD = """
import threading, time
for _ in range(700):
    threading.Thread(target=time.sleep, args=(300,), daemon=True).start()
def hot():
    while True: pass
threading.Thread(target=hot, name="hot", daemon=True).start()
"""


def test_four_processes_in_one_window(tmp_path: Path) -> None:
    with (
        running(HOT + READY) as hot, running(SYNCS + READY, str(tmp_path / "file")) as syncs,
        running(MANY + READY) as many, running(READY) as stopped, ThreadPoolExecutor(4) as pool,
    ):  # fmt: skip
        stopped.send_signal(signal.SIGSTOP)
        # How long it takes to force data to a disk is the disk's affair: many looks meet it now and then.
        windows = {hot: "100ms", syncs: "10ms", many: "100ms", stopped: "100ms"}
        looks = [
            pool.submit(looked, "threads", process(each.pid), **{"for": "2.5s", "every": every})
            for each, every in windows.items()
        ]
        (one, _), (two, _), (three, _), (four, _) = (each.result() for each in looks)
    assert (one["count"], one["busy"], one["top"]["is_main"]) == (4, 1, False)
    assert one["top"]["tid"] != hot.pid
    assert one["top"]["share"] > 0.8
    # However little of a CPU others leave it, it wanted one all the time.
    assert one["top"]["demand"] > 0.8
    assert one["top"]["steady"] > 0.6
    assert one["main"]["cores"] < 0.2
    assert one["in"]["futex"] == one["in"]["sleep"] == one["in"]["read"] == pytest.approx(1.0)
    assert (one["stopped"], four["stopped"], four["count"]) == (False, True, 1)
    # It may be stopped a moment after the first look.
    assert four["cores"] < 0.05
    assert two["fsync_share"] > 0
    assert two["in"]["fsync"] == pytest.approx(two["fsync_share"])
    assert one["fsync_share"] == three["fsync_share"] == 0
    assert (three["count"], three["busy"]) == (201, 0)
    assert three["in"]["sleep"] == pytest.approx(200)
    assert three["top"]["steady"] is None or three["top"]["steady"] <= 1


def test_the_one_that_computes_among_very_many() -> None:
    with running(CROWD + READY) as child:
        values, _ = looked("threads", process(child.pid), **{"for": "2.5s", "every": "100ms"})
    assert (values["count"], values["busy"], values["top"]["is_main"]) == (702, 1, False)
    assert values["top"]["share"] > 0.8
    assert values["top"]["demand"] > 0.8
    # Not all were asked what they wait in.
    assert values["in"]["sleep"] is values["fsync_share"] is None


def test_a_target_that_ends_meanwhile_leaves_what_was_seen(tmp_path: Path) -> None:
    with running("import threading, os\nthreading.Timer(0.8, os._exit, (0,)).start()\n" + READY) as child:
        values, _ = looked("threads", process(child.pid), **{"for": "60s", "every": "50ms"})
        assert values["count"] == 2
        assert values["seconds"] < 60
        child.wait()
        with pytest.raises(StepFailure, match="the target has ended") as failed:
            looked("threads", process(child.pid))
    assert failed.value.status is StepStatus.TARGET_GONE


def test_one_look_is_none_and_does_not_mean_that_the_target_has_ended() -> None:
    step, given = KINDS["threads"], context(process(os.getpid()))
    given.cancelled.set()
    with pytest.raises(StepFailure, match="no time for a second look") as failed:
        step.collect(given, options_of(step, {}))
    assert failed.value.status is StepStatus.TIMEOUT


def test_a_process_that_is_not_on_this_machine() -> None:
    step = KINDS["threads"]
    elsewhere = msgspec.structs.replace(process(1), pid=None, pids=())
    with pytest.raises(StepFailure, match="not on this machine"):
        step.collect(context(elsewhere), options_of(step, {}))
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    with pytest.raises(StepFailure, match="has ended"):
        step.collect(context(process(child.pid)), options_of(step, {}))


def task(tid: int, ran_s: float = 0.0, waited_s: float = 0.0, slices: int = 0, **more: Any) -> TaskLook:
    given = {"inner_tid": tid, "name": f"t{tid}\x1b", "state": "S", **more}
    return TaskLook(tid=tid, ran_s=ran_s, waited_s=waited_s, slices=slices, **given)


def made(*looks: tuple[TaskLook, ...], every_s: float = 1.0) -> dict[str, Any]:
    moments = [Moment(at * every_s, tasks) for at, tasks in enumerate(looks)]
    return read("threads", ("threads.json", msgspec.json.encode(moments)))


def test_shares_demand_and_delay() -> None:
    values = made(
        (task(1, 5.0, 1.0, 10), task(2, 100.0, 7.0, 1000)),
        (task(1, 5.1, 1.1, 12), task(2, 100.5, 7.5, 1100), task(3, 0.2, 0.0, 5)),
        (task(1, 5.2, 1.2, 14), task(2, 101.0, 8.0, 1200), task(3, 0.4, 0.0, 10)),
    )
    assert (values["seconds"], values["count"], values["busy"]) == (2.0, 3, 3)
    assert values["cores"] == pytest.approx((0.2 + 1.0 + 0.4) / 2)
    assert values["top"]["tid"] == 2
    assert values["top"]["name"] == "t2 "
    assert values["top"]["share"] == pytest.approx(1.0 / 1.6, abs=1e-4)
    assert (values["top"]["demand"], values["top"]["steady"]) == (1.0, 1.0)
    assert values["main"]["cores"] == pytest.approx(0.1)
    assert values["run_delay"] == pytest.approx((0.2 + 1.0) / 2)
    assert values["demand"] == pytest.approx(0.8 + 0.6)
    assert values["delay_ratio"] == pytest.approx(0.6 / 1.4, abs=1e-4)
    assert (values["slices_per_s"], values["slice_s"]) == (107.0, pytest.approx(1.6 / 214, abs=1e-4))


def test_nothing_runs() -> None:
    values = made((task(1, state="D", waits_in="read"),), (task(1, state="S", waits_in="poll"),))
    assert (values["cores"], values["busy"], values["busy_mean"], values["top"]["share"]) == (0.0, 0, None, None)
    assert (values["delay_ratio"], values["slice_s"], values["on_disk"]) == (0.0, None, 0.5)
    assert (values["in"]["read"], values["in"]["poll"], values["in"]["futex"]) == (0.5, 0.5, 0)


def test_a_thread_that_rests_is_not_steady() -> None:
    ran = [0.0, 1.0, 2.0, 2.0, 2.0, 3.0, 3.0]
    values = made(*((task(1, each),) for each in ran))
    assert values["top"]["demand"] == pytest.approx(0.5)
    assert values["top"]["steady"] == 0.0
