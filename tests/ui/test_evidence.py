"""Steps while they run, and all values of evidence, as lines: pure functions."""

from __future__ import annotations

import pytest

from mcptop.model.diagnosis import Evidence, Provenance, StepStatus
from mcptop.presentation import evidence, running, runs
from mcptop.presentation.running import StepView
from mcptop.verdicts import words
from tests.playbook import examples

HOSTILE = "a\x1b[2J\u202eb\nc"


def text(lines) -> list[str]:
    return [runs.text_of(line).rstrip() for line in lines]


def of(**values):
    return [Evidence("seen", "watch", StepStatus.OK, "said", values, duration_s=1.0)]


@pytest.mark.parametrize("width", [1, 20, 40, 80, 120, 200])
def test_no_line_is_wider_than_the_screen(width):
    views = [
        StepView("growth", "watch", None, HOSTILE, 0.0, 60.0),
        StepView("x" * 40, "y" * 40, StepStatus.OK, "z" * 300, 0.0, 1.0, 0.5),
        StepView("heap", "memray"),
    ]
    told = [
        *running.steps(views, width, 12.0),
        running.title("memory-leak", HOSTILE * 20, ("almost done", "head.ok"), width),
        *running.failure(HOSTILE * 20, width),
        *evidence.lines(examples.PROBLEM.evidence, {"watch": {"up_s": "m" * 200}}, width),
    ]
    assert max(runs.width(line) for line in told) <= width
    assert not set("".join(text(told))) & set(HOSTILE[1] + HOSTILE[5] + "\n")


def test_a_step_is_pending_then_running_then_over():
    pending, now, over = (
        text(running.steps([view], 120, 6.0))[0]
        for view in (
            StepView("growth", "watch"),
            StepView("growth", "watch", None, "watching", 3.0, 6.0),
            StepView("growth", "watch", StepStatus.TIMEOUT, "no end within 5 s", 3.0, 6.0, 5.0),
        )
    )
    assert pending == " · growth  watch"
    assert "watching" in now
    assert now.endswith("━━━━━━━━────────  3.0 s")
    assert over.startswith(" ▲ growth  watch  timeout: no end within 5 s")
    assert over.endswith("5.0 s")


def test_the_end_of_the_title_moves_to_the_facts_where_there_is_no_room():
    end = ("about 20s left", "head.accent")
    assert text([running.title("memory-leak", "mcp-worker", end, 80)])[0].endswith("about 20s left")
    narrow = running.title("memory-leak", "mcp-worker", end, 40)
    assert "about" not in runs.text_of(narrow)
    facts = words.facts("Memory keeps growing", examples.SUBJECT)
    below = " ".join(text(running.below_title("memory-leak", "mcp-worker", end, facts, 40))).split()
    assert " ".join(below).startswith("about 20s left · Memory keeps growing · project mcp-stack · one of 2")


def test_time_that_is_left_never_counts_below_nothing():
    assert running.left(60.0, 12.4)[0] == "about 48s left"
    assert running.left(60.0, 300.0)[0] == "almost done"


def test_every_value_has_its_dotted_name():
    values = {
        "cpu": {"mean": 0.25, "idle": None, "deep": {"er": [1, 2.5, 3]}},
        "threads": [{"name": "MainThread", "stack": ["a", "b"]}, {"name": "[bold]"}],
        "ended": False,
        "none": [],
        "odd": [float("nan"), float("inf"), -1e300],
        "empty": {},
    }
    told = text(evidence.lines(of(**values), {"watch": {"cpu.mean": "cores"}}, 120))
    assert told[0] == " ✔ seen  watch  said (1.0 s)"
    pairs = {tuple(line.split()) for line in told[1:]}
    assert {
        ("cpu.mean", "0.25", "cores"),
        ("cpu.idle", "-"),
        ("cpu.deep.er", "1,", "2.5,", "3"),
        ("threads[0].name", "MainThread"),
        ("threads[0].stack", "a,", "b"),
        ("threads[1].name", "[bold]"),
        ("ended", "no"),
        ("none", "(none)"),
        ("odd", "nan,", "inf,", "-1e+300"),
        ("empty", "(none)"),
    } == pairs


def test_values_nested_without_end_stop_somewhere():
    endless: dict[str, object] = {}
    endless["a"] = endless
    assert len(evidence.lines(of(top=endless), {}, 120)) == 2


def test_where_evidence_comes_from():
    source = Provenance("py-spy", ("py-spy", "dump"), "0.4.1", "12:00", 2.4, 1, "net of pid 7", "ab" * 32)
    denied = Evidence("stacks", "py-spy-dump", StepStatus.PERMISSION_DENIED, "run as root", provenance=(source,))
    told = " ".join(" ".join(text(evidence.lines([denied], {}, 120))).split())
    assert told.startswith("✖ stacks py-spy-dump permission denied: run as root")
    assert "py-spy dump · version 0.4.1 · net of pid 7 · 12:00 · 2.4 s · exit code 1 · sha256 abab" in told
    assert "none" not in told
    assert text(evidence.lines([], {}, 120)) == [" no step was run"]
