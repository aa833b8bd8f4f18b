"""Two real engines at once: the machine's, and one of our own with the same services."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from containers import COMPOSE, Stack
from observer import Frame, Watch, look, snapshot
from own_engine import IMAGE, Engine

from mcptop.actions.errors import ActionError
from mcptop.actions.performing import Performer
from mcptop.model.action import Action, ActionTarget, Verb
from mcptop.model.value import Kind
from mcptop.sources import docker_hosts
from mcptop.sources.docker_engine import DEFAULT_SOCKET

FIRST = f"unix://{DEFAULT_SOCKET}"
BUSY = "while True: pass"


@pytest.fixture(scope="module")
def engine(require: Callable[[str, object, str], None]) -> Iterator[Engine]:
    require("docker", os.geteuid() == 0, "starting an engine of one's own needs root")
    engine = Engine()
    try:
        engine.load_image()
        yield engine
    finally:
        engine.stop()


@pytest.fixture
def there(engine: Engine, stack: Stack) -> Iterator[str]:
    """A container of the service `worker` on our own engine; its id."""
    labels = {f"{COMPOSE}.project": stack.run, f"{COMPOSE}.service": "worker"}
    words = [word for key, value in labels.items() for word in ("--label", f"{key}={value}")]
    program = ("/bin/sh", "-c", "echo from the other host; while :; do :; done")
    limits = ("--network", "host", "--stop-signal", "KILL", "--cpus", "0.2", "--memory", "64m")
    identity = engine.docker("run", "-d", *limits, *words, "--name", f"{stack.run}-worker-2", IMAGE, *program)
    yield identity
    engine.docker("rm", "-f", identity)


def worker(frame: Frame, stack: Stack) -> dict[str, dict[str, Any]]:
    """The instances of the one service `worker`, by id."""
    found = [each for each in frame["services"] if (each["project"], each["name"]) == (stack.run, "worker")]
    assert len(found) == 1
    return {each["id"]: each for each in found[0]["instances"]}


def source(frame: Frame, name: str) -> dict[str, Any]:
    (found,) = [each for each in frame["sources"] if each["name"].startswith(name)]
    return found


def test_services_of_one_name_are_one_and_a_host_that_goes_disturbs_nobody(engine, stack, start, there):
    here = start("worker", BUSY, "--cpus", "0.2")
    watch = Watch("--host", FIRST, "--host", engine.socket)
    machine = os.uname().nodename

    def both(frame: Frame) -> None:
        found = worker(frame, stack)
        assert set(found) == {here.id, there}
        assert found[here.id]["host"] is None
        # Both engines call their machine so; the address tells them apart.
        assert found[there]["host"] == f"{machine} {engine.folder}/docker.sock"
        assert all(0.1 < each["cpu"]["cores"] < 0.3 for each in found.values())
        # Its cgroups are of this kernel as well: the kernel's figures, not the engine's.
        assert found[there]["memory"]["limit_bytes"] == 64 << 20
        assert found[there]["fds"]["open"]
        assert source(frame, f"docker {machine} ")["status"] == "ok"
        assert frame["banner"] is None

    def alone(frame: Frame) -> None:
        assert source(frame, f"docker {machine} ")["status"] == "error"
        assert source(frame, "containers")["status"] == "ok"
        found = worker(frame, stack)
        assert found[here.id]["state"] == "running"
        assert found[here.id]["cpu"]["cores"] > 0.1
        assert found[here.id]["age_s"] is None

    try:
        watch.until(both)
        engine.halt()
        watch.until(alone)
    finally:
        engine.start()
        assert watch.close() == 0


def test_by_the_api_alone_the_banner_names_the_host(engine, stack, there):
    frame = look("--api-only", "--host", FIRST, "--host", engine.socket)
    one = worker(frame, stack)[there]
    assert one["pid"] is None
    assert 0.1 < one["cpu"]["cores"] < 0.3
    assert one["memory"]["working_set_bytes"]
    assert one["host"] in frame["banner"]


def test_a_second_name_of_the_first_engine_adds_nothing(engine, stack, there):
    link = engine.folder / "same.sock"
    link.symlink_to(engine.folder / "docker.sock")
    frame = look("--host", engine.socket, "--host", f"unix://{link}")
    ids = [each["id"] for service in frame["services"] for each in service["instances"]]
    assert ids.count(there) == 1


def test_an_instance_is_asked_and_acted_on_where_it_is(engine, stack, start, there):
    here = start("other", "import time; time.sleep(1000)")
    hosts = (FIRST, engine.socket)
    assert docker_hosts.find(hosts, here.id) == FIRST
    assert docker_hosts.find(hosts, there) == engine.socket
    assert docker_hosts.find(("tcp://127.0.0.1:1", engine.socket), there) == engine.socket
    connected = docker_hosts.connect(hosts, there)
    assert b"from the other host" in connected.logs(there, 10, 1.0)
    connected.close()

    performer = Performer(hosts)
    far, near = (ActionTarget(id, "worker", Kind.CONTAINER, stack.run, "worker") for id in (there, here.id))
    seen = performer.look([far], "here")
    assert seen.engine == engine.socket
    performer.perform(Action(Verb.PAUSE, (far,), seen.host, seen.engine), far)
    assert engine.docker("inspect", "-f", "{{.State.Status}}", there) == "paused"
    performer.perform(Action(Verb.UNPAUSE, (far,), seen.host, seen.engine), far)
    performer.wait_until_up(far, threading.Event())
    with pytest.raises(ActionError, match="several Docker hosts"):
        performer.look([far, near], "here")


def test_one_address_twice_is_refused(engine):
    done = snapshot("--host", engine.socket, "--host", engine.socket)
    assert done.returncode == 2
    assert "give the address of each engine once" in done.stderr
