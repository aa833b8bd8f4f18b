"""What all steps use: their time, programs, options, and series as evidence."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from mcptop.model.diagnosis import StepStatus
from mcptop.model.frame import EMPTY
from mcptop.playbook.frames import Frames
from mcptop.playbook.steps import series, two_looks
from mcptop.playbook.steps.base import Seconds, StepFailure, observed, options_of
from mcptop.playbook.steps.catalogue import KINDS
from mcptop.sources import command
from tests.playbook.step_world import READY, context, process, running
from tests.ui.frames import frame

OWN = process(os.getpid())


def test_time_that_is_left() -> None:
    given = context(OWN, seconds=60)
    assert 0 < given.left_s <= 60
    assert given.pause(0.0)
    given.cancelled.set()
    assert not given.pause(60)
    over = context(OWN, seconds=0)
    assert over.left_s == 0
    assert not over.pause(60)


def test_a_process_elsewhere_has_no_number_here() -> None:
    with pytest.raises(StepFailure, match="not on this machine's kernel"):
        _ = context(msgspec.structs.replace(OWN, pid=None)).pid
    assert context(OWN).pid == os.getpid()


def test_what_ends_while_it_is_read_is_not_empty_but_gone() -> None:
    with running(READY) as child:

        def read(pid: int) -> int:
            if pid == child.pid:
                child.kill()
                child.wait()
            return 0

        assert two_looks.of_each(context(process(child.pid, os.getpid())), read) == {os.getpid(): 0}
    with running(READY) as child, pytest.raises(StepFailure) as failure:
        two_looks.of_each(context(process(child.pid)), read)
    assert failure.value.status is StepStatus.TARGET_GONE


def test_a_program_and_its_provenance() -> None:
    given = context(OWN)
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(2)"
    complaint, output = given.run("x.txt", [sys.executable, "-c", code], version="3", namespace="net of pid 1")
    source = output.provenance
    assert (complaint, output.name, output.data) == (b"err\n", "x.txt", b"out\n")
    assert (source.source, source.exit_code, source.version) == (os.path.basename(sys.executable), 2, "3")
    assert (source.argv[0], source.namespace, len(source.raw_sha256 or "")) == (sys.executable, "net of pid 1", 64)
    assert source.started_at.endswith("Z")
    assert given.cpu_s > 0


def test_programs_that_do_not_get_far(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def failure(*argv: str, seconds: float = 60.0, timeout_s: float | None = None) -> StepFailure:
        with pytest.raises(StepFailure) as failed:
            context(OWN, seconds=seconds).run("x", argv, timeout_s)
        return failed.value

    (tmp_path / "text").write_text("hello")
    missing, forbidden = failure("no-such-program"), failure(str(tmp_path / "text"))
    assert (missing.status, missing.says) == (StepStatus.TOOL_MISSING, "there is no program no-such-program")
    assert forbidden.status is StepStatus.TOOL_MISSING
    assert forbidden.says.endswith("text cannot be run: Permission denied")
    for late in (failure("sleep", "300", timeout_s=0.1), failure("sleep", "300", seconds=0.1)):
        assert (late.status, late.says) == (StepStatus.TIMEOUT, "sleep: no end within 0 s")
    monkeypatch.setattr(command, "_MAX_BYTES", 1 << 16)
    flood = failure("yes")
    assert (flood.status, flood.says) == (
        StepStatus.PARSE_ERROR,
        "yes: its output is larger than anybody could use",
    )


def test_options() -> None:
    kind = KINDS["watch"]
    found = options_of(kind, {"for": "2m", "every": 0.5})
    assert (found.watch_for, found.every, type(found.most)) == (Seconds(120), Seconds(0.5), Seconds)
    for wrong in ({"for": "long"}, {"until": 3}, {"for": ["3s"]}):
        with pytest.raises(msgspec.ValidationError):
            options_of(kind, wrong)


def test_every_kind_has_all_that_a_kind_has() -> None:
    for name, kind in KINDS.items():
        assert kind.name == name
        assert kind.says
        assert kind.expected_s(options_of(kind, {})) >= 0 if name != "command" else kind.emits is not None


def test_what_was_observed_names_its_source() -> None:
    output = observed("a.json", "/proc", b"abc", "2026-01-31T12:00:00Z", 1.23456, namespace="x")
    assert (output.provenance.source, output.provenance.duration_s) == ("/proc", 1.235)
    assert output.provenance.raw_sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_frames_are_kept_in_order_and_waited_for() -> None:
    frames = Frames()
    assert frames.latest is EMPTY
    assert not frames.wait(1, 0.01)
    threading.Timer(0.05, lambda: [frames.add(frame(number, ())) for number in (1, 2)]).start()
    assert frames.wait(2, 60)
    assert ([each.number for each in frames.all()], frames.latest.number) == ([1, 2], 2)
    for number in range(3, 1200):
        frames.add(frame(number, ()))
    assert (len(frames.all()), frames.latest.number) == (900, 1199)


def test_rates_of_a_counter_over_gaps_and_resets() -> None:
    assert series.rates([0, 1, 3, 4, 4, 5], [10, 12, 20, 5, 6, None]) == [2.0, 4.0, None, None, None]
    assert series.rates([0], [1]) == []


def test_means_and_quantiles_of_what_is_known() -> None:
    values = [None, 4.0, 1.0, None, 3.0, 2.0]
    assert (series.mean(values), series.quantile(values, 0.5), series.quantile(values, 0.0)) == (2.5, 3.0, 1.0)
    assert (series.quantile(values, 1.0), series.mean([None]), series.quantile([], 0.5)) == (4.0, None, None)


def test_a_chart_has_at_most_sixty_points_and_keeps_its_gaps() -> None:
    times = [100 + 0.5 * at for at in range(301)]
    chart = series.drawn("bytes", times, [None if 6 <= at < 12 else float(at) for at in range(301)], limit=5)
    assert (len(chart["values"]), len(chart["seconds"]), chart["limit"]) == (51, 51, 5)
    assert chart["values"][:3] == [2.5, None, 14.5]
    assert (chart["seconds"][0], chart["seconds"][-1]) == (0, 150.0)
    assert series.drawn("x", [], []) == {"unit": "x", "seconds": [], "values": []}


def test_figures_are_short_and_finite() -> None:
    assert [series.rounded(each) for each in (1 / 3, 1234567.0, float("inf"), float("nan"), 7, "x", None)] == [
        0.333333, 1234570.0, None, None, 7, "x", None
    ]  # fmt: skip


def test_growth_and_when_the_limit_is_reached() -> None:
    times, values = [float(at) for at in range(20)], [100.0 + 10 * at for at in range(20)]
    found = series.grown(times, values, 1.0)
    assert found is not None
    assert (found["rising"], found["change"], found["slope_per_s"]) == (True, 190.0, 10.0)
    assert series.until(390.0, times, values, 1.0)["eta_s"] == 10.0
    assert series.until(100.0, times, values, 1.0)["eta_s"] == 0.0
    assert series.until(None, times, values, 1.0) == series.until(390.0, times[:3], values[:3], 1.0) == {}
    assert series.grown(times[:7], values[:7], 1.0) is None
    assert set(series.names_of("a", "b")) == {f"a.{name}" for name in found}


def test_a_step_without_time_looks_once() -> None:
    step, given = KINDS["watch"], context(OWN, seconds=0)
    options = options_of(step, {"for": "1h"})
    assert step.read(step.collect(given, options), options, OWN)["samples"] == 1
