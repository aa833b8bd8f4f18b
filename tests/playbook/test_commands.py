"""`mcptop judge` and `mcptop playbooks`: what they print, and their exit codes."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mcptop.cli import main
from mcptop.model.diagnosis import Outcome
from mcptop.playbook import bundle, cases, shelf
from mcptop.playbook.case import encode, verdict_of
from mcptop.playbook.cases import Expectation
from mcptop.playbook.steps import catalogue
from tests.playbook import examples
from tests.playbook.kinds import KINDS

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """The program in this process: exit code, output, complaints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mcptop", *arguments])
        code = main.run()
        sys.stdout.flush()
        return code, *capfd.readouterr()

    return call


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shelf with one shipped playbook, and the kinds of steps it needs."""
    shipped = tmp_path / "shipped"
    (shipped / "hypotheses").mkdir(parents=True)
    (shipped / "memory-leak.yaml").write_text(examples.PLAYBOOK)
    (shipped / "hypotheses" / "memory.yaml").write_text(examples.SHARED)
    monkeypatch.setattr(shelf, "shipped", lambda: shipped)
    monkeypatch.setattr(shelf, "own", lambda: tmp_path / "own")
    for name, kind in KINDS.items():
        monkeypatch.setitem(catalogue.KINDS, name, kind)
    return shipped


@pytest.mark.parametrize(
    ("name", "code"), [("problem", 3), ("healthy", 0), ("nothing", 0), ("inconclusive", 5), ("warning", 4)]
)
def test_judge(run: Run, tmp_path: Path, name: str, code: int) -> None:
    case = examples.ALL.get(name, examples.PROBLEM)
    if name == "warning":
        case = examples.case(*examples.PROBLEM.evidence)
        text = case.playbook_text.replace("severity: critical", "severity: warning")
        case = type(case)(text, case.playbook_file, case.library, case.subject, case.evidence, case.run)
    bundle.write(tmp_path / "x.tar.gz", case, ())
    assert run("judge", "x.tar.gz", "--json") == (code, encode(verdict_of(case)).decode(), "")
    exit_code, text, _ = run("judge", "x.tar.gz")
    assert exit_code == code
    if name in examples.ALL:
        assert text == (Path(__file__).parent / "snapshots" / f"{name}-120.txt").read_text()


def test_judge_writes_reports(run: Run, tmp_path: Path) -> None:
    bundle.write(tmp_path / "x.tar.gz", examples.PROBLEM, ())
    assert run("judge", "x.tar.gz", "--markdown", "a.md", "--html", "a.html")[0] == 3
    assert (tmp_path / "a.md").read_text().startswith("# ✖ PROBLEM: heap-leak")
    assert (tmp_path / "a.html").read_text().startswith("<!DOCTYPE html>")
    code, text, complaint = run("judge", "x.tar.gz", "--html", "none/a.html")
    assert (code, text, complaint) == (2, "", "mcptop: none/a.html: cannot be written: there is no folder none\n")


def test_the_bundle_that_is_judged_is_never_written_over(run: Run, tmp_path: Path) -> None:
    bundle.write(tmp_path / "x.tar.gz", examples.PROBLEM, ())
    before = (tmp_path / "x.tar.gz").read_bytes()
    same = f"../{tmp_path.name}/x.tar.gz"
    assert run("judge", "x.tar.gz", "--html", same) == (2, "", f"mcptop: {same}: cannot be written: named twice\n")
    assert (tmp_path / "x.tar.gz").read_bytes() == before


def test_a_verdict_is_shown_even_when_its_report_found_no_place(run: Run, tmp_path: Path) -> None:
    bundle.write(tmp_path / "x.tar.gz", examples.PROBLEM, ())
    code, text, complaint = run("judge", "x.tar.gz", "--json", "--html", "/dev/full")
    assert (code, json.loads(text)["status"]) == (2, "problem")
    assert complaint == "mcptop: /dev/full: cannot be written: No space left on device\n"


def test_a_bad_bundle_is_one_line_and_exit_code_2(run: Run, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"hello")
    code, text, complaint = run("judge", "x", "--json")
    assert code == 2
    assert complaint == "mcptop: x: not a bundle of mcptop: no tar.gz\n"
    assert json.loads(text)["exit_status"] == 2


def test_a_bundle_with_a_broken_playbook(run: Run, tmp_path: Path) -> None:
    case = examples.PROBLEM
    broken = type(case)("playbook: [", case.playbook_file, {}, case.subject, case.evidence, case.run)
    bundle.write(tmp_path / "x", broken, (), verdict_of(case))
    code, _, complaint = run("judge", "x")
    assert code == 2
    assert complaint.startswith("mcptop: memory-leak.yaml:1: ")
    assert complaint.count("\n") == 1


def test_colours_on_a_terminal_and_none_in_a_pipe(tmp_path: Path) -> None:
    bundle.write(tmp_path / "x", examples.PROBLEM, ())
    command = [sys.executable, "-m", "mcptop", "judge", "x"]
    environment = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS")}
    root = str(Path(__file__).parents[2])
    environment["PYTHONPATH"] = root

    def on_terminal(**more: str) -> bytes:
        master, slave = pty.openpty()
        with subprocess.Popen(command, cwd=tmp_path, stdout=slave, env=environment | more) as child:
            os.close(slave)
            text = b""
            try:
                while block := os.read(master, 65536):
                    text += block
            except OSError:
                # The other end is closed.
                pass
            os.close(master)
        assert child.returncode == 3
        return text

    assert b"\x1b[1;31mheap-leak" in on_terminal(TERM="xterm-256color")
    assert b"\x1b" not in on_terminal(TERM="xterm-256color", NO_COLOR="1")
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert (done.returncode, b"\x1b" in done.stdout, done.stderr) == (3, False, b"")
    assert max(len(line) for line in done.stdout.decode().splitlines()) <= 120


def test_list(run: Run, folder: Path, tmp_path: Path) -> None:
    assert run("playbooks", "list") == (0, "memory-leak  Memory keeps growing\n", "")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "memory-leak.yaml").write_text(examples.PLAYBOOK.replace("keeps growing", "of mine"))
    (tmp_path / "own" / "broken.yaml").write_text("playbook: [")
    code, text, _ = run("playbooks", "list")
    assert code == 0
    assert "memory-leak  Memory of mine  (yours, before the shipped one)\n" in text
    assert "broken       own/broken.yaml:1: " in text
    document = json.loads(run("playbooks", "list", "--json")[1])
    assert document["schema"] == "mcptop.playbooks/1"
    broken, mine = document["playbooks"]
    assert broken["mistake"].startswith("own/broken.yaml:1: ")
    assert mine["origin"] == "user"
    assert mine["hides"] == str(folder / "memory-leak.yaml")
    assert mine["steps"] == ["watch", "docker-stats", "py-spy-dump", "lsof", "memray"]
    assert mine["wall_s"] == 90.0


def test_show(run: Run, folder: Path) -> None:
    code, text, _ = run("playbooks", "show", "memory-leak")
    assert code == 0
    assert "for a container or process, chosen by cpu; at most 1m 30s, steps up to sampling" in text
    assert "when target.python" in text
    assert "heap-leak               critical  3 for, 1 against; needs growth.anon\n" in text
    assert run("playbooks", "show", "memory-leak", "--yaml") == (0, examples.PLAYBOOK, "")
    code, text, complaint = run("playbooks", "show", "memory")
    assert (code, text, complaint) == (2, "", "mcptop: no playbook `memory`; nearest: memory-leak\n")


def test_lint(run: Run, folder: Path, tmp_path: Path) -> None:
    assert run("playbooks", "lint") == (0, "", "1 playbook: no mistakes\n")
    path = tmp_path / "x.yaml"
    path.write_text(examples.PLAYBOOK.replace("growth.up_s < 300", "growth.up < 300").replace("run: lsof", "run: x"))
    code, text, complaint = run("playbooks", "lint", "x.yaml", "memory-leak")
    assert code == 2
    assert [line.partition(": ")[0] for line in text.splitlines()] == ["x.yaml:7", "x.yaml:39"]
    assert complaint == "2 playbooks: 2 mistakes\n"
    assert run("playbooks", "lint", "shipped/hypotheses/memory.yaml")[0] == 0
    (folder / "hypotheses" / "memory.yaml").write_text("- {id: x}")
    assert run("playbooks", "lint", "shipped/hypotheses/memory.yaml")[:2] == (
        2, "shipped/hypotheses/memory.yaml:1: 0: `says` is missing\n"
    )  # fmt: skip
    assert run("playbooks", "lint", "none.yaml")[0] == 2


def test_lint_goes_on_after_a_file_it_cannot_read(run: Run, folder: Path) -> None:
    (folder / "a.yaml").write_text(examples.PLAYBOOK.replace("run: lsof", "run: x"))
    (folder / "b.yaml").write_bytes(b"\xff")
    (folder / "c.yaml").write_text("playbook: [")
    code, text, complaint = run("playbooks", "lint")
    assert (code, complaint) == (2, "4 playbooks: 3 mistakes\n")
    assert f"{folder / 'b.yaml'}: not a text in UTF-8\n" in text
    assert {line.partition(":")[0] for line in text.splitlines()} >= {"shipped/a.yaml", "shipped/c.yaml"}


def test_test(run: Run, folder: Path) -> None:
    (folder / "other.yaml").write_text("playbook: other\ntitle: x\nsteps: []\nhypotheses: []\n")
    kept = folder / "cases" / "memory-leak"
    kept.mkdir(parents=True)
    right = {
        "leak": (examples.PROBLEM, Expectation(Outcome.PROBLEM, "heap-leak", "mcp-worker")),
        "none": (examples.NOTHING, Expectation(Outcome.HEALTHY, None)),
        "cache": (examples.HEALTHY, Expectation(Outcome.HEALTHY)),
    }
    for name, (case, expected) in right.items():
        (kept / f"{name}.json").write_bytes(cases.recorded(case, expected))
    code, text, _ = run("playbooks", "test")
    assert code == 0
    assert text.splitlines() == [
        "✔ memory-leak/cache  healthy page-cache 0.95",
        "✔ memory-leak/leak  problem heap-leak 0.99",
        "✔ memory-leak/none  healthy 0.00",
        "without a case: other",
        "3 of 3 right",
    ]
    (kept / "wrong.json").write_bytes(cases.recorded(examples.PROBLEM, Expectation(Outcome.HEALTHY, None, "db")))
    (kept / "xbroken.json").write_text("{}")
    code, text, _ = run("playbooks", "test", "memory-leak")
    assert code == 3
    assert (
        "✖ memory-leak/wrong  status problem, expected healthy; mechanism heap-leak, expected none; "
        "culprit mcp-worker, expected db\n" in text
    )
    assert "✖ memory-leak/xbroken  not a case: it names no schema\n" in text
    document = json.loads(run("playbooks", "test", "--json")[1])
    assert document["schema"] == "mcptop.playbook-test/1"
    assert [case["right"] for case in document["cases"]] == [True, True, True, False, False]
    assert document["untested"] == ["other"]
    assert run("playbooks", "test", "nosuch")[0] == 2
    assert run("playbooks", "test", "other")[:2] == (5, "without a case: other\n0 of 0 right\n")


def test_a_case_is_judged_by_the_playbook_as_it_is_now(run: Run, folder: Path) -> None:
    kept = folder / "cases" / "memory-leak"
    kept.mkdir(parents=True)
    case = json.loads(encode(examples.PROBLEM)) | {"expect": {"status": "problem"}}
    (kept / "leak.json").write_text(json.dumps(case))
    assert run("playbooks", "test")[0] == 0
    (folder / "memory-leak.yaml").write_text(examples.PLAYBOOK.replace("severity: critical", "severity: warning"))
    assert run("playbooks", "test")[0] == 3


def test_steps(run: Run) -> None:
    code, text, _ = run("playbooks", "steps")
    assert code == 0
    assert [line.split()[0] for line in text.splitlines()] == list(catalogue.KINDS)
    assert "py-spy-dump      sampling  reading the Python stacks again and again\n" in text
    code, text, _ = run("playbooks", "steps", "watch")
    assert code == 0
    assert text.startswith("watch  watching memory, CPU, I/O, threads and files\npassive; runs beside the other steps")
    assert "\n  every  duration, 0.5s unless given\n" in text
    assert "anonymous memory, bytes: at the end\n" in text
    code, text, complaint = run("playbooks", "steps", "lsoff", "--json")
    assert (code, complaint) == (2, "mcptop: no kind of step `lsoff`; nearest: lsof, logs\n")
    assert json.loads(text)["exit_status"] == 2


def test_steps_tell_every_option_and_every_value(run: Run) -> None:
    document = json.loads(run("playbooks", "steps", "--json")[1])
    assert document["schema"] == "mcptop.steps/1"
    for told, kind in zip(document["steps"], catalogue.KINDS.values(), strict=True):
        assert told["emits"] == kind.emits
        assert told["safety"] == kind.safety.name.lower()
        assert [option["name"] for option in told["options"]] == list(kind.options.__struct_encode_fields__)
        _, text, _ = run("playbooks", "steps", kind.name)
        assert [name for name in kind.emits if f"\n  {name} " not in text] == []
    command = next(each for each in document["steps"] if each["name"] == "command")
    assert {option["name"]: option["default"] for option in command["options"] if not option["required"]} == {
        "values": {}, "ok": [0], "timeout": 10.0
    }  # fmt: skip
