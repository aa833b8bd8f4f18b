"""A diagnosis that was stopped or could not look: it says so, and never that all is well."""

from __future__ import annotations

import os
import pty
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcptop.config import Settings
from mcptop.exit_status import ExitStatus
from mcptop.headless import diagnose, mistakes
from mcptop.playbook import diagnosis, shelf
from mcptop.playbook.diagnosis import Diagnosis, Limits
from mcptop.playbook.frames import Frames
from mcptop.playbook.subjects import CouldNotLook, Wanted
from tests.playbook.step_world import READY, running
from tests.playbook.test_diagnose import Run, playbook, started


def _listens(pid: int) -> bool:
    """Whether it has a handler of its own for SIGTERM."""
    status = dict(line.split(":\t") for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
    return bool(int(status["SigCgt"], 16) & 1 << (signal.SIGTERM - 1))


def stop(run: Run, how: signal.Signals = signal.SIGINT) -> None:
    """As soon as it can come back with what it has."""
    while not _listens(run.process.pid):
        assert run.process.poll() is None
        time.sleep(0.02)
    run.process.send_signal(how)


@pytest.fixture
def silent_engine(tmp_path: Path) -> Iterator[str]:
    """An engine that accepts connections and never answers."""
    path = tmp_path / "engine.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen(16)
        yield f"unix://{path}"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_look_at_everybody_that_was_cut_short_gives_nobody_a_clean_bill(tmp_path: Path, how: signal.Signals) -> None:
    with started(tmp_path, "", "--json", "--budget", "10m") as run:
        stop(run, how)
        code, document, complaint = run.document()
    assert (code in (3, 4, 5), document["schema"]) == (True, "mcptop.triage/1")
    assert (code == 5) == (document["problems"] == [])
    assert document["doubt"] == "stopped before its time was over"
    assert complaint.startswith("mcptop: coming back")


def test_a_look_at_everybody_where_nobody_can_be_seen(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    with started(tmp_path, "", "--budget", "5s", "--path-procfs", str(tmp_path / "proc")) as run:
        code, output, complaint = run.end()
    assert code == 5
    assert output.splitlines()[-1].endswith(": cannot tell, what runs here could not be read: `mcptop doctor` says why")
    assert "mcptop: host: " in complaint
    assert "mcptop: docker: no docker engine" in complaint


def test_when_nobody_was_named_it_says_whom_it_could_not_see(tmp_path: Path) -> None:
    with started(tmp_path, playbook("watch"), "own.yaml") as run:
        _, _, complaint = run.end()
    assert complaint.startswith("mcptop: docker: no docker engine")


class Blind:
    """A source, and a monitor, from which nothing comes."""

    def __init__(self, *given: object, **more: object) -> None:
        pass

    def wait_for_engine(self, timeout_s: float) -> None:
        """It is there."""

    def start(self, emit: object) -> None:
        """It has begun."""

    def stop(self) -> None:
        """It has ended."""


def test_without_a_single_look_nobody_is_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(diagnose, "LiveSource", Blind)
    monkeypatch.setattr(diagnose, "Monitor", Blind)
    monkeypatch.setattr(diagnose, "_FIRST_FRAME_S", 0.1)
    assert diagnose.triaged(Settings(), 0.1, as_json=False) is ExitStatus.INCONCLUSIVE
    says, complaint = capsys.readouterr()
    assert says.endswith("cannot tell, the monitor sees nothing: `mcptop doctor` says why\n")
    assert complaint == "mcptop: the monitor sees nothing: `mcptop doctor` says why\n"


def test_whoever_sees_nothing_cannot_say_that_there_is_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(diagnosis, "_FRAMES_WAIT_S", 0.1)
    (tmp_path / "own.yaml").write_text(playbook("watch"))
    texts = shelf.find(str(tmp_path / "own.yaml"))
    with (
        Diagnosis(texts, Wanted(service="x"), Frames(), Settings(), Limits()) as made,
        pytest.raises(CouldNotLook, match="the monitor sees nothing") as error,
    ):
        made.choose()
    assert mistakes.status_of(error.value) is ExitStatus.INCONCLUSIVE


@pytest.mark.parametrize("arguments", [("own.yaml",), ("own.yaml", "--service", "x"), ("--budget", "10m")], ids=len)
def test_whoever_stops_it_while_the_engine_is_silent_gets_a_document(
    arguments: tuple[str, ...], silent_engine: str, tmp_path: Path
) -> None:
    with started(tmp_path, playbook("watch"), *arguments, "--json", DOCKER_HOST=silent_engine) as run:
        stop(run)
        began = time.monotonic()
        code, document, complaint = run.document()
    assert time.monotonic() - began < 10
    assert code == 5
    assert document.get("error") in ("stopped before anybody was chosen", None)
    assert document.get("doubt") in ("stopped before its time was over", None)
    assert complaint.startswith("mcptop: coming back")


def test_a_terminal_that_goes_away_leaves_nobody_and_the_report_is_written(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    with running(READY) as target:
        words = "own.yaml", "--pid", str(target.pid), "--bundle", "b.tar.gz"
        with started(tmp_path, playbook("long", "profile"), *words, stderr=slave) as run:
            os.close(slave)
            while "py-spy\n" not in run.others():
                assert run.process.poll() is None
                time.sleep(0.02)
            os.close(master)
            run.process.send_signal(signal.SIGHUP)
            output, _ = run.process.communicate(timeout=60)
        assert run.others() == []
    assert run.process.returncode in (4, 5)
    assert "stopped after" in output
    assert (run.folder / "b.tar.gz").stat().st_size > 0


def test_who_was_told_to_outlive_the_terminal_does(tmp_path: Path) -> None:
    with running(READY) as target:
        words = "own.yaml", "--pid", str(target.pid), "--json", "--budget", "5s"
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
        try:
            with started(tmp_path, playbook("long"), *words) as run:
                stop(run, signal.SIGHUP)
                code, verdict, complaint = run.document()
        finally:
            signal.signal(signal.SIGHUP, before)
    assert (code, verdict["cancelled"], complaint) == (4, False, "")
