"""`mcptop alerts`, its commands and `mcptop export prometheus-rules` as programs: what they print, how they end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from mcptop.alerts import rules
from mcptop.cli import main
from tests.unit.recorded import ticks, write

FIXTURE = Path(__file__).parents[1] / "fixtures" / "v2-api1.45"
PROGRAM = [sys.executable, "-m", "mcptop"]
RULE = '[[alert]]\nid = "load"\nof = "host"\nfigure = "load_1m"\nabove = {warning = 5, critical = 50}\nkeep = "1s"\n'
QUIET = "[alerts.source-broken]\nenabled = false\n"
"""There is no engine, and that is no news."""


class Machine:
    """A recorded one, whose load is what a test says."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "machine"
        shutil.copytree(FIXTURE, self.root, symlinks=True)
        self.file = folder / "config.toml"
        self.load(1)

    def load(self, number: int) -> None:
        """In place, and as long as before: it is read meanwhile."""
        handle = os.open(self.root / "proc" / "loadavg", os.O_WRONLY)
        os.pwrite(handle, f"{number:02}.00 1.00 1.00 1/100 1234\n".ljust(40).encode(), 0)
        os.close(handle)

    def flags(self, settings: str) -> list[str]:
        self.file.write_text(settings + QUIET)
        roots = ["--path-procfs", str(self.root / "proc"), "--path-sysfs", str(self.root / "sys")]
        return ["--config", str(self.file), *roots, "--host", "unix:///nonexistent.sock", "--interval", "0.2"]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, check=False, timeout=120)


