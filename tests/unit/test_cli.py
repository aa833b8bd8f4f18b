"""The command itself: exit codes, one clear line, clean ends."""

import json
import os
import pty
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from .fixtures import RECORDED

NO_ENGINE = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}


def run(*arguments: str, env: dict[str, str] | None = None, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mcptop", *arguments],
        env=os.environ | NO_ENGINE | (env or {}),
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def test_without_an_engine_the_host_is_still_seen_and_the_engine_is_reported() -> None:
    done = run("snapshot", "--json", "--no-scrape")
    assert done.returncode == 0
    document = json.loads(done.stdout)
    states = {source["name"]: source for source in document["sources"]}
    assert states["docker"]["status"] == "error"
    assert "no docker engine at unix:///nonexistent/docker.sock" in states["docker"]["message"]
    assert states["processes"]["status"] == "ok"
    assert any(service["kind"] == "process" for service in document["services"])
    assert done.stderr.count("\n") == 1


def test_a_busy_process_that_announces_itself_shows_its_cpu_and_memory() -> None:
    burn = "x = bytearray(64 << 20)\nwhile True: pass"
    env = os.environ | {"MCPTOP_PROJECT": "test", "MCPTOP_SERVICE": "burner-under-test"}
    with subprocess.Popen([sys.executable, "-c", burn], env=env) as child:
        try:
            done = run("snapshot", "--json", "--service", "test/burner-under-test")
            ran, waited = map(int, Path(f"/proc/{child.pid}/schedstat").read_text().split()[:2])
        finally:
            child.kill()
    (service,) = json.loads(done.stdout)["services"]
    (instance,) = service["instances"]
    assert (service["project"], instance["pid"]) == ("test", child.pid)
    # It would use a whole core; on a busy machine it gets a share of one.
    assert instance["cpu"]["cores"] > 0.4 * ran / (ran + waited)
    assert 64 << 20 <= instance["memory"]["anon_bytes"] < 128 << 20
    assert instance["fds"]["open"] >= 3


def test_a_dashboard_that_could_not_be_seen_is_refused() -> None:
    """It is drawn on stderr, which is in a pipe here; the rest is a terminal."""
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "mcptop"]
    try:
        done = subprocess.run(command, stdin=slave, stdout=slave, stderr=subprocess.PIPE, text=True, timeout=60)
    finally:
        os.close(master)
        os.close(slave)
    assert done.returncode == 2
    assert done.stderr == "mcptop: the dashboard needs a terminal; in a pipe use `mcptop snapshot`\n"


def in_terminal(*arguments: str, env: dict[str, str] | None = None) -> tuple[int, str]:
    """The exit code, and what the terminal showed."""
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "mcptop", *arguments]
    try:
        done = subprocess.run(
            command, stdin=slave, stdout=slave, stderr=slave, env=os.environ | NO_ENGINE | (env or {}), timeout=60
        )
        return done.returncode, os.read(master, 65536).decode()
    finally:
        os.close(master)
        os.close(slave)


