"""`mcptop demo` as a user meets it: what it says, what it leaves, how it ends, whatever the end."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console
from stack import COMMAND, PATIENCE, Demo, environment, hear_interrupts, until

from mcptop.demo import command
from mcptop.demo.faults.catalogue import FAULTS
from mcptop.demo.workspace import Workspace

SERVICES = {"mcp-api", "mcp-worker", "model-runner", "ui", "load"}


def run(*words: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """`mcptop demo WORDS`, which is expected to end by itself."""
    return subprocess.run(
        [*COMMAND, *words], capture_output=True, text=True, timeout=60 * PATIENCE, env=environment(**changes)
    )


def complaint(done: subprocess.CompletedProcess[str]) -> str:
    """The one line it ended with."""
    lines = [line for line in done.stderr.splitlines() if line != "starting mcp-demo ..."]
    assert len(lines) == 1, done.stderr
    return lines[0]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Demo]:
    """A demo of the test's own, whose temporary files are in `tmp_path`."""
    demo = Demo(TMPDIR=str(tmp_path))
    yield demo
    demo.close()


def alive(pids: dict[str, int]) -> list[str]:
    """Those that still run."""
    return [service for service, pid in pids.items() if Path(f"/proc/{pid}").exists()]


def nothing_is_left(pids: dict[str, int], folder: Path) -> None:
    assert alive(pids) == []
    assert not folder.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all(own: Demo, number: int) -> None:
    pids = own.pids
    assert set(pids) == SERVICES
    status, said = own.close(number)
    assert status == 0
    assert said.splitlines()[-1] == "stopped mcp-demo"
    nothing_is_left(pids, own.folder)


def test_kill_of_the_command_ends_all(own: Demo) -> None:
    pids = own.pids | {"keeper": own.document["keeper"]}
    own.close(signal.SIGKILL)
    until(lambda: nothing_is_left(pids, own.folder))


def test_kill_of_the_keeper_ends_all_and_is_said(own: Demo) -> None:
    pids = own.pids
    os.kill(own.document["keeper"], signal.SIGKILL)
    own.process.wait(30 * PATIENCE)
    status, said = own.close()
    assert status == 2
    assert "keeper" in said.splitlines()[-1]
    until(lambda: nothing_is_left(pids, own.folder))


def test_kill_of_command_and_keeper_is_cleaned_up_by_the_next(own: Demo, tmp_path: Path) -> None:
    pids = own.pids
    own.process.send_signal(signal.SIGSTOP)
    os.kill(own.document["keeper"], signal.SIGKILL)
    own.close(signal.SIGKILL)
    until(lambda: _none(alive(pids)))
    assert own.folder.exists()
    Demo(TMPDIR=str(tmp_path)).close()
    assert list(tmp_path.iterdir()) == []


def _none(found: list[str]) -> None:
    assert found == []


def test_a_killed_service_is_started_again_and_that_is_said(own: Demo) -> None:
    before = own.pids["mcp-worker"]
    os.kill(before, signal.SIGKILL)

    def again() -> None:
        assert own.pids.get("mcp-worker", before) != before

    until(again)
    until(lambda: own.metrics("mcp-worker"))
    _, said = own.close()
    assert f"mcp-worker (pid {before}) was killed by SIGKILL; started again" in said


def test_a_service_that_will_not_live_ends_the_demo(own: Demo) -> None:
    pids = own.pids

    def ended() -> None:
        if own.process.poll() is None and (pid := own.pids.get("ui")):
            os.kill(pid, signal.SIGKILL)
        assert own.process.poll() is not None

    until(ended)
    status, said = own.close()
    assert status == 2
    assert "mcptop: ui was killed by SIGKILL again and again" in said.splitlines()[-1]
    nothing_is_left(pids, own.folder)


def test_stopping_while_it_starts(tmp_path: Path) -> None:
    command = subprocess.Popen(
        [*COMMAND, "--headless"],
        stderr=subprocess.PIPE,
        text=True,
        env=environment(TMPDIR=str(tmp_path)),
        preexec_fn=hear_interrupts,
    )
    until(lambda: _some(list(tmp_path.iterdir())))
    command.send_signal(signal.SIGINT)
    command.communicate(timeout=60 * PATIENCE)
    assert command.returncode == 130
    assert list(tmp_path.iterdir()) == []


def _some(found: list[Path]) -> None:
    assert found


