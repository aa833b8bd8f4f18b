"""Whom a diagnosis is about: by name, by number, or by the symptom."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from mcptop.config import Settings
from mcptop.model.diagnosis import Subject
from mcptop.model.frame import Frame, Service
from mcptop.model.instance import Cpu, Instance, Sockets
from mcptop.model.value import Kind
from mcptop.playbook import shelf, subjects, symptoms
from mcptop.playbook.diagnosis import Diagnosis, Limits
from mcptop.playbook.frames import Frames
from mcptop.playbook.subjects import NoSubject, Wanted
from mcptop.sources.procfs import Roots
from tests.playbook.step_world import READY, running
from tests.playbook.test_diagnose import playbook
from tests.ui.frames import NOON, frame, instance, pool, process, queue, seen, service

ROOTS = Roots("/proc", "/sys")


def chosen(wanted: Wanted, *services: Service, focus: str = "cpu") -> Subject:
    return subjects.choose([frame(1, services)], wanted, "cpu-load", focus, ROOTS)


def refused(wanted: Wanted, *services: Service, focus: str = "cpu") -> str:
    with pytest.raises(NoSubject) as error:
        chosen(wanted, *services, focus=focus)
    message = str(error.value)
    assert message.isprintable()
    return message


def one(name: str, cores: float = 0.1, project: str | None = "shop", **more: Any) -> Service:
    """A service of one container; `pid` is None unless given: its processes are elsewhere."""
    return service(name, instance(f"{name}-1", cores, 100, 512, quota=2.0, pid=None, **more), project=project)


STACK = (one("api"), one("worker"), one("api", project="other"), process("sshd", 0.1, 9))


def test_a_service_by_its_name_with_and_without_its_project() -> None:
    assert chosen(Wanted(service="worker"), *STACK).name == "worker-1"
    found = chosen(Wanted(service="other/api"), *STACK)
    assert (found.project, found.service, found.kind, found.container) == ("other", "api", "container", "id-api-1")
    assert (found.memory_limit_bytes, found.cpu_limit_cores, found.cpus) == (512 << 20, 2.0, 2)
    assert (found.pid, found.pids, found.python, found.replicas, found.chosen) == (None, (), None, 1, "")
    assert found.started_at is not None
    host = chosen(Wanted(service="sshd"), *STACK)
    assert (host.kind, host.container, host.project) == ("process", None, None)


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (Wanted(service="wrker"), "no service `wrker`; nearest: worker"),
        (Wanted(service="shop/wrker"), "no service `shop/wrker`; nearest: shop/worker"),
        (Wanted(service="zzz"), "no service `zzz`; there are api, "),
        (Wanted(service="a\x1b[31m"), "no service `a [31m`; there are "),
        (Wanted(service="api"), "service `api`: several are called so: other/api, shop/api; name one of them"),
        (Wanted(container="wrker-1"), "no container `wrker-1`; nearest: worker-1"),
        (Wanted(container="sshd"), "no container `sshd`; there are "),
        (Wanted(container="id-api"), "container `id-api`: 2 ids begin so; give more of it"),
        (Wanted(container="id-"), "no container `id-`"),
        (Wanted(instances=("nobody",)), "it has ended"),
        (Wanted(pid=(1 << 22) + 1), "no process 4194305: it has ended, or is on another host"),
    ],
)
def test_who_is_not_there_or_is_several(wanted: Wanted, says: str) -> None:
    assert refused(wanted, *STACK).startswith(says)


def test_on_an_empty_machine_there_is_nobody() -> None:
    assert refused(Wanted(service="api")) == "no service `api`; there is none at all"
    assert refused(Wanted(container="api")) == "no container `api`; there is none at all"
    assert refused(Wanted()) == "nothing runs here that could be diagnosed"


def test_a_container_by_its_name_and_by_the_beginning_of_its_id() -> None:
    services = (one("api"), one("worker"))
    assert chosen(Wanted(container="worker-1"), *services).service == "worker"
    assert chosen(Wanted(container="id-worker"), *services).service == "worker"
    assert chosen(Wanted(instances=("id-api-1", "gone")), *services).service == "api"


def test_of_replicas_the_one_with_most_of_the_symptom() -> None:
    replicas = tuple(instance(f"api-{n}", cores, 100, pid=None) for n, cores in ((1, 0.2), (2, 0.7), (3, None)))
    found = chosen(Wanted(service="api"), service("api", *replicas))
    assert (found.name, found.replicas, found.chosen) == ("api-2", 3, "it computes most, of 3")
    idle = tuple(replace(each, cpu=Cpu(0.0)) for each in replicas)
    assert chosen(Wanted(service="api"), service("api", *idle)).chosen == "none of 3 shows the symptom"


@pytest.mark.parametrize("focus", symptoms.SAYS)
def test_without_a_name_whoever_shows_the_symptom(focus: str) -> None:
    quiet = {"cores": 0.0, "net": 0.0, "sockets": Sockets()}
    worst = one("worst", 0.9, net=1e6, sockets=Sockets(close_wait=9), restarts=4, oom_kills=1)
    worst = replace(worst, pools=(pool("db", 5, 5, waiting=7),), queues=(queue("jobs", 80, growth_per_s=2.0),))
    frames, calm = [], tuple(one(name, **quiet) for name in ("a", "b"))
    for at in range(5):
        grown = replace(worst.instances[0], memory=replace(worst.instances[0].memory, anon_bytes=at << 20))
        both = (*calm, replace(worst, instances=(grown,)))
        frames.append(frame(at, both, at=NOON + timedelta(seconds=at)))
    found = subjects.choose(frames, Wanted(), "x", focus, ROOTS)
    assert (found.service, found.chosen) == ("worst", f"{symptoms.SAYS[focus]}, of 3")
    says = "nobody shows the symptom of cpu-load; name whom you mean with --service, --container or --pid"
    assert refused(Wanted(), *calm, focus=focus) == says


def test_without_a_name_nobody_is_chosen_whom_the_playbook_is_not_for() -> None:
    broker = service("redis", Instance("r", "r"), kind=Kind.SERVER, queues=(queue("jobs", 800, growth_per_s=2.0),))
    worker = replace(one("worker"), queues=(queue("jobs", 80, growth_per_s=1.0),))
    assert chosen(Wanted(), broker, worker, focus="queue").service == "worker"
    frames = [frame(1, (process("busy", 0.9, 9), one("api", 0.2), one("calm", 0.0)))]
    assert subjects.choose(frames, Wanted(), "x", "cpu", ROOTS, ("container",)).service == "api"
    assert subjects.choose(frames, Wanted(service="busy"), "x", "cpu", ROOTS, ("container",)).service == "busy"
    assert refused(Wanted(), broker, focus="queue") == "nothing runs here that could be diagnosed"
    calm = one("calm", 0.0, net=0.0, sockets=Sockets())
    assert refused(Wanted(), broker, calm, focus="queue").startswith("nobody shows the symptom of cpu-load")


def test_a_playbook_says_whom_it_is_for(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(playbook("watch", more="applies_to: [container]\n"))
    frames = Frames()
    for at in range(20):
        frames.add(frame(at, (process("busy", 0.9, 9), one("api", 0.2), one("calm", 0.0))))
    with Diagnosis(shelf.find(str(path)), Wanted(), frames, Settings(), Limits()) as diagnosis:
        assert diagnosis.choose().service == "api"


def test_who_waits_is_told_by_callers_and_by_the_age_of_requests() -> None:
    waiting = replace(one("a"), pools=(pool("db", 1, 2, waiting=2),))
    slow = replace(one("b"), pools=(seen("c", 1, longest_s=30.0),))
    assert chosen(Wanted(), waiting, slow, focus="waiting").service == "b"


FAMILY = (
    "import subprocess, sys\n"
    "child = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE, **{OPTIONS})\n"
    "print(child.pid, flush=True)\ninput()\n"
)


@contextmanager
def family(options: str = "{}") -> Iterator[tuple[int, int]]:
    """A process and its child."""
    code = FAMILY.replace("{OPTIONS}", options)
    with subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        try:
            yield parent.pid, child
        finally:
            os.kill(child, 9)
            parent.kill()


def shown(pid: int, name: str = "api", kind: Kind = Kind.PROCESS, **more: Any) -> Service:
    return service(name, Instance(f"id-{name}", f"{name}[{pid}]", pid=pid, **more), kind=kind, project=None)


def test_a_process_by_its_number_is_of_the_nearest_service_above_it() -> None:
    with family() as (parent, child):
        everyone = (shown(1, "init"), shown(os.getpid(), "tests"), shown(parent))
        own = chosen(Wanted(pid=parent), *everyone)
        assert (own.service, own.name, own.pid, own.pids) == ("api", f"api[{parent}]", parent, (parent,))
        assert (own.python, own.program.startswith("python")) == (True, True)
        below = chosen(Wanted(pid=child), *everyone)
        assert (below.service, below.name, below.pid, below.pids) == ("api", f"api[{parent}]", child, (child,))
        assert symptoms.identity(below, frame(1, everyone)) == "id-api"
        itself = chosen(Wanted(pid=child), *everyone, shown(child, "job"))
        assert itself.service == "job"
        whole = chosen(Wanted(service="api"), *everyone)
        assert whole.pids == (parent, child)


def test_a_process_of_nobody_stands_for_itself() -> None:
    with running(READY) as process:
        found = chosen(Wanted(pid=process.pid), one("api"))
        assert (found.kind, found.project, found.pid) == ("process", None, process.pid)
        assert found.service == found.program
        assert found.name == f"{found.program}[{process.pid}]"
        assert symptoms.identity(found, frame(1, (one("api"),))) == ""


def test_of_the_processes_of_an_instance_the_busiest_or_the_largest_is_looked_into() -> None:
    big, busy = f"kept = b'x' * {60 << 20}\n", "import threading\ndef burn():\n    while 1: pass\n"
    busy += "threading.Thread(target=burn, daemon=True).start()\n"
    child = f"'-c', {big + 'input()'!r}"
    code = f"import subprocess, sys\nc = subprocess.Popen([sys.executable, {child}], stdin=-1)\n{busy}{READY}c.kill()\n"
    with running(code) as parent:
        while len(pids := chosen(Wanted(service="api"), shown(parent.pid)).pids) < 2:
            pass
        assert chosen(Wanted(service="api"), shown(parent.pid)).pid == parent.pid
        while chosen(Wanted(service="api"), shown(parent.pid), focus="memory").pid != pids[1]:
            pass
        assert parent.stdin is not None
        parent.stdin.write(b"\n")
        parent.stdin.flush()
        parent.wait()


def test_whose_frames_are_those_of_the_target() -> None:
    api = Subject("process", None, "api", "api[7]", pid=8, pids=(8,))
    frames: list[Frame] = [frame(1, (shown(7), shown(9, "other"))), frame(2, (shown(70),)), frame(3, (shown(8, "b"),))]
    assert [symptoms.identity(api, each) for each in frames] == ["id-api", "", "id-b"]
    contained = Subject("container", "shop", "api", "api-1", container="c0ffee")
    assert symptoms.identity(contained, frames[0]) == "c0ffee"
