"""Steps of playbooks on real containers: what the engine, the kernel and the container's own log say of them."""

from __future__ import annotations

import os
import shutil
import time

import programs
import pytest
from containers import docker
from observer import PATIENCE

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.playbook.steps.base import StepFailure
from mcptop.sources import process_tree
from mcptop.sources.procfs import Roots
from tests.playbook.step_world import looked

# Burns its quota, fills memory, holds a deleted file and a listener that nobody serves, and complains.
BUSY = """
import os, socket, sys, threading
file = open("/gone", "wb"); file.write(b"x" * 3_000_000); file.flush(); os.unlink("/gone")
listener = socket.socket(); listener.bind(("127.0.0.1", 8000)); listener.listen(1)
clients = [socket.create_connection(("127.0.0.1", 8000)) for _ in range(2)]
held = bytearray(30_000_000)
for number in range(20):
    print("ERROR could not save order", number, ": OSError: [Errno 28] No space left on device", flush=True)
while True:
    sum(range(1000))
"""


def subject(container) -> Subject:
    pids = process_tree.members(Roots(), container.pid)
    return Subject("container", container.project, container.service, container.name, container=container.id,
                   pid=container.pid, pids=pids)  # fmt: skip


def until(check, seconds=60 * PATIENCE):
    """What `check` gives as soon as it holds."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return check()
        except (AssertionError, StepFailure):  # an engine in emulation does not always answer in time
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_one_container_by_every_step_that_looks_at_containers(start):
    health = ("--health-cmd", "echo it is not well; exit 1", "--health-interval", "1s", "--health-retries", "1")
    busy = start("busy", BUSY, "--memory", "200m", "--cpus", "0.3", *health)

    def is_ill():
        found = looked("docker-inspect", subject(busy), over=0.2)[0]
        assert found["health"] == "unhealthy"
        return found

    found = until(is_ill)
    assert (found["state"], found["restarts"], found["health_output"]) == ("running", 0, "it is not well")
    assert (found["memory_limit_bytes"], found["cpu_limit_cores"]) == (200 << 20, 0.3)
    assert found["log_bytes"] > 1000

    found = looked("docker-events", subject(busy))[0]
    assert (found["start"], found["die"], found["oom"]) == (1, 0, 0)
    assert found["unhealthy"] >= 1
    assert 0 < found["covers_s"] <= 900

    found = looked("docker-stats", subject(busy))[0]
    assert 20_000_000 < found["memory_minus_cache_bytes"] < 200 << 20
    assert 5 < found["cpu_percent"] < 95

    found = looked("cgroup", subject(busy), over=1)[0]
    assert (found["memory"]["limit_bytes"], found["cpu_limit_cores"]) == (200 << 20, 0.3)
    assert found["throttled_ratio"] > 0.2
    assert found["throttled_s"] > 0
    assert found["memory"]["anon"] > 25_000_000

    found = looked("logs", subject(busy))[0]
    assert (found["lines"], found["count"]["no_space"], found["repeated"]) == (20, 20, 20)
    assert found["last_error"].startswith("ERROR could not save order 19")

    for kind in ("proc-files", *filter(shutil.which, ["lsof"])):
        found = looked(kind, subject(busy), over=0)[0]
        assert (found["deleted_path"], found["deleted_size_bytes"]) == ("/gone", 3_000_000), kind

    for kind in ("proc-net", *filter(shutil.which, ["ss", "netstat"])):
        found, raw = looked(kind, subject(busy), over=0)
        assert (found["shared"], found["established"], found["peer"]) == (False, 4, "127.0.0.1:8000"), kind
        assert (found["accept"]["port"], found["accept"]["depth"]) == (8000, 2), kind
        assert found["accept"]["full"] is (None if kind == "netstat" else True), kind
        assert {output.provenance.namespace for output in raw} == {None, f"net of pid {subject(busy).pid}"}, kind

    found = looked("disk", subject(busy), over=0)[0]
    assert found["worst"]["mount"] == "/"
    assert 0 < found["worst"]["used_ratio"] < 1


def test_one_that_ends_again_and_again_and_one_that_is_removed(start):
    looping = start("looping", programs.FAIL_AFTER_A_MOMENT, "--restart", "always")
    looked_at = Subject("container", looping.project, "looping", looping.name, container=looping.id)

    def has_restarted():
        found = looked("docker-inspect", looked_at, over=3)[0]
        assert found["restarts_growth"] >= 1
        return found

    found = until(has_restarted)
    assert found["restart_policy"] == "always"

    def has_ended_twice():
        found = looked("docker-events", looked_at)[0]
        assert found["die"] >= 2
        return found

    assert until(has_ended_twice)["last_exit_code"] == 3
    docker("rm", "-f", looping.id)
    for kind in ("docker-inspect", "docker-stats", "logs"):
        with pytest.raises(StepFailure) as failure:
            looked(kind, looked_at)
        assert failure.value.status is StepStatus.TARGET_GONE, kind