def test_plain_mcptop_shows_it(own: Demo) -> None:
    """The services announce themselves; nobody told this mcptop about them."""

    def shown() -> None:
        command = [sys.executable, "-m", "mcptop", "snapshot", "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment())
        found = [s for s in json.loads(done.stdout)["services"] if s["project"] == "mcp-demo"]
        mine = {s["name"] for s in found if any(i["pid"] in own.pids.values() for i in s["instances"])}
        assert mine == SERVICES

    until(shown)


def test_a_taken_port(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        done = run("--headless", "--port", str(port), TMPDIR=str(tmp_path))
    assert done.returncode == 2
    assert complaint(done).startswith(f"mcptop: mcp-api: cannot listen on 127.0.0.1:{port}: Address already in use")
    assert list(tmp_path.iterdir()) == []


def test_no_folder_to_write_in(tmp_path: Path) -> None:
    done = run("--headless", TMPDIR=str(tmp_path / "nowhere"))
    assert done.returncode == 2
    assert "cannot make a folder in" in complaint(done)
    assert "TMPDIR" in complaint(done)


def test_a_folder_in_memory_is_said() -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        demo = Demo(TMPDIR=folder)
        _, said = demo.close()
    assert f"{demo.folder} is in memory: faults of the disk will not show; set TMPDIR" in said


def test_where_tmp_is_in_memory_the_folder_is_on_a_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", "/dev/shm")
    made = Workspace.create()
    made.remove()
    assert made.path.parent == Path("/var/tmp")
    assert not made.path.exists()


def test_a_missing_extra(tmp_path: Path) -> None:
    """As it is where only `mcptop` was installed."""
    start = tmp_path / "start.py"
    start.write_text(
        "import importlib.util as u\nfound = u.find_spec\n"
        "u.find_spec = lambda name, *more: None if name == 'starlette' else found(name, *more)\n"
        "from mcptop.cli.main import main\nimport sys\nsys.argv = ['mcptop', 'demo', '--headless']\nmain()\n"
    )
    done = subprocess.run([sys.executable, str(start)], capture_output=True, text=True, timeout=60, env=environment())
    assert done.returncode == 2
    assert complaint(done) == "mcptop: the demo needs starlette: pip install 'mcptop[demo]'"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--headless", "--fault", "cahce-leak"), "there is no fault `cahce-leak`; did you mean cache-leak?"),
        (("--headless", "--fault", "cache-leak:mib=3"), "`mib=3` is no parameter of it"),
        (("--headless", "--fault", "cache-leak:most_mib=much"), "expected int"),
        (("--headless", "--fault", "zombies:per_s=-1"), "expected 0 or more"),
        (("--headless", "--fault", "unhealthy"), "needs containers: add --docker"),
        (("--headless", "--keep-image"), "go with --docker"),
        (("--json",), "--json goes with"),
        ((), "the dashboard needs a terminal"),
    ],
)
def test_wrong_usage_is_one_line(words: tuple[str, ...], says: str) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert says in complaint(done)


NOBODY = "127.0.0.1:1"
"""A port that is closed everywhere."""


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("MAX_CONCURRENT_REQUESTS", "ten", "MAX_CONCURRENT_REQUESTS=ten: expected `int`"),
        ("DB_POOL_SIZE", "0", "DB_POOL_SIZE=0: expected `int` >= 1"),
        ("CACHE_BYTES", "12q", "CACHE_BYTES: `12q` is not a size"),
        ("LOAD_MIX", "llama3-8b=many", "LOAD_MIX: `llama3-8b=many`: expected MODEL=SHARE"),
        (
            "DATABASE_URL",
            "oracle://scott:tiger@db/x",
            "DATABASE_URL: no driver here for oracle: expected postgresql://",
        ),
        ("DATABASE_URL", "tiger", "DATABASE_URL: not the address of a database: expected postgresql://"),
        ("DATABASE_URL", f"postgresql://scott:tiger@{NOBODY}/x", f"database at {NOBODY}: [Errno 111]"),
        ("REDIS_URL", "tiger", "REDIS_URL: Redis URL must specify"),
        ("REDIS_URL", f"redis://:tiger@{NOBODY}/0", f"Redis at {NOBODY}: Error 111"),
    ],
)
def test_a_variable_that_cannot_be_used(tmp_path: Path, variable: str, value: str, says: str) -> None:
    """One line that names the variable, and no password."""
    done = run("--headless", TMPDIR=str(tmp_path), **{variable: value})
    assert done.returncode == 2
    line = complaint(done)
    assert says in line
    assert variable in line
    assert "tiger" not in line
    assert list(tmp_path.iterdir()) == []


def test_a_fault_from_the_start_is_on_when_it_says_so(tmp_path: Path) -> None:
    demo = Demo("--fault", "zombies:per_s=10", "--profile", "small", TMPDIR=str(tmp_path))
    try:
        assert demo.document["faults"] == {"zombies": {"per_s": 10, "most": 300}}

        def some() -> None:
            assert demo.look("mcp-worker").zombies > 3

        until(some)
        limit = 1024 * 1024 * 1024
        assert demo.metrics("mcp-worker").get("mcp_service_memory_limit_bytes") == limit
    finally:
        demo.close()


def test_the_list_of_faults_as_a_document() -> None:
    done = run("--list-faults", "--json")
    faults = json.loads(done.stdout)
    assert done.returncode == 0
    assert {"fault", "mechanism", "service", "params", "needs"} <= set(faults[0])
    assert len({each["fault"] for each in faults}) == len(faults)
    assert len({each["mechanism"] for each in faults if not each["harmless"]}) >= 32
    assert len([each for each in faults if each["harmless"]]) >= 12
    assert next(each["fault"] for each in faults if each["harmless"]) == "page-cache"


def test_the_list_of_faults_for_people() -> None:
    done = run("--list-faults", COLUMNS="40")
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["FAULT", *(fault.name for fault in FAULTS)]
    assert "…" not in done.stdout
    assert not any(line.endswith(" ") for line in done.stdout.splitlines())


def test_a_narrow_terminal_cuts_nothing_that_has_to_be_typed() -> None:
    out = io.StringIO()
    Console(file=out, width=80).print(command.faults_table())
    lines = out.getvalue().splitlines()
    begun = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert begun == ["FAULT", *(fault.name for fault in FAULTS)]
    assert max(map(len, lines)) <= 80
    assert "…" not in out.getvalue()
