"""`diagnose --from`: what a recording can answer is answered, what it cannot is missing, and so nobody is healthy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from mcptop.cli.main import cli
from mcptop.exit_status import ExitStatus
from mcptop.model.diagnosis import StepStatus
from mcptop.model.snapshot import Snapshot
from mcptop.playbook.frames import Frames
from mcptop.playbook.steps.base import FrameStep
from mcptop.playbook.steps.catalogue import KINDS
from tests.unit.recorded import MIB, NOON, WORKER, ticks, write

COUNT = 400


def leaking(count: int) -> Iterator[Snapshot]:
    """The worker's memory grows half a MiB a second, and goes on to grow."""
    for number, snapshot in enumerate(ticks(count)):
        used = (100 + number // 2) * MIB
        reading = replace(snapshot.readings[WORKER], memory_anon_bytes=used, memory_usage_bytes=used + 5 * MIB)
        yield replace(snapshot, readings={**snapshot.readings, WORKER: reading}, sources=(), stale={})


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("rec") / "leak.rec", leaking(COUNT))


def diagnose(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["diagnose", *arguments], standalone_mode=False)


def verdict(*arguments: str) -> tuple[ExitStatus, dict[str, Any]]:
    done = diagnose(*arguments, "--json")
    assert done.exception is None, done.exception
    return done.return_value, json.loads(done.stdout)


def test_what_frames_tell_is_told_and_the_rest_is_missing(recording: Path) -> None:
    status, found = verdict("memory-leak", "--from", str(recording))
    evidence = {each["step"]: each for each in found["evidence"]}
    assert found["target"]["service"] == "worker"
    assert (found["target"]["pid"], found["target"]["pids"]) == (None, [])
    watch = evidence["watch"]["values"]
    assert watch["anon"]["rising"]
    assert watch["anon"]["slope_per_s"] == pytest.approx(MIB / 2, rel=0.05)
    assert watch["seconds"] == 239
    assert watch["processes"] is None
    assert evidence["watch"]["provenance"][0]["source"] == "recording"
    assert evidence["flows"]["status"] == StepStatus.OK
    for step in ("threads", "metrics", "cgroup", "stats", "files"):
        assert evidence[step]["status"] == StepStatus.SKIPPED
        assert "a recording does not hold that" in evidence[step]["message"]
        assert evidence[step]["applies"]
    assert status in (ExitStatus.PROBLEM, ExitStatus.WARNING, ExitStatus.INCONCLUSIVE)
    assert found["status"] != "healthy"
    assert found["started_at"] == "2026-01-31T12:06:39.000Z"


@pytest.mark.parametrize("playbook", sorted(path.stem for path in Path("playbooks").glob("*.yaml")))
def test_nobody_is_healthy_because_nothing_was_looked_at(tmp_path: Path, playbook: str) -> None:
    quiet = [replace(each, sources=(), stale={}, flows={}) for each in ticks(3)]
    file = write(tmp_path / "short.rec", quiet)
    status, found = verdict(playbook, "--from", str(file), "--service", "shop/api")
    assert (status, found["status"]) == (ExitStatus.INCONCLUSIVE, "inconclusive")


def test_of_a_moment_only_what_was_before_it_is_looked_at(recording: Path) -> None:
    _, found = verdict("memory-leak", "--from", str(recording), "--at", "12:01:00", "--service", "worker")
    watch = next(each for each in found["evidence"] if each["step"] == "watch")["values"]
    assert watch["seconds"] == 60
    assert watch["anon"]["last"] == pytest.approx(130 * MIB, rel=1e-4)
    assert found["started_at"] == "2026-01-31T12:01:00.000Z"


def test_a_bundle_of_a_recording_is_judged_the_same(recording: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.tar.gz"
    done = diagnose("memory-leak", "--from", str(recording), "--bundle", str(bundle), "--json")
    again = CliRunner().invoke(cli, ["judge", str(bundle), "--json"], standalone_mode=False)
    assert json.loads(again.stdout) == json.loads(done.stdout)


def test_triage_names_the_command_that_goes_on_with_the_recording(recording: Path) -> None:
    status, found = verdict("--from", str(recording), "--at=-10s")
    assert status is ExitStatus.PROBLEM
    by_playbook = {each["playbook"]: each for each in found["problems"] if each["service"] == "worker"}
    assert by_playbook["memory-leak"]["says"] == "memory grows 30 MiB/min"
    assert by_playbook["memory-leak"]["run"] == (
        f"mcptop diagnose memory-leak --service shop/worker --from {recording} --at -10s"
    )
    assert (found["services"], found["seconds"]) == (3, 60.0)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--at", "12:00"), "--at goes with --from"),
        (("cpu-load", "--from", "x", "--pid", "1"), "a recording knows no single process"),
        (("--from", "/nonexistent/x"), "no such recording"),
        (("--from", "{file}", "--at", "soon"), "expected a time such as"),
        (("--from", "{file}", "--at", "11:00"), "not in"),
        (("cpu-load", "--from", "{file}", "--service", "nobody"), "no service `nobody`"),
    ],
)
def test_mistakes_are_one_line(recording: Path, arguments: tuple[str, ...], says: str) -> None:
    done = diagnose(*(each.format(file=recording) for each in arguments))
    assert done.exception is not None
    assert says in str(done.exception)
    assert "\n" not in str(done.exception)


def test_the_kinds_that_a_recording_answers() -> None:
    answered = {name for name, kind in KINDS.items() if isinstance(kind, FrameStep)}
    assert answered == {"watch", "flows", "host", "postgres", "redis"}


def test_recorded_frames_are_not_waited_for() -> None:
    assert not Frames(recorded=True).wait(1, 3600)


@pytest.mark.parametrize(("at", "seconds", "uptime_s"), [("+100s", 30, 0), ("+199s", 129, 0), ("+200s", 40, 90)])
def test_only_the_last_run_of_a_target_is_watched_without_its_start_if_there_is_enough(
    recording: Path, at: str, seconds: float, uptime_s: float
) -> None:
    _, found = verdict("memory-leak", "--from", str(recording), "--at", at, "--service", "worker")
    watch = next(each for each in found["evidence"] if each["step"] == "watch")
    # It was started again after 70 s.
    assert (watch["values"]["seconds"], watch["values"]["uptime_s"]) == (seconds, uptime_s)
    assert watch["values"]["anon"]["first"] == pytest.approx((135 + uptime_s / 2) * MIB, rel=1e-4)
    assert watch["provenance"][0]["started_at"] == f"2026-01-31T12:0{'2:40' if uptime_s else '1:10'}.000Z"


def test_who_is_not_there_at_the_end_is_nobody(tmp_path: Path) -> None:
    def gone() -> Iterator[Snapshot]:
        for snapshot in leaking(100):
            late = snapshot.at - NOON >= timedelta(seconds=70)
            yield replace(snapshot, targets=snapshot.targets[:1] if late else snapshot.targets)

    file = write(tmp_path / "gone.rec", gone())
    done = diagnose("memory-leak", "--from", str(file), "--service", "api")
    assert "no service `api`" in str(done.exception)
    assert diagnose("memory-leak", "--from", str(file), "--service", "api", "--at", "+60s").exception is None
