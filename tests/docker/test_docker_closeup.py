"""Closeups of real containers: what is inside, by whose names, and by the engine where the kernel does not say."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator

import psutil
import pytest
from containers import Container
from observer import PATIENCE

from mcptop.closeup.files import FileReader
from mcptop.closeup.inspection import InspectReader
from mcptop.closeup.processes import ProcessReader
from mcptop.closeup.sockets import SocketReader
from mcptop.closeup.top import EngineTop
from mcptop.closeup.world import Reader
from mcptop.config import Settings
from mcptop.live import LiveSource
from mcptop.model.closeup import Closeup, Direction
from mcptop.model.frame import Frame, Service
from mcptop.monitor import Monitor
from mcptop.secret_forms import MASK

# A child, a zombie, a thread, a deleted file that is open, and names that are not nice.
CROWD = r"""
import os, subprocess, threading, time
open("/proc/self/comm", "w").write("\x1b[31m[b]x")
child = subprocess.Popen(["sleep", "100000"])
dead = subprocess.Popen(["true"])
lost = open("/var/tmp/lost\n\x1b[2J", "wb")
lost.write(b"x" * 70_000)
lost.flush()
os.unlink(lost.name)
threading.Thread(target=time.sleep, args=(100000,)).start()
time.sleep(100000)
"""

SERVE = """
import socket, time
server = socket.create_server(("", 9000), backlog=4)
held = [server.accept()[0] for _ in range(3)]
held[0].close()
time.sleep(100000)
"""

CONNECT = """
import socket, time
def connect():
    while True:
        try:
            return socket.create_connection(("{address}", 9000), timeout=5)
        except OSError:
            time.sleep(0.2)
