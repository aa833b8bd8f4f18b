"""Running steps: every one ends in time and in a status, and what it gave is always handed over."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from msgspec import Struct

from mcptop.config import Settings
from mcptop.model.diagnosis import Evidence, Provenance, StepStatus, Subject
from mcptop.model.playbook import Safety
from mcptop.playbook import attempt, load
from mcptop.playbook.frames import Frames
from mcptop.playbook.runner import Collected, Progress, Runner
from mcptop.playbook.steps import catalogue
from mcptop.playbook.steps.base import Context, NoOptions, Output, Raw, Seconds, StepFailure
from mcptop.sources.docker_engine import DockerEngine
from tests.playbook.step_world import process

Work = Callable[[Context], dict[str, Any] | None]


class Words(Struct, frozen=True, forbid_unknown_fields=True):
    """Options."""

    word: str = "none"
    length: Seconds = Seconds(1)


class Does:
    """A kind of step that does as the test says."""

    says = "doing as the test says"
    emits: Mapping[str, str] = {}

    def __init__(self, name: str, work: Work, **about: Any) -> None:
        self.name, self.work = name, work
        self.safety: Safety = about.get("safety", Safety.PASSIVE)
        self.alongside: bool = about.get("alongside", False)
        self.options: type[Struct] = about.get("options", NoOptions)

    def expected_s(self, options: Any) -> float:
        return 2.0

    def collect(self, context: Context, options: Any) -> Raw:
        self.seen = options
        self.values = self.work(context) or {}
        return (Output(f"{self.name}.txt", b"raw", Provenance(self.name)),)

    def read(self, raw: Raw, options: Any, subject: Subject) -> dict[str, Any]:
        if isinstance(self.values.get("unreadable"), Exception):
            raise self.values["unreadable"]
        return self.values

    def summary(self, values: Mapping[str, Any]) -> str:
        return f"{self.name} is over"


Go = Callable[..., Collected]


@pytest.fixture
def go(monkeypatch: pytest.MonkeyPatch) -> Go:
    """Run steps, written as in a playbook, of these kinds."""
    monkeypatch.setattr(attempt, "_GRACE_S", 0.3)

    def run(
        steps: str, *kinds: Does, ready: Callable[[Runner], None] = lambda runner: None, **options: Any
    ) -> Collected:
        for kind in kinds:
            monkeypatch.setitem(catalogue.KINDS, kind.name, kind)
        lines = "".join(f"  - {{{line}}}\n" for line in steps.split("; "))
        playbook = load.playbook(f"playbook: x\ntitle: x\nsteps:\n{lines}hypotheses: []\n", "x.yaml", {})
        subject = options.pop("subject", process(os.getpid(), python=True))
        runner = Runner(playbook, subject, Frames(), Settings(), _no_engine, **{"wall_s": 30.0, **options})
        ready(runner)
        found = runner.run()
        assert [each.step for each in found.evidence] == [step.id for step in playbook.steps]
        return found

    return run


def _no_engine() -> DockerEngine:
    raise AssertionError("nobody asks it here")


def gives(**values: Any) -> Work:
    return lambda context: values


def fails(error: BaseException) -> Work:
    def work(context: Context) -> None:
        raise error

    return work


def waits(context: Context) -> dict[str, Any]:
    """As a well-behaved step does: until it has to come back."""
    while context.pause(0.02):
        pass
    return {"waited": True}


def hangs(released: threading.Event) -> Work:
    def work(context: Context) -> None:
        assert released.wait(60)

    return work


def only(found: Collected) -> Evidence:
    (evidence,) = found.evidence
    return evidence


def test_evidence_outputs_and_what_it_took(go: Go) -> None:
    kind = Does("a", gives(x=3), options=Words)
    found = go("id: one, run: a, with: {word: w, length: 2m}", kind, version="1.2")
    evidence = only(found)
    assert (evidence.run, evidence.status, evidence.message) == ("a", StepStatus.OK, "a is over")
    assert (evidence.values, evidence.applies) == ({"x": 3}, True)
    assert [each.source for each in evidence.provenance] == ["a"]
    assert [(step, output.data) for step, output in found.outputs] == [("one", b"raw")]
    assert kind.seen == Words("w", Seconds(120))
    assert not found.run.cancelled
    assert (found.run.version, found.run.started_at[-1]) == ("1.2", "Z")
    assert found.run.duration_s >= evidence.duration_s >= 0
    assert found.run.cost.cpu_s is not None


@pytest.mark.parametrize(("error", "status", "says"), [
    (StepFailure(StepStatus.NO_DATA, "nothing\x1b there"), StepStatus.NO_DATA, "nothing  there"),
    (StepFailure(StepStatus.TOOL_MISSING, "no lsof"), StepStatus.TOOL_MISSING, "no lsof"),
    (ProcessLookupError(3, "No such process"), StepStatus.TARGET_GONE, "the target has ended"),
    (PermissionError(13, "Permission denied", "/proc/1/fd"), StepStatus.PERMISSION_DENIED,
     "/proc/1/fd: not allowed; run as root"),
    (FileNotFoundError(2, "No such file", "/x"), StepStatus.NO_DATA, "[Errno 2] No such file: '/x'"),
    (ValueError("of\na sort"), StepStatus.PARSE_ERROR, "defect in mcptop: ValueError: of a sort"),
    (RecursionError("deep"), StepStatus.PARSE_ERROR, "defect in mcptop: RecursionError: deep"),
    (MemoryError(), StepStatus.PARSE_ERROR, "defect in mcptop: MemoryError: "),
    (SystemExit(3), StepStatus.PARSE_ERROR, "defect in mcptop: SystemExit: 3"),
    (KeyboardInterrupt(), StepStatus.PARSE_ERROR, "defect in mcptop: KeyboardInterrupt: "),
])  # fmt: skip
def test_whatever_a_step_raises_it_ends_in_a_status(
    go: Go, error: BaseException, status: StepStatus, says: str
) -> None:
    beside = Does("beside", fails(error), alongside=True)
    found = go("id: one, run: a; id: two, run: b; id: three, run: beside", Does("a", fails(error)),
               Does("b", gives(x=1)), beside)  # fmt: skip
    one, two, three = found.evidence
    assert (one.status, one.message, one.values, one.applies) == (status, says, {}, True)
    assert (three.status, three.message) == (status, says)
    assert two.values == {"x": 1}


def test_a_step_may_say_that_it_is_not_for_the_target(go: Go) -> None:
    found = only(go("id: one, run: a", Does("a", fails(StepFailure(StepStatus.NO_DATA, "no page", applies=False)))))
    assert (found.status, found.applies, found.message) == (StepStatus.NO_DATA, False, "no page")


def test_what_cannot_be_read_is_kept_for_those_who_can(go: Go) -> None:
    found = go("id: one, run: a", Does("a", gives(unreadable=StepFailure(StepStatus.PARSE_ERROR, "not JSON"))))
    assert (only(found).status, only(found).values) == (StepStatus.PARSE_ERROR, {})
    assert [output.data for _, output in found.outputs] == [b"raw"]
    assert only(found).provenance[0].source == "a"


def test_options_nobody_takes_are_a_failure_like_any_other(go: Go) -> None:
    found = go("id: one, run: a, with: {x: 1}; id: two, run: b, else: a, with: {word: w}",
               Does("a", gives()), Does("b", fails(ValueError()), options=Words))  # fmt: skip
    assert [each.status for each in found.evidence] == [StepStatus.PARSE_ERROR] * 2
    assert "unknown field `x`" in found.evidence[0].message


def test_a_target_that_has_ended_is_gone(go: Go) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
    missing = Does("a", fails(FileNotFoundError(2, "No such file", "/proc/x")))
    assert only(go("id: one, run: a", missing, subject=process(child.pid))).status is StepStatus.TARGET_GONE
    elsewhere = Subject("container", "p", "s", "s-1", container="c0ffee")
    assert only(go("id: one, run: a", missing, subject=elsewhere)).status is StepStatus.NO_DATA


@pytest.mark.parametrize(("when", "status", "applies", "says"), [
    ("target.python", StepStatus.OK, True, "b is over"),
    ("not target.python", StepStatus.SKIPPED, False, "not for this target (not target.python)"),
    ("one.x > 2", StepStatus.OK, True, "b is over"),
    ("one.x > 5", StepStatus.SKIPPED, False, "not for this target (one.x > 5)"),
    ("one.y > 5", StepStatus.SKIPPED, True, "one.y is unknown"),
    ("one.y is defined", StepStatus.SKIPPED, False, "not for this target (one.y is defined)"),
    ("bad.x > 5", StepStatus.SKIPPED, True, "bad.x is unknown"),
    ("target.container is defined", StepStatus.SKIPPED, False, "not for this target (target.container is defined)"),
    ("one.x > 'a'", StepStatus.SKIPPED, True, "`one.x > 'a'`: TypeError"),
    ("one.x >", StepStatus.SKIPPED, True, "`one.x >`: unexpected"),
])  # fmt: skip
def test_conditions_on_the_target_and_on_what_is_known_by_then(
    go: Go, when: str, status: StepStatus, applies: bool, says: str
) -> None:
    kinds = Does("a", gives(x=3)), Does("fails", fails(StepFailure(StepStatus.NO_DATA, "no"))), Does("b", gives())
    found = go(f'id: one, run: a; id: bad, run: fails; id: two, run: b, when: "{when}", else: a', *kinds).evidence[-1]
    assert (found.status, found.applies) == (status, applies)
    assert found.message.startswith(says)


@pytest.mark.parametrize(("first", "second", "status", "applies", "says"), [
    (gives(x=1), gives(x=2), StepStatus.OK, True, "a is over"),
    (fails(StepFailure(StepStatus.TOOL_MISSING, "no a")), gives(x=2), StepStatus.OK, True,
     "a: no a; instead b: b is over"),
    (fails(StepFailure(StepStatus.TOOL_MISSING, "no a")), fails(StepFailure(StepStatus.NO_DATA, "no b")),
     StepStatus.TOOL_MISSING, True, "a: no a; instead b: no b"),
    (fails(ValueError("x")), gives(x=2), StepStatus.OK, True,
     "a: defect in mcptop: ValueError: x; instead b: b is over"),
])  # fmt: skip
def test_what_is_done_instead(go: Go, first: Work, second: Work, status: StepStatus, applies: bool, says: str) -> None:
    found = only(go("id: one, run: a, else: b", Does("a", first), Does("b", second)))
    assert (found.status, found.applies, found.message) == (status, applies, says)
    assert found.values == ({} if status is not StepStatus.OK else {"x": 1} if says == "a is over" else {"x": 2})
    assert found.run == ("b" if "instead b: b is over" in says else "a")


def test_what_is_off_is_done_by_something_milder_if_there_is_something(go: Go) -> None:
    harsh, mild = Does("harsh", gives(x=1), safety=Safety.PAUSING), Does("mild", gives(x=2))
    dead = Does("dead", fails(StepFailure(StepStatus.NO_DATA, "nothing")))
    one, two, three = go("id: one, run: harsh, else: mild; id: two, run: harsh; id: three, run: harsh, else: dead",
                         harsh, mild, dead).evidence  # fmt: skip
    off = "pausing steps are off (--safety pausing)"
    assert (one.status, one.values, one.message) == (
        StepStatus.OK,
        {"x": 2},
        f"harsh: {off}; instead mild: mild is over",
    )
    assert (two.status, two.applies, two.message) == (StepStatus.SKIPPED, False, off)
    assert (three.status, three.applies) == (StepStatus.NO_DATA, True)


def test_a_step_gets_no_more_time_than_it_may_take(go: Go) -> None:
    one, two = go(
        "id: one, run: waits, timeout: 100ms; id: two, run: b", Does("waits", waits), Does("b", gives())
    ).evidence
    assert (one.status, one.values, two.status) == (StepStatus.OK, {"waited": True}, StepStatus.OK)


def test_what_is_done_instead_has_the_same_time_again(go: Go) -> None:
    def takes_all(context: Context) -> None:
        waits(context)
        raise StepFailure(StepStatus.TIMEOUT, "no end")

    def looks(context: Context) -> dict[str, Any]:
        return {"left": context.left_s}

    found = only(go("id: one, run: a, else: b, timeout: 300ms", Does("a", takes_all), Does("b", looks)))
    assert found.status is StepStatus.OK
    assert found.values["left"] > 0


def test_when_the_time_is_over_the_rest_is_skipped_and_missed(go: Go) -> None:
    kinds = Does("waits", waits), Does("b", gives(x=1)), Does("beside", waits, alongside=True)
    found = go("id: one, run: waits; id: two, run: b; id: three, run: beside; id: four, run: b", *kinds, wall_s=1.3)
    one, two, three, four = found.evidence
    assert (one.status, three.status) == (StepStatus.OK, StepStatus.OK)
    for each in (two, four):
        assert (each.status, each.applies) == (StepStatus.SKIPPED, True)
        assert each.message == "no time left of 1 s (--budget)"
    assert not found.run.cancelled


@pytest.mark.parametrize("alongside", [False, True])
def test_a_step_that_does_not_come_back_is_left_behind(go: Go, alongside: bool) -> None:
    released = threading.Event()
    hanging = Does("hangs", hangs(released), alongside=alongside)
    found = go("id: one, run: hangs, timeout: 100ms; id: two, run: b", hanging, Does("b", gives(x=1)))
    released.set()
    one, two = found.evidence
    assert (one.status, one.applies, one.values) == (StepStatus.TIMEOUT, True, {})
    assert one.message.startswith("no end within ")
    assert two.values == {"x": 1}


def test_steps_that_watch_run_beside_the_others(go: Go) -> None:
    met = threading.Barrier(3, timeout=30)

    def meets(context: Context) -> dict[str, Any]:
        return {"place": met.wait()}

    kinds = Does("x", meets, alongside=True), Does("y", meets, alongside=True), Does("z", meets)
    found = go("id: z, run: z; id: x, run: x; id: y, run: y", *kinds)
    assert sorted(each.values["place"] for each in found.evidence) == [0, 1, 2]


def test_stopping_keeps_what_is_known_so_far(go: Go) -> None:
    def stop(runner: Runner) -> None:
        stopping.append(runner)

    stopping: list[Runner] = []
    released = threading.Event()

    def cancels(context: Context) -> dict[str, Any]:
        stopping[0].cancel()
        return waits(context)

    kinds = (Does("a", gives(x=1)), Does("cancels", cancels), Does("hangs", hangs(released), alongside=True),
             Does("watches", waits, alongside=True))  # fmt: skip
    found = go("id: one, run: a; id: watch, run: watches; id: two, run: cancels; id: three, run: a, else: a; "
               "id: four, run: hangs", *kinds, ready=stop)  # fmt: skip
    released.set()
    one, watch, two, three, four = found.evidence
    assert found.run.cancelled
    assert (one.values, watch.values, two.values) == ({"x": 1}, {"waited": True}, {"waited": True})
    assert (three.status, three.applies, three.message) == (StepStatus.SKIPPED, True, "stopped before it")
    assert (four.status, four.message) == (StepStatus.TIMEOUT, "stopped by the user; it did not come back")


def test_stopped_before_it_began_nothing_runs(go: Go) -> None:
    def never(context: Context) -> None:
        raise AssertionError

    kinds = Does("a", never), Does("b", never, alongside=True)
    found = go("id: one, run: a; id: two, run: b", *kinds, ready=Runner.cancel)
    assert [each.message for each in found.evidence] == ["stopped before it"] * 2
    assert found.run.cancelled


def test_progress_begins_and_ends_each_step_and_a_listener_that_fails_loses_nothing(go: Go) -> None:
    heard: list[Progress] = []

    def listen(progress: Progress) -> None:
        heard.append(progress)
        raise RuntimeError("the screen is gone")

    kinds = Does("a", fails(StepFailure(StepStatus.NO_DATA, "no"))), Does("b", gives(x=1))
    found = go("id: one, run: a, else: b; id: two, run: b, when: not target.python", *kinds, on_progress=listen)
    assert [(each.step, each.run, each.state) for each in heard] == [
        ("one", "a", None), ("one", "b", None), ("one", "a", StepStatus.OK), ("two", "b", StepStatus.SKIPPED)
    ]  # fmt: skip
    assert [each.expected_s for each in heard] == [2.0, 2.0, 0.0, 0.0]
    assert found.evidence[0].values == {"x": 1}


def test_how_long_it_will_take(go: Go) -> None:
    expected: list[float] = []
    kinds = Does("a", gives()), Does("b", gives(), alongside=True)
    for wall_s in (30.0, 3.0):
        go("id: one, run: a; id: two, run: a; id: three, run: b", *kinds, wall_s=wall_s,
           ready=lambda runner: expected.append(runner.expected_s))  # fmt: skip
    assert expected == [4.0, 3.0]


def test_cpu_of_the_programs_that_were_run_is_counted(go: Go) -> None:
    burn = "import time\nwhile time.process_time() < 0.3: pass"

    def runs(context: Context) -> None:
        context.run("x", [sys.executable, "-c", burn])

    before = time.process_time()
    found = go("id: one, run: a", Does("a", runs))
    own = time.process_time() - before
    assert found.run.cost.cpu_s is not None
    assert found.run.cost.cpu_s >= 0.3
    assert found.run.cost.cpu_s < 0.3 + own + 5
