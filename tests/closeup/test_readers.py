"""Readers of closeups on real processes of this machine, beside psutil where it knows as much."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from msgspec.structs import replace

from mcptop.closeup.files import FileReader
from mcptop.closeup.inspection import InspectReader
from mcptop.closeup.processes import ProcessReader
from mcptop.closeup.sockets import SocketReader
from mcptop.model.closeup import Direction, ProcessKey
from mcptop.model.frame import Service
from mcptop.model.instance import Instance
from mcptop.model.value import Kind
from mcptop.secret_forms import MASK
from mcptop.sources.process_handle import is_alive, open_process
from tests.closeup.programs import LIVE, SERVICE, no_engine, program, service, world

FAMILY = """
held = [open("/dev/null") for _ in range(20)]
child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1)
dead = subprocess.Popen(["true"])
os.waitid(os.P_PID, dead.pid, os.WEXITED | os.WNOWAIT)
work = threading.Event()
def busy():
    work.wait()
    burn(0.3)
    answer("burnt")
    threading.Event().wait()
threading.Thread(target=busy, name="busy").start()
answer(f"{child.pid} {dead.pid}")
sys.stdin.readline()
work.set()
threading.Event().wait()
"""


def test_processes_as_psutil_sees_them():
    with program(FAMILY) as parent:
        child, dead = map(int, parent.said.split())
        seen = world()
        found = ProcessReader(seen).look(of := service(seen, parent.pid), of.instances)
        while not {line.state for line in found.lines} <= {"S", "Z"}:
            found = ProcessReader(seen).look(of, of.instances)
        assert (found.problem, found.cut_at, found.service) == (None, None, of.key)
        lines = {line.pid: line for line in found.lines}
        assert set(lines) == {parent.pid, child, dead}
        for pid in (parent.pid, child):
            oracle, line = psutil.Process(pid), lines[pid]
            assert line.parent == oracle.ppid()
            assert line.name == oracle.name()
            assert line.user == oracle.username()
            assert line.threads == oracle.num_threads()
            assert line.fds == oracle.num_fds()
            assert line.rss_bytes == pytest.approx(oracle.memory_info().rss, rel=0.1)
            assert line.started_at is not None
            assert line.started_at.timestamp() == pytest.approx(oracle.create_time(), abs=1.5)
            assert line.cores is None
        assert (lines[dead].state, lines[dead].rss_bytes, lines[dead].fds, lines[dead].command) == ("Z", None, None, "")


def test_cpu_is_what_was_computed_between_two_looks_of_the_process_and_of_its_thread():
    with program(FAMILY) as parent:
        seen = world()
        of, reader = service(seen, parent.pid), ProcessReader(seen)
        first = reader.look(of, of.instances)
        key = next(line.key for line in first.lines if line.pid == parent.pid)
        assert key is not None
        reader.threads_of = key
        before = reader.look(of, of.instances)
        assert parent.ask() == "burnt"
        after = reader.look(of, of.instances)
        span = (after.at - before.at).total_seconds()
        line = next(line for line in after.lines if line.pid == parent.pid)
        assert line.cores == pytest.approx(0.3 / span, abs=0.12 / span)
        assert after.threads_of == key
        busiest = max(after.threads, key=lambda thread: thread.cores or 0.0)
        assert busiest.tid != parent.pid
        assert busiest.cores == pytest.approx(0.3 / span, abs=0.06 / span)
        assert len(after.threads) == psutil.Process(parent.pid).num_threads()
        assert all(thread.waited_ratio is not None for thread in after.threads)
        while {thread.waits_in for thread in after.threads} != {"futex"}:
            after = reader.look(of, of.instances)


def test_threads_of_a_process_that_is_gone_or_of_its_successor_are_none():
    with program(FAMILY) as parent:
        seen = world()
        of, reader = service(seen, parent.pid), ProcessReader(seen)
        key = next(line.key for line in reader.look(of, of.instances).lines if line.pid == parent.pid)
        assert key is not None
        reader.threads_of = ProcessKey(key.pid, key.start_ticks - 1)
        found = reader.look(of, of.instances)
        assert (found.threads_of, found.threads) == (None, ())


def test_a_process_is_signalled_by_its_start_too():
    with program("answer(); sys.stdin.readline()") as one:
        start_ticks = int(Path(f"/proc/{one.pid}/stat").read_text().rpartition(")")[2].split()[19])
        key = ProcessKey(one.pid, start_ticks)
        with pytest.raises(ProcessLookupError):
            open_process(LIVE, key._replace(start_ticks=start_ticks + 1))
        handle = open_process(LIVE, key)
        try:
            assert is_alive(LIVE, key)
            signal.pidfd_send_signal(handle, signal.SIGTERM)
            assert one.process.wait(10) == -signal.SIGTERM
            assert not is_alive(LIVE, key)
        finally:
            os.close(handle)


def test_hostile_names_and_secrets_in_command_lines():
    code = """
