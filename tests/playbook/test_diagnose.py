"""`mcptop diagnose` as somebody runs it: exit codes, one document, Ctrl+C, and nothing that stays behind."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.playbook.step_world import READY, running

ROOT = str(Path(__file__).parents[2])
STEPS = {
    "watch": "{id: watch, run: watch, with: {for: 1s, every: 100ms}}",
    "long": "{id: watch, run: watch, with: {for: 60s, every: 100ms}}",
    "threads": "{id: threads, run: threads, with: {for: 1s, every: 100ms}}",
    "profile": "{id: profile, run: py-spy-record, with: {for: 30s}}",
    "stacks": "{id: stacks, run: py-spy-dump, with: {repeat: 2, every: 100ms}}",
}
FDS, MANY = "watch.fds.last > 0", "watch.fds.last > 100000"


def playbook(*steps: str, rule: str = FDS, severity: str = "warning", needs: str = "watch", more: str = "") -> str:
    lines = "".join(f"  - {STEPS[step]}\n" for step in steps)
    return (
        f"playbook: own\ntitle: Something of one's own\n{more}steps:\n{lines}hypotheses:\n  - id: many-files\n"
        f'    says: "{{{{ watch.fds.last | number }}}} files are open"\n    severity: {severity}\n'
        f"    needs: [{needs}]\n"
        f'    supports: [{{if: "{rule} and watch.samples > 0", weight: 8, because: "they are open"}}]\n'
    )


class Run:
    """One run of the program in a folder of its own."""

    def __init__(self, folder: Path, text: str, arguments: tuple[str, ...], stderr: int, **more: str) -> None:
        self.mark = f"MARK{uuid4().hex}"
        self.folder = folder
        (folder / "tmp").mkdir(parents=True)
        (folder / "own.yaml").write_text(text)
        environment = {key: value for key, value in os.environ.items() if not key.startswith("MCPTOP_")}
        environment |= {"PYTHONPATH": ROOT, "HOME": str(folder), "TMPDIR": str(folder / "tmp"), self.mark: "1",
                        "DOCKER_HOST": "unix:///nonexistent/docker.sock", "MCPTOP_INTERVAL": "0.2"} | more  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mcptop", "diagnose", *arguments, "--no-scrape"],
            cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr,
            text=True, start_new_session=True,
        )  # fmt: skip

    def end(self) -> tuple[int, str, str]:
        """Exit code, output, complaint; and nothing is left of it."""
        with self.process:
            output, complaint = self.process.communicate(timeout=120)
        assert "Traceback" not in complaint
        assert os.listdir(self.folder / "tmp") == []
        assert self.others() == []
        return self.process.returncode, output, complaint

    def others(self) -> list[str]:
        """Processes it has started that are still there."""
        found = []
        for name in os.listdir("/proc"):
            try:
                if name.isdigit() and self.mark.encode() in Path(f"/proc/{name}/environ").read_bytes():
                    found.append(Path(f"/proc/{name}/comm").read_text())
            except OSError:
                continue
        return found

    def document(self) -> tuple[int, dict[str, Any], str]:
        """Exit code, the one document, complaint."""
        code, output, complaint = self.end()
        assert output.count("\n") == 1
        return code, json.loads(output), complaint


@contextmanager
def started(tmp_path: Path, text: str, *arguments: str, stderr: int = subprocess.PIPE, **more: str) -> Iterator[Run]:
    """`more`: of its environment."""
    run = Run(tmp_path / uuid4().hex, text, arguments, stderr, **more)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.process.kill()
            run.process.communicate()


def test_the_exit_code_says_what_came_out(tmp_path: Path) -> None:
    texts = {
        0: playbook("watch", rule=MANY),
        3: playbook("watch", severity="critical"),
        4: playbook("watch"),
        5: playbook("watch", needs="watch.close_wait.samples, watch"),
    }
    with running(READY) as target, ThreadPoolExecutor(4) as pool:
        arguments = "own.yaml", "--pid", str(target.pid), "--json"

        def of(text: str) -> tuple[int, dict[str, Any], str]:
            with started(tmp_path, text, *arguments) as run:
                return run.document()

        found = dict(zip(texts, pool.map(of, texts.values()), strict=True))
        assert target.poll() is None
    assert {expected: code for expected, (code, _, _) in found.items()} == {code: code for code in texts}
    assert {verdict["status"] for _, verdict, _ in found.values()} == {"healthy", "problem", "warning", "inconclusive"}
    for _, verdict, complaint in found.values():
        assert complaint == ""
        assert verdict["schema"] == "mcptop.verdict/1"
        assert (verdict["target"]["pid"], verdict["cancelled"]) == (target.pid, False)
        assert [each["status"] for each in verdict["evidence"]] == ["ok"]
        assert verdict["cost"]["cpu_s"] > 0
    _, warning, _ = found[4]
    assert (warning["mechanism"], warning["culprit"]["pid"]) == ("many-files", target.pid)
    assert warning["says"].endswith("files are open")
    assert found[5][1]["says"].startswith("cannot tell: no watch.close_wait.samples")


def test_wrong_usage_is_told_in_one_line_and_one_document(tmp_path: Path) -> None:
    text, broken = playbook("watch"), playbook("watch").replace("needs: [watch]", "needs: [wach]")
    pid = str(os.getpid())
    cases = [
        (text, ("none.yaml", "--pid", pid), "no playbook `none.yaml`: there is no such file"),
        (text, ("cpu-lod", "--pid", pid), "no playbook `cpu-lod`; nearest: cpu-load"),
        (text, ("own.yaml", "--pid", "4194305"), "no process 4194305: it has ended, or is on another host"),
        (text, ("own.yaml", "--service", "no-such-service"), "no service `no-such-service`; there are "),
        (text, ("own.yaml", "--container", "nothing"), "no container `nothing`; "),
        (text, ("own.yaml", "--pid", pid, "--service", "x"), "--service, --container, --pid and --script exclude"),
        (text, ("own.yaml", "--pid", pid, "--budget", "soon"), "--budget `soon`: expected a duration"),
        (text, ("own.yaml", "--pid", pid, "--budget", "1s"), "--budget 1s: expected 5s to 1h"),
        (text, ("own.yaml", "--pid", pid, "--html", "none/a.html"), "none/a.html: cannot be written: there is no"),
        (text, ("--pid", pid), "without a PLAYBOOK all services are looked at"),
        (broken, ("own.yaml", "--pid", pid), "own.yaml:9: `wach`: no step emits this"),
        (text.replace("steps:", "applies_to: [container]\nsteps:"), ("own.yaml", "--pid", pid), ""),
    ]  # fmt: skip

    def of(case: tuple[str, tuple[str, ...], str]) -> tuple[int, dict[str, Any], str]:
        with started(tmp_path, case[0], *case[1], "--json") as run:
            return run.document()

    with ThreadPoolExecutor(4) as pool:
        for (_, arguments, says), (code, document, complaint) in zip(cases, pool.map(of, cases), strict=True):
            assert (code, document["schema"], document["exit_status"]) == (2, "mcptop.error/1", 2), arguments
            assert document["error"].startswith(says), arguments
            *sources, complaint = complaint.splitlines(keepends=True)
            assert complaint == f"mcptop: {document['error']}\n"
            assert [each.split()[1] for each in sources] in ([], ["docker:"]), "nobody was found, and why that may be"


def test_ctrl_c_comes_back_with_what_is_known(tmp_path: Path) -> None:
    with running(READY) as target:
        arguments = "own.yaml", "--pid", str(target.pid), "--json", "--bundle", "b.tar.gz"
        with started(tmp_path, playbook("long", "profile", "stacks"), *arguments) as run:
            # The profiler runs: then the steps have begun.
            while "py-spy\n" not in run.others():
                assert run.process.poll() is None
                time.sleep(0.02)
            run.process.send_signal(signal.SIGINT)
            code, verdict, complaint = run.document()
        assert target.poll() is None
    watch, profile, stacks = verdict["evidence"]
    # With fewer than eight looks nothing is known of its files; with more they are found.
    expected = (4, "warning") if watch["values"]["fds"] else (5, "inconclusive")
    assert (code, verdict["status"]) == expected
    assert verdict["cancelled"]
    assert (watch["status"], watch["values"]["ended"]) == ("ok", False)
    assert (profile["status"], profile["message"]) == ("timeout", "py-spy: stopped by the user")
    assert (stacks["status"], stacks["message"]) == ("skipped", "stopped before it")
    assert complaint.startswith("mcptop: coming back with what is known so far")
    assert (run.folder / "b.tar.gz").stat().st_size > 0


def test_a_second_ctrl_c_ends_it_and_leaves_nothing_either(tmp_path: Path) -> None:
    with (
        running(READY) as target,
        started(tmp_path, playbook("long", "profile"), "own.yaml", "--pid", str(target.pid), "--json") as run,
    ):
        while "py-spy\n" not in run.others():
            time.sleep(0.02)
        run.process.send_signal(signal.SIGINT)
        assert run.process.stderr is not None
        assert run.process.stderr.readline().startswith("mcptop: coming back")
        run.process.send_signal(signal.SIGTERM)
        code, output, _ = run.end()
    # It may have come back before the second signal reached it.
    assert (code, output) == (130, "") or (code in (4, 5) and json.loads(output)["cancelled"])


def test_a_budget_ends_the_steps_and_a_look_at_everybody(tmp_path: Path) -> None:
    text = playbook("long", "profile", more="budget: {wall: 90s}\n")
    with running(READY) as target, started(tmp_path, "", "--json", "--budget", "5s") as everybody:
        with started(tmp_path, text, "own.yaml", "--pid", str(target.pid), "--json", "--budget", "5s") as run:
            code, verdict, _ = run.document()
        triaged, triage, _ = everybody.document()
    watch, profile = verdict["evidence"]
    assert (code, verdict["cancelled"]) == (4, False)
    assert watch["status"] == "ok"
    assert watch["values"]["seconds"] < 60
    assert profile["status"] in ("ok", "timeout")
    assert profile["duration_s"] < 30
    assert triage["schema"] == "mcptop.triage/1"
    assert triaged in (0, 3, 4)
    assert (triaged == 0) == (triage["problems"] == [])
    assert triage["services"] > 0


def test_a_target_that_ends_on_the_way(tmp_path: Path) -> None:
    with running(READY) as target:
        text = playbook("long", "profile", "stacks", rule=MANY, needs="stacks")
        with started(tmp_path, text, "own.yaml", "--pid", str(target.pid), "--json") as run:
            while "py-spy\n" not in run.others():
                time.sleep(0.02)
            target.kill()
            target.wait()
            code, verdict, _ = run.document()
    evidence = {each["step"]: each for each in verdict["evidence"]}
    assert (code, verdict["status"]) == (5, "inconclusive")
    assert evidence["watch"]["status"] == "target_gone" or evidence["watch"]["values"]["ended"]
    assert (evidence["stacks"]["status"], evidence["stacks"]["message"]) == ("target_gone", "the target has ended")
    assert verdict["says"].startswith("cannot tell: no stacks (")
    assert verdict["says"].endswith("stacks: the target has ended)")


def test_for_people_in_a_pipe_it_is_the_report_and_nothing_else(tmp_path: Path) -> None:
    with (
        running(READY) as target,
        started(
            tmp_path, playbook("watch", "threads"), "own.yaml", "--pid", str(target.pid), "--markdown", "a.md"
        ) as run,
    ):
        code, output, complaint = run.end()
    assert (code, complaint) == (4, "")
    assert "WARNING   many-files" in output
    assert "\x1b" not in output
    assert (run.folder / "a.md").read_text().startswith("# ▲ WARNING: many-files")


@pytest.mark.parametrize("as_json", [False, True])
def test_on_a_terminal_one_sees_how_far_it_is_unless_it_is_for_a_program(tmp_path: Path, as_json: bool) -> None:
    master, slave = pty.openpty()
    (tmp_path / "own.yaml").write_text(playbook("watch", "threads"))
    with running(READY) as target:
        words = ["own.yaml", "--pid", str(target.pid), "--no-scrape", *(["--json"] if as_json else [])]
        environment = os.environ | {"PYTHONPATH": ROOT, "HOME": str(tmp_path), "TERM": "xterm", "COLUMNS": "100",
                                    "DOCKER_HOST": "unix:///nonexistent/docker.sock"}  # fmt: skip
        with subprocess.Popen(
            [sys.executable, "-m", "mcptop", "diagnose", *words],
            cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=slave,
        ) as process:  # fmt: skip
            os.close(slave)
            seen = b""
            # A terminal whose last writer is gone says so with an error.
            with contextlib.suppress(OSError):
                while block := os.read(master, 65536):
                    seen += block
        os.close(master)
    assert process.returncode == 4
    if as_json:
        assert seen == b""
    else:
        for words_seen in (b"diagnose own", b"watching memory", b"watching what each thread does", b"Ctrl+C"):
            assert words_seen in seen