Here = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Here:
    """As the program does it, in this process."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["mcptop", *arguments])
        code = main.run()
        out, err = capfd.readouterr()
        return subprocess.CompletedProcess(arguments, code, out, err)

    return run


@pytest.mark.parametrize(
    ("load", "severity", "code", "status"),
    [(60, "warning", 3, "problem"), (9, "warning", 4, "warning"), (9, "critical", 0, "ok"), (1, "warning", 0, "ok")],
)
def test_the_exit_code_is_that_of_the_worst(machine: Machine, load: int, severity: str, code: int, status: str):
    machine.load(load)
    done = run("alerts", "--json", "--severity", severity, *machine.flags(RULE))
    found = json.loads(done.stdout)
    assert (done.returncode, found["status"], found["schema"]) == (code, status, "mcptop.alerts/1")
    told = [(one["rule"], one["state"], one["value"]) for one in found["alerts"] if one["rule"] == "load"]
    assert told == ([("load", "firing", load)] if code else [])
    assert [one["says"] for one in found["problems"] if "load" in one["says"]] == (
        [f"load_1m is {load}, at least {50 if load > 50 else 5}"] if code else []
    )


def test_what_has_to_last_is_pending_in_one_look_and_fires_in_a_long_one(machine: Machine):
    machine.load(9)
    flags = machine.flags(RULE + 'for = "2s"\ndo = "wait"\n')
    done = run("alerts", *flags)
    assert done.returncode == 0
    assert "▲ host: load_1m is 9, at least 5  pending for " in done.stdout
    assert "nothing fires; 1 pending" in done.stdout
    done = run("alerts", "--over", "3s", *flags)
    assert done.returncode == 4
    assert "-> wait" in done.stdout
    assert "  seen for " in done.stdout
    explained = run("alerts", *machine.flags(RULE + 'do = "ask Ann"\nplaybook = "cpu-load"\n'))
    assert "-> ask Ann; mcptop diagnose cpu-load\n" in explained.stdout


def test_one_look_says_that_it_is_one(machine: Machine):
    done = run("alerts", *machine.flags(RULE))
    assert (done.returncode, done.stdout) == (0, "nothing fires in one look; `--over 5m` sees what has to last\n")


def test_nothing_points_to_what_nobody_has_written(machine: Machine):
    machine.load(9)
    done = run("alerts", *machine.flags(RULE))
    assert (done.returncode, done.stdout.count("->")) == (4, 0), done.stdout


def test_who_could_not_look_says_so(tmp_path: Path):
    done = run("alerts", "--json", "--path-procfs", str(tmp_path), "--host", "unix:///nonexistent.sock")
    assert (done.returncode, json.loads(done.stdout)["status"]) == (5, "inconclusive")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("alerts", "--at", "12:00"), "--at goes with --from"),
        (("--prometheus", "http://h", "alerts", "--from", "f"), "--from and --prometheus exclude each other"),
        (("alerts", "--from", "x", "--watch"), "--from is one moment"),
        (("alerts", "--over", "soon"), "--over: expected a time"),
        (("alerts", "--watch", "--over", "5m"), "leave --over out"),
        (("alerts", "--from", "/nonexistent"), "/nonexistent"),
        (("export", "prometheus-rules", "--runbook-url", "ftp://x"), "--runbook-url"),
        (("export", "prometheus-rules", "-o", "/nonexistent/rules.yml"), "/nonexistent/rules.yml: cannot be written"),
        (("alerts", "lint", "/nonexistent.yml"), "/nonexistent.yml: cannot be read: No such file or directory"),
    ],
)
def test_wrong_usage_is_one_line(arguments: tuple[str, ...], says: str, here: Here):
    done = here(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("mcptop: ")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (RULE + 'playbook = "cpu-lod"\n', "alert[0].playbook: no playbook `cpu-lod`; nearest: cpu-load"),
        ('[alerts.close-wait]\nplaybook = "fd-leek"\n', "alerts.close-wait.playbook: no playbook `fd-leek`; nearest: "),
    ],
)
def test_a_playbook_that_there_is_not_is_no_explanation(settings: str, says: str, tmp_path: Path, here: Here):
    file = tmp_path / "config.toml"
    file.write_text(settings)
    done = here("alerts", "rules", "--config", str(file))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"mcptop: {file}: {says}")


def test_a_service_that_there_is_not_is_told(machine: Machine):
    done = run("alerts", "--service", "nobody", *machine.flags(""))
    assert (done.returncode, done.stdout) == (2, "")
    assert "no service `nobody`; " in done.stderr.splitlines()[-1]


def test_a_recording_is_asked_for_any_moment(tmp_path: Path, here: Here):
    file = write(tmp_path / "day.mcptop", ticks(120))
    calm, ill = (
        here("alerts", "--json", "--from", str(file), "--at", "+20s"),
        here("alerts", "--json", "--from", str(file)),
    )
    rules_of = [
        {one["rule"] for one in json.loads(done.stdout)["alerts"] if one["state"] == "firing"} for done in (calm, ill)
    ]
    assert not {"unhealthy", "oom-kill"} & rules_of[0]
    assert {"unhealthy", "oom-kill"} <= rules_of[1]
    assert ill.returncode == 3
    of_one = json.loads(here("alerts", "--json", "--from", str(file), "--service", "shop/api").stdout)
    assert {one["service"] for one in of_one["alerts"]} == {"api"}


def test_of_a_long_recording_only_a_part_is_looked_at_and_how_long_something_holds_is_at_least_that(
    tmp_path: Path, here: Here
):
    file = write(tmp_path / "day.mcptop", ticks(400, 5.0), interval_s=5.0)
    lines = {at: here("alerts", "--from", str(file), "--at", at).stdout.splitlines() for at in ("+300s", "+1995s")}
    early, late = (next(line for line in found if "held it back" in line) for found in lines.values())
    assert "  seen for " in early
    assert "at least" not in early
    assert "  for at least 20m" in late


def firing(document: str) -> set[str]:
    return {one["rule"] for one in json.loads(document)["alerts"] if one["state"] == "firing"}


@contextmanager
def watching(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([*PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def lines(process: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    assert process.stdout is not None
    for line in process.stdout:
        if (found := json.loads(line))["alert"]["rule"] == "load":
            yield found


def test_watching_tells_what_begins_changes_and_ends(machine: Machine, tmp_path: Path):
    told = tmp_path / "told"
    script = (
        f"import sys, os; open({str(told)!r}, 'a').write(os.environ['MCPTOP_ALERT_EVENT'] + ' ' + sys.stdin.read())"
    )
    notify = (
        f"[notify]\nseverity = 'warning'\nresolved = true\ncommand = {json.dumps([sys.executable, '-c', script])}\n"
    )
    with watching("alerts", "--watch", "--json", *machine.flags(RULE + notify)) as process:
        told_lines = lines(process)
        events = []
        for load in (9, 90, 1, 91):
            machine.load(load)
            found = next(told_lines)
            events.append((found["event"], found["alert"]["severity"], found["was"]))
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 3, "what stood at the end was critical"
    assert events == [
        ("firing", "warning", None), ("changed", "critical", "warning"), ("resolved", "critical", None),
        ("firing", "critical", None),
    ]  # fmt: skip
    heard = [line.partition(" ") for line in told.read_text().splitlines()]
    # The last came within the pause of the same alert.
    mine = [(event, json.loads(rest)) for event, _, rest in heard if '"rule":"load"' in rest]
    assert [event for event, _ in mine] == ["firing", "changed", "resolved"]
    assert mine[0][1]["text"] == "warning: host: load_1m is 9, at least 5"
    assert mine[2][1]["lasted_s"] > 0


def test_watching_in_words(machine: Machine):
    machine.load(60)
    with watching("alerts", "--watch", *machine.flags(RULE)) as process:
        assert process.stdout is not None
        line = next(line for line in process.stdout if "load_1m" in line)
        assert line[8:] == " ✖ critical: host: load_1m is 60, at least 50\n"
        machine.load(2)
        line = next(line for line in process.stdout if "load_1m" in line)
        assert " ● over after " in line
        process.send_signal(signal.SIGINT)
        assert process.wait(20) in (0, 4), "some other warning may stand on the recorded machine"


def test_the_rules_in_force_say_where_their_figures_come_from(machine: Machine, here: Here):
    more = "[alerts.disk-full]\nwarning = 0.8\n[alerts.paused]\nenabled = false\n[alerts.dead]\nseverity = 'warning'\n"
    flags = machine.flags(RULE + more)
    found = {one["id"]: one for one in json.loads(here("alerts", "rules", "--json", *flags).stdout)["rules"]}
    assert set(found) == {*rules.BY_ID, "load"}
    disk = found["disk-full"]
    assert (disk["warning"], disk["critical"], disk["origin"]) == (0.8, 0.95, "shipped")
    assert disk["changed"] == {"warning": str(machine.file)}
    assert (found["load"]["origin"], found["load"]["figure"]) == (str(machine.file), "load_1m")
    assert found["paused"]["enabled"] is False
    assert found["memory-near-limit"]["critical_for_s"] == 0
    assert [found[id]["severity"] for id in ("dead", "unhealthy", "disk-full")] == ["warning", "critical", None]
    table = here("alerts", *flags, "rules").stdout.splitlines()
    assert f"shipped, but for warning: {machine.file}" in next(line for line in table if line.startswith("disk-full"))
    assert next(line for line in table if line.startswith("paused")).endswith("(off)")
    assert next(line for line in table if line.startswith("dead")).split()[1:3] == ["fact", "-"]


def test_the_exported_file_is_the_same_each_time_and_replaces_none(machine: Machine, tmp_path: Path, here: Here):
    flags = machine.flags("[alerts.memory-near-limit]\nwarning = 0.8\n")
    printed = here("export", "prometheus-rules", *flags).stdout
    target = tmp_path / "rules.yml"
    done = here("export", "prometheus-rules", "-o", str(target), *flags)
    assert (done.returncode, done.stdout) == (0, "")
    assert target.read_text() == printed
    assert ">= 0.8\n" in printed
    target.write_text("mine")
    done = here("export", "prometheus-rules", "-o", str(target), *flags)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"mcptop: {target}: is there already; remove it, or name another file\n"
    assert target.read_text() == "mine"


def test_the_exporter_tells_what_fires_by_the_rules_in_force(machine: Machine):
    machine.load(60)
    with watching("exporter", "--listen", "127.0.0.1:0", *machine.flags(RULE)) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        limit, found = time.monotonic() + 30, ""
        while 'rule="load"' not in found and time.monotonic() < limit:
            with suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
                found = answer.read().decode()
            time.sleep(0.2)
        (line,) = [line for line in found.splitlines() if line.startswith("mcptop_alert{") and 'rule="load"' in line]
        assert 'severity="critical"' in line
        assert line.endswith(" 1")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
