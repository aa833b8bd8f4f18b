"""Watching: real processes that grow, end and compute, and what their series amount to."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.model.frame import Frame
from mcptop.model.instance import Sockets
from mcptop.playbook.steps import watch_series
from mcptop.playbook.steps.base import StepFailure, options_of
from mcptop.playbook.steps.catalogue import KINDS
from mcptop.playbook.steps.watch_series import Sample, Watched
from mcptop.sources.process_look import ProcessLook
from tests.playbook.step_world import READY, as_nobody, check, context, looked, needs_root, process, running
from tests.ui.frames import frame, instance, service

MIB = 1 << 20
# By the clock: a stall of the machine is caught up with.
GROWS = """
import os, threading, time
kept, files, began = [], [], time.monotonic()
def grow():
    while True:
        time.sleep(0.05)
        for_s = time.monotonic() - began
        while len(kept) < 20 * for_s:
            kept.append(b"x" * (1 << 20))
        while len(files) < 10 * for_s:
            files.append(open("/dev/null"))
            threading.Thread(target=time.sleep, args=(300,), daemon=True).start()
            if os.fork() == 0:
                os._exit(0)
threading.Thread(target=grow, daemon=True).start()
"""
BURNS = "import threading\ndef burn():\n    while True: pass\nthreading.Thread(target=burn, daemon=True).start()\n"


def watched(subject: Subject, frames: Iterable[Frame] = (), **options: Any) -> dict[str, Any]:
    """The values of a watch."""
    return looked("watch", subject, frames, **options)[0]


def test_a_process_that_grows_in_every_way() -> None:
    with running(GROWS + READY) as child:
        values = watched(process(child.pid, memory_limit_bytes=4096 * MIB), **{"for": "6s", "every": "200ms"})
    for name in ("anon", "threads", "fds", "zombies"):
        assert values[name]["rising"], (name, values["series"][name])
        assert not values[name]["flat"]
    assert values["anon"]["slope_low_per_s"] <= values["anon"]["slope_per_s"] <= values["anon"]["slope_high_per_s"]
    assert 10 * MIB < values["anon"]["slope_per_s"] < 40 * MIB
    assert values["eta_low_s"] <= values["eta_s"] <= values["eta_high_s"]
    assert values["shmem"]["flat"]
    assert values["swap"]["last"] == 0
    assert values["bytes_per_thread"] > 0
    assert (values["ended"], values["processes"], values["limit_bytes"]) == (False, 1, 4096 * MIB)
    assert values["uptime_s"] >= values["seconds"]
    assert (values["page_cache"], values["throttled"]) == (None, None)
    assert values["series"]["anon"]["limit"] == 4096 * MIB
    assert len(values["series"]["anon"]["values"]) <= 60


def test_two_processes_are_added_up_and_one_that_ends_takes_nothing_back() -> None:
    with (
        running(f"kept = b'x' * {30 * MIB}\n{READY}") as one,
        running(f"kept = b'x' * {40 * MIB}\n{BURNS}{READY}") as two,
    ):
        threading.Timer(1.0, two.kill).start()
        values = watched(process(one.pid, two.pid), **{"for": "2.5s", "every": "100ms"})
    assert values["anon"]["first"] > 70 * MIB
    assert values["anon"]["last"] < 70 * MIB
    assert (values["ended"], values["processes"]) == (True, 1)
    assert 0 < values["cpu"]["mean"] < 2
    assert values["cpu"]["high"] > values["cpu"]["low"] >= 0
    assert values["cpu"]["on_share"] < 1
    assert all(value is None or value >= 0 for value in values["series"]["cpu"]["values"])


def test_a_target_that_ends_leaves_what_was_seen_of_it() -> None:
    with running(READY) as child:
        threading.Timer(0.7, child.kill).start()
        values = watched(process(child.pid), **{"for": "60s", "every": "50ms"})
        child.wait()
        assert values["ended"]
        assert values["anon"]["last"] > 0
        with pytest.raises(StepFailure, match="the target has ended") as failed:
            watched(process(child.pid))
    assert failed.value.status is StepStatus.TARGET_GONE


def test_a_target_that_nobody_waited_for_has_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", ""], stdin=-1) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(StepFailure, match="the target has ended"):
            watched(process(child.pid))


def test_who_has_seen_enough_gets_what_there_is() -> None:
    step, subject = KINDS["watch"], process(os.getpid())
    options, given = options_of(step, {"for": "1h"}), context(subject)
    given.cancelled.set()
    values = step.read(step.collect(given, options), options, subject)
    check("watch", values)
    assert (values["samples"], values["ended"], values["anon"], values["cpu"]["mean"]) == (1, False, None, None)
    assert len(values["series"]["anon"]["values"]) == 1


@needs_root
def test_somebody_elses_process_shows_what_anybody_may_see() -> None:
    with running(READY) as child:
        said = as_nobody("watch", child.pid, **{"for": "1s", "every": "50ms"})
        assert said.startswith("ok "), said
        values = ast.literal_eval(said.removeprefix("ok "))
        assert values["anon"]["last"] > 0
        assert (values["threads"]["last"], values["cpu"]["mean"] is not None) == (1, True)
        assert (values["io"]["writes_per_s"], values["heap"], values["ended"]) == (None, None, False)
        said = as_nobody("threads", child.pid, **{"for": "300ms", "every": "50ms"})
        assert said.startswith("ok "), said
        assert ast.literal_eval(said.removeprefix("ok "))["count"] == 1


def look(pid: int, cpu_s: float, **more: Any) -> ProcessLook:
    return ProcessLook(pid, 1, "S", cpu_s * 0.75, cpu_s * 0.25, 1, 0, 0, **more)


def made(*samples: tuple[ProcessLook, ...]) -> dict[str, Any]:
    looks = tuple(Sample(float(at), each) for at, each in enumerate(samples))
    return watch_series.values(Watched(looks, (), None, False), process(1))


def test_cpu_and_io_are_those_of_processes_seen_twice() -> None:
    values = made(
        (look(1, 10.0, written_chars=0, writes=0), look(2, 900.0, written_chars=5000, writes=50)),
        (look(1, 10.5, written_chars=1000, writes=10), look(2, 900.5, written_chars=6000, writes=60)),
        (look(1, 11.0, written_chars=2000, writes=20), look(3, 70.0, written_chars=9000, writes=1)),
    )
    assert values["cpu"]["mean"] == pytest.approx(0.75)
    assert values["cpu"]["system_share"] == pytest.approx(0.25)
    assert values["series"]["cpu"]["values"] == [1.0, 0.5]
    assert values["io"]["write_chars_per_s"] == 1500
    assert (values["io"]["writes_per_s"], values["io"]["bytes_per_write"]) == (15, 100)
    assert values["io"]["read_bytes_per_s"] is None
    assert values["fds"] is None


def test_idle_is_known_to_be_idle() -> None:
    values = made(*[(look(1, 5.0, anon_bytes=MIB),)] * 10)
    assert values["cpu"] == {
        "mean": 0.0,
        "high": 0.0,
        "low": 0.0,
        "steady": None,
        "system_share": None,
        "on_share": 0.0,
    }
    assert values["anon"]["flat"]
    assert (values["heap_share"], values["bytes_per_thread"], values["eta_s"]) == (None, None, None)


def test_a_target_elsewhere_is_what_the_monitor_shows_of_it() -> None:
    frames, began = [], datetime.now(UTC)
    for number in range(12):
        sockets = Sockets(established=4, close_wait=2)
        grows = instance("db-1", 0.5, 100 + number, 512, throttled=0.25, sockets=sockets)
        frames.append(frame(number, (service("db", grows),), at=began + timedelta(seconds=number)))
    early = frame(99, (service("db", instance("db-1", 9.0, 9, 512)),), at=began - timedelta(seconds=60))
    remote = Subject("container", "mcp-stack", "db", "db-1", container="id-db-1", memory_limit_bytes=512 * MIB)
    values = watched(remote, [early, *frames], **{"for": "50ms"})
    assert values["anon"]["rising"]
    assert values["cpu"]["mean"] == pytest.approx(0.5)
    assert (values["throttled"], values["close_wait"]["flat"], values["established"]["last"]) == (0.25, True, 4)
    assert (values["processes"], values["uptime_s"], values["ended"]) == (None, None, False)
    assert (values["threads"]["last"], values["fds"]["flat"]) == (9, True)
    assert values["shmem"]["last"] == pytest.approx(8 * MIB, rel=1e-4)