open("/proc/self/comm", "w").write("\\x1b[31m[b]x")
answer()
sys.stdin.readline()
"""
    with program(code, "--password", "hunter2secret", "\x1b[2J[bold]evil", "--url=redis://u:pw9x@host/0") as one:
        seen = world()
        (line,) = ProcessReader(seen).look(of := service(seen, one.pid), of.instances).lines
        assert line.name == "[31m[b]x"
        assert "hunter2secret" not in line.command
        assert "pw9x" not in line.command
        assert f"--password {MASK}" in line.command
        assert "[2J[bold]evil" in line.command
        assert line.command.isprintable()
        assert len(line.command) <= 1000


def test_a_service_that_is_gone_says_so():
    seen = world()
    gone = Instance(id="1-1", name="was here", pid=1)
    of = Service(None, "x", Kind.PROCESS, 1, (gone, replace(gone, name="stopped", state="exited")))
    for reader in (ProcessReader(seen), SocketReader(seen), FileReader(seen)):
        found = reader.look(of, of.instances)
        assert found.problem == "was here has no process any more; stopped does not run (exited)"
    assert InspectReader(seen).look(of, of.instances[:1]).problem == "was here has ended"


CONNECTIONS = """
server = socket.create_server(("127.0.0.1", 0), backlog=3)
port = server.getsockname()[1]
ours = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
theirs = [server.accept()[0] for _ in range(3)]
theirs[0].close()
ours[1].sendall(b"x" * 1000)
waiting = [socket.create_connection(("127.0.0.1", port)) for _ in range(2)]
answer(port)
sys.stdin.readline()
"""


def test_sockets_as_psutil_sees_them():
    with program(CONNECTIONS) as one:
        port = int(one.said)
        seen = world()
        with closing(SocketReader(seen)) as reader:
            found = reader.look(of := service(seen, one.pid), of.instances)
        assert found.problem is None
        lines = {(line.direction, line.state): line for line in found.lines}
        listener = lines[Direction.LISTENS, "LISTEN"]
        assert (listener.address, listener.local_port) == ("127.0.0.1", port)
        assert (listener.accept_queue, listener.backlog) == (2, 3)
        assert lines[Direction.OPENED, "CLOSE_WAIT"].count == 1
        assert lines[Direction.OPENED, "CLOSE_WAIT"].port == port
        opened = lines[Direction.OPENED, "ESTABLISHED"]
        # Two that were accepted, and two that wait to be.
        assert (opened.count, opened.port, opened.peer) == (4, port, "host")
        assert opened.busy is not None
        came = lines[Direction.CAME_IN, "ESTABLISHED"]
        assert (came.count, came.local_port, came.port, came.unread_bytes) == (2, port, None, 1000)
        oracle = psutil.Process(one.pid).net_connections("tcp")
        assert sum(line.count for line in found.lines) == len(oracle)


def test_without_the_right_to_enter_namespaces_the_text_tables_say_most_of_it(monkeypatch):
    def refuse(path: str) -> None:
        raise PermissionError(1, "Operation not permitted", path)

    monkeypatch.setattr("mcptop.closeup.sockets.NetworkNamespace", refuse)
    with program(CONNECTIONS) as one:
        seen = world()
        found = SocketReader(seen).look(of := service(seen, one.pid), of.instances)
        assert found.problem is not None
        assert "CAP_SYS_ADMIN" in found.problem
        lines = {(line.direction, line.state): line for line in found.lines}
        listener, closed = lines[Direction.LISTENS, "LISTEN"], lines[Direction.OPENED, "CLOSE_WAIT"]
        assert (listener.accept_queue, listener.backlog) == (2, None)
        assert (closed.count, closed.unsent_bytes) == (1, None)
        assert lines[Direction.OPENED, "ESTABLISHED"].busy is None


def test_who_is_at_the_other_end_is_called_by_name():
    with program(CONNECTIONS, MCPTOP_SERVICE="server-side") as server:
        code = f"held = socket.create_connection(('127.0.0.1', {server.said})); answer(); sys.stdin.readline()"
        with program(code) as client, closing(SocketReader(seen := world())) as reader:
            of = service(seen, client.pid)
            (line,) = reader.look(of, of.instances).lines
            assert (line.direction, line.peer) == (Direction.OPENED, "host")
            target = seen.book.target(service(seen, server.pid).instances[0].id)
            assert target is not None
            space = LIVE.network_of("self")
            assert space is not None
            seen.book.learn_spaces({}, space)
            seen.book.learn_sharers(space, {int(server.said): target.id}, {})
            (line,) = reader.look(of, of.instances).lines
            assert (line.peer, line.address, line.port) == ("server-side", "127.0.0.1", int(server.said))


FILES = """
folder = tempfile.mkdtemp()
lost = open(f"{folder}/lost\\n\\x1b[31m.log", "wb")
lost.write(b"x" * 5000)
lost.flush()
os.unlink(lost.name)
log = open(f"{folder}/app.log", "ab", buffering=0)
log.write(b"x" * 100)
twice = [open(f"{folder}/app.log", "rb") for _ in range(2)]
twice[0].seek(70)
ends = os.pipe()
pair = socket.socketpair()
answer(folder)
sys.stdin.readline()
log.write(b"x" * 1_000_000)
answer()
sys.stdin.readline()
"""


def test_files_with_what_deleted_ones_hold_and_how_fast_others_grow():
    with program(FILES) as one:
        folder = Path(one.said)
        try:
            seen = world()
            of, reader = service(seen, one.pid), FileReader(seen)
            before = reader.look(of, of.instances)
            assert before.problem is None
            (lost,) = [line for line in before.lines if line.deleted]
            assert lost.path == f"{folder}/lost  [31m.log"
            assert (lost.held_bytes, lost.writes, lost.pids, lost.growth_bytes_per_s) == (5000, True, (one.pid,), None)
            log = next(line for line in before.lines if line.path.endswith("app.log"))
            assert (log.descriptors, log.size_bytes, log.position, log.held_bytes) == (3, 100, 100, None)
            oracle = psutil.Process(one.pid)
            named = {each.path for each in oracle.open_files()}
            regular = {line.path for line in before.lines if line.kind == "regular" and not line.deleted}
            # What has no name is none for psutil: the temporary file behind our own standard error, say.
            assert {path for path in regular if "/#" not in path} == named
            assert sum(line.descriptors for line in before.lines) == oracle.num_fds()
            one.ask()
            after = reader.look(of, of.instances)
            span = (after.at - before.at).total_seconds()
            grown = next(line for line in after.lines if line.path.endswith("app.log"))
            assert grown.growth_bytes_per_s == pytest.approx(1_000_000 / span, rel=0.2)
            assert grown.moved_bytes_per_s == pytest.approx(1_000_000 / span, rel=0.2)
            still = next(line for line in after.lines if line.deleted)
            assert still.growth_bytes_per_s == 0.0
        finally:
            (folder / "app.log").unlink()
            folder.rmdir()


def test_only_so_many_descriptors_are_looked_into(monkeypatch):
    with program("held = [open('/dev/null') for _ in range(50)]; answer(); sys.stdin.readline()") as one:
        seen = world()
        of = service(seen, one.pid)
        monkeypatch.setattr("mcptop.closeup.files.MOST_DESCRIPTORS", 10)
        found = FileReader(seen).look(of, of.instances)
        assert sum(line.descriptors for line in found.lines) == 10
        assert found.problem == "only 10 descriptors were looked into"


def test_lines_are_cut_off_where_it_is_said(monkeypatch):
    with program(FAMILY) as parent:
        seen = world()
        of = service(seen, parent.pid)
        monkeypatch.setattr("mcptop.closeup.processes.MOST", 2)
        monkeypatch.setattr("mcptop.closeup.files.MOST", 1)
        processes, files = (reader.look(of, of.instances) for reader in (ProcessReader(seen), FileReader(seen)))
        assert (len(processes.lines), processes.cut_at) == (2, 2)
        assert (len(files.lines), files.cut_at) == (1, 1)


def test_what_a_host_process_was_started_with():
    environment = {"PLAIN": "visible", "DB_PASSWORD": "s3cret", "URL": "postgres://u:pw@db/x"}
    with program("answer(); sys.stdin.readline()", "--token", "abc123def", **environment) as one:
        seen = world()
        found = InspectReader(seen).look(of := service(seen, one.pid), of.instances)
        assert found.problem is None
        facts = {(fact.section, fact.name): fact for fact in found.lines}
        oracle = psutil.Process(one.pid)
        assert facts["process", "pid"].value == str(one.pid)
        assert facts["process", "exe"].value == oracle.exe()
        assert facts["process", "cwd"].value == oracle.cwd()
        assert "abc123def" not in facts["process", "command"].value
        soft, hard = oracle.rlimit(psutil.RLIMIT_NOFILE)
        assert facts["limits", "open files"].value.startswith(str(soft))
        assert soft == hard or str(hard) in facts["limits", "open files"].value
        variables = {fact.name: fact for fact in found.lines if fact.variable}
        assert variables.keys() >= {*environment, "MCPTOP_SERVICE"}
        assert variables["PLAIN"].value == "visible"
        assert not variables["PLAIN"].secret
        assert variables["DB_PASSWORD"].secret
        assert variables["URL"].secret


def test_containers_on_another_kernel_say_so_and_processes_ask_the_engine():
    seen = world(no_engine, banner="API only: the engine runs in a VM")
    one = Instance(id="c" * 64, name="web-1", pid=7)
    of = Service("shop", "web", Kind.CONTAINER, 1, (one,))
    for reader in (SocketReader(seen), FileReader(seen)):
        assert reader.look(of, of.instances).problem == "API only: the engine runs in a VM"
    problem = ProcessReader(seen).look(of, of.instances).problem
    assert problem is not None
    assert problem.startswith("API only: the engine runs in a VM; no docker engine at")


def test_a_server_elsewhere_has_nothing_to_look_into():
    seen = world()
    of = Service(None, "pg", Kind.SERVER, 1, (Instance(id="s", name="pg"),))
    for reader in (ProcessReader(seen), SocketReader(seen), FileReader(seen), InspectReader(seen)):
        found = reader.look(of, of.instances)
        assert found.lines == ()
        assert found.problem is not None
        assert found.problem.startswith("a server that is only asked over the network")


def test_the_announced_name_is_the_one_that_is_looked_at():
    with program("answer(); sys.stdin.readline()") as one:
        seen = world()
        target = seen.book.target(service(seen, one.pid).instances[0].id)
        assert target is not None
        assert target.service == SERVICE