def test_keys_that_cannot_be_are_one_line_before_anything_begins(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[keys]\n"dashboard.sortt" = "o"\n')
    expected = f"mcptop: {config}: keys.dashboard.sortt: no such action; nearest: dashboard.sort"
    for command in (("--config", str(config)), ("--config", str(config), "demo"), ("demo", "--config", str(config))):
        code, shown = in_terminal(*command)
        assert (code, shown.count("\n")) == (2, 1)
        assert shown.startswith(expected)


def test_a_view_there_is_not_is_one_line_with_those_there_are(tmp_path: Path) -> None:
    for command in (("--view", "memry"), ("demo", "--view", "memry"), ("--view", "memry", "demo")):
        code, shown = in_terminal(*command, env={"XDG_CONFIG_HOME": str(tmp_path)})
        assert code == 2
        assert shown.strip() == (
            "mcptop: no view `memry` (did you mean memory?); there are: connections, cpu, memory, problems"
        )


def test_a_rule_by_port_finds_who_listens(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        config = tmp_path / "config.toml"
        config.write_text(f'[[service]]\nname = "listener"\nproject = "p"\nport = {server.getsockname()[1]}\n')
        done = run("snapshot", "--json", "--service", "p/listener", "--config", str(config))
    (service,) = json.loads(done.stdout)["services"]
    assert os.getpid() in [instance["pid"] for instance in service["instances"]]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("snapshot", "--service", "no-such-service-anywhere"), "no service `no-such-service-anywhere`; there are "),
        (("snapshot", "--interval", "0"), "--interval"),
        (("snapshot", "--count", "1"), "--count goes with --watch"),
        (("snapshot", "--json", "--csv"), "exclude each other"),
        (("snapshot", "--path-procfs", "/nonexistent"), "--path-procfs /nonexistent: no such directory"),
        (("snapshot", "--config", "/nonexistent.toml"), "no such file"),
        (("nosuchcommand",), "No such command"),
        (("playbooks",), "`mcptop playbooks` wants one of: lint, list, "),
        (("export",), "`mcptop export` wants one of: compose, env, "),
        ((), "needs a terminal"),
        (("--allow-actions", "snapshot"), "--allow-actions is for the dashboard"),
        (("demo", "--headless", "--allow-actions"), "--allow-actions is for the dashboard"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments: tuple[str, ...], says: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert says in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_no_file_and_no_variable_allows_actions(tmp_path: Path) -> None:
    (file := tmp_path / "config.toml").write_text("allow_actions = true\n")
    done = run("snapshot", "--config", str(file))
    assert done.returncode == 2
    assert "allow_actions" in done.stderr
    assert "MCPTOP_ALLOW_ACTIONS" not in (Path(__file__).parents[2] / "mcptop" / "config.py").read_text()


def test_json_is_one_document_also_on_failure() -> None:
    done = run("snapshot", "--json", "--service", "no-such-service-anywhere")
    assert done.returncode == 2
    assert json.loads(done.stdout)["exit_status"] == 2


def test_a_recorded_host_can_be_looked_at() -> None:
    tree = RECORDED / "v2-api1.45"
    done = run("snapshot", "--json", "--path-procfs", str(tree / "proc"), "--path-sysfs", str(tree / "sys"))
    assert done.returncode == 0
    containers = [s for s in json.loads(done.stdout)["services"] if s["kind"] == "container"]
    assert len(containers) == 3


def test_a_procfs_that_is_none_cannot_be_healthy(tmp_path: Path) -> None:
    done = run("snapshot", "--json", "--path-procfs", str(tmp_path))
    assert done.returncode == 5
    assert "--path-procfs" in done.stderr


def test_watch_prints_one_document_a_line_and_stops_after_its_count() -> None:
    done = run("snapshot", "--watch", "--count", "3", "--interval", "0.2")
    assert done.returncode == 0
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(documents) == 3
    assert len({document["at"] for document in documents}) == 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_watch_ends_cleanly_on_a_signal(number: signal.Signals) -> None:
    command = [sys.executable, "-m", "mcptop", "snapshot", "--watch", "--interval", "0.2"]
    with subprocess.Popen(command, env=os.environ | NO_ENGINE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        json.loads(child.stdout.readline())
        child.send_signal(number)
        _, errors = child.communicate(timeout=30)
    assert child.returncode == 0
    assert b"Traceback" not in errors


def test_a_closed_pipe_is_no_error() -> None:
    command = f"{sys.executable} -m mcptop snapshot --watch --interval 0.2 | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        env=os.environ | NO_ENGINE,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr
    json.loads(done.stdout)


def test_the_doctor_names_every_gap_and_its_cure() -> None:
    done = run("doctor", "--json", env={"PATH": "/nonexistent"})
    document = json.loads(done.stdout)
    assert document["schema"] == "mcptop.doctor/1"
    assert done.returncode == 4
    for check in document["checks"]:
        assert check["state"] in ("ok", "gap", "optional")
        assert (check["fix"] is not None) == (check["state"] != "ok")
    by_name = {check["name"]: check for check in document["checks"]}
    assert by_name["lsof"]["fix"] == "sudo apt-get install lsof"
    assert by_name["docker engine"]["state"] == "gap"