held = [connect() for _ in range(3)]
time.sleep(100000)
"""


@pytest.fixture
def live(stack) -> Iterator[tuple[LiveSource, Monitor]]:
    source = LiveSource(Settings(scrape=False))
    source.wait_for_engine(30 * PATIENCE)
    yield source, Monitor(source)
    source.close()


def found(monitor: Monitor, container: Container) -> Service:
    """The service, as soon as a frame knows that its container runs and what it is called."""

    def of(frame: Frame) -> list[Service]:
        return [
            one for one in frame.services if any(each.name == container.name and each.pid for each in one.instances)
        ]

    return until(lambda: of(monitor.step()), bool)[0]


def until(look, holds):
    """Look until it holds; the last look is what fails."""
    deadline = time.monotonic() + 30 * PATIENCE
    while not holds(seen := look()):
        assert time.monotonic() < deadline, seen
        time.sleep(0.2)
    return seen


def looked(monitor: Monitor, reader: Reader, of: Service, holds: Callable[[Closeup], bool]) -> Closeup:
    """A closeup that has what is waited for; the monitor goes on meanwhile, as it does in the dashboard."""

    def look() -> Closeup:
        monitor.step()
        return reader.look(of, of.instances)

    try:
        return until(look, holds)
    finally:
        reader.close()


def test_processes_of_a_container(start, live):
    source, monitor = live
    crowd = start("crowd", CROWD)
    of = found(monitor, crowd)
    closeup = looked(monitor, ProcessReader(source.world), of, lambda seen: len(seen.lines) == 3)
    lines = {line.pid: line for line in closeup.lines}
    first = lines[crowd.pid]
    assert (first.instance, first.inner_pid, first.user, first.threads) == (crowd.name, 1, "root", 2)
    assert (first.name, first.fds) == ("[31m[b]x", psutil.Process(crowd.pid).num_fds())
    assert {each.pid for each in psutil.Process(crowd.pid).children()} == lines.keys() - {crowd.pid}
    assert sorted(line.state for line in closeup.lines if line.pid != crowd.pid) == ["S", "Z"]
    assert all(line.parent == crowd.pid for line in closeup.lines if line.pid != crowd.pid)


def test_files_of_a_container(start, live):
    source, monitor = live
    crowd = start("crowd", CROWD)
    of = found(monitor, crowd)

    def shows_lost(seen: Closeup) -> bool:
        return any(line.deleted and line.size_bytes == 70_000 for line in seen.lines)

    closeup = looked(monitor, FileReader(source.world), of, shows_lost)
    (lost,) = [line for line in closeup.lines if line.deleted]
    assert (lost.path, lost.pids, lost.held_bytes) == ("/var/tmp/lost  [2J", (crowd.pid,), 70_000)


def test_sockets_between_containers_have_names(start, live):
    source, monitor = live
    server = start("server", SERVE)
    client = start("client", CONNECT.format(address=server.address))

    def has(state: str) -> Callable[[Closeup], bool]:
        return lambda seen: any(line.state == state and line.count == 1 for line in seen.lines)

    at_client = looked(monitor, SocketReader(source.world), found(monitor, client), has("CLOSE_WAIT"))
    lines = {line.state: line for line in at_client.lines}
    assert (lines["CLOSE_WAIT"].peer, lines["CLOSE_WAIT"].port) == ("server", 9000)
    assert (lines["ESTABLISHED"].count, lines["ESTABLISHED"].direction) == (2, Direction.OPENED)
    assert lines["ESTABLISHED"].address == server.address
    at_server = looked(monitor, SocketReader(source.world), found(monitor, server), has("LISTEN"))
    listener = next(line for line in at_server.lines if line.state == "LISTEN")
    assert (listener.address, listener.local_port, listener.accept_queue, listener.backlog) == ("*", 9000, 0, 4)
    came = next(line for line in at_server.lines if line.state == "ESTABLISHED")
    assert (came.direction, came.count, came.peer, came.address) == (Direction.CAME_IN, 2, "client", client.address)


def test_who_comes_from_the_host_is_called_so(start, live):
    source, monitor = live
    server = start("server", SERVE)
    of = found(monitor, server)

    def listens(seen: Closeup) -> bool:
        return any(line.state == "LISTEN" for line in seen.lines)

    looked(monitor, SocketReader(source.world), of, listens)
    with socket.create_connection((server.address, 9000)):
        closeup = looked(monitor, SocketReader(source.world), of, lambda seen: len(seen.lines) == 2)
        came = next(line for line in closeup.lines if line.direction is Direction.CAME_IN)
        gateway = server.show("{{range .NetworkSettings.Networks}}{{.Gateway}}{{end}}")
        assert (came.peer, came.address) == ("host", gateway)


def test_a_container_on_the_hosts_network_has_its_own_sockets_only(start, live):
    source, monitor = live
    guest = start("guest", SERVE.replace("9000", "0"), "--network", "host")
    closeup = looked(monitor, SocketReader(source.world), found(monitor, guest), lambda seen: bool(seen.lines))
    (listener,) = closeup.lines
    assert (listener.direction, listener.backlog) == (Direction.LISTENS, 4)


def test_what_a_container_was_started_with(start, live):
    source, monitor = live
    one = start(
        "inspected",
        "import time; time.sleep(100000) # --password hunter2x",
        *("-e", "DB_PASSWORD=pw123", "-e", "MODE=prod", "--label", "auth.token=tok123abc", "-v", "/data"),
        *("--memory", "64m", "--cpus", "0.5", "--health-interval", "1s"),
        *("--health-cmd", "echo 'not \x1b[2J well'; exit 1"),
    )
    of = found(monitor, one)

    def was_checked(seen: Closeup) -> bool:
        return any(fact.name.startswith("check ") for fact in seen.lines)

    closeup = looked(monitor, InspectReader(source.world), of, was_checked)
    facts = {(fact.section, fact.name): fact for fact in closeup.lines}
    assert facts["state", "name"].value == one.name
    assert facts["state", "state"].value == "running"
    assert facts["limits", "memory"].value == "64 MiB"
    assert facts["limits", "cpu"].value == "0.5 cores"
    assert facts["mounts", "/data"].value.startswith("volume ")
    assert facts["networks", "bridge"].value.startswith(one.address)
    assert facts["labels", "auth.token"].secret
    assert facts["environment", "DB_PASSWORD"].secret
    assert (facts["environment", "MODE"].value, facts["environment", "MODE"].variable) == ("prod", True)
    assert f"--password {MASK}" in facts["command", "cmd"].value
    check = next(fact for fact in closeup.lines if fact.name.startswith("check "))
    assert check.value == "exit 1: not  [2J well"


def test_the_engines_own_list_where_the_kernel_has_none(start, live):
    source, monitor = live
    crowd = start("crowd", CROWD)
    of = found(monitor, crowd)
    top = EngineTop(source.world.connect)
    try:
        # Zombies are in no cgroup any more, and the engine lists a cgroup.
        closeup = until(lambda: top.look(of, of.instances, "another kernel"), lambda seen: len(seen.lines) == 2)
    finally:
        top.close()
    assert closeup.problem == "another kernel"
    first = next(line for line in closeup.lines if line.pid == crowd.pid)
    assert (first.user, first.threads, first.key, first.fds, first.cores) == ("root", 2, None, None, None)
    assert first.rss_bytes == pytest.approx(psutil.Process(crowd.pid).memory_info().rss, rel=0.3)
    assert first.command.startswith("python3 -c")
