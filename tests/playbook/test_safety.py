"""What steps may do to their target: as the user says, else as the playbook says, and never more than sampling."""

from __future__ import annotations

import os

import pytest

from mcptop.config import Settings
from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.model.playbook import Safety
from mcptop.playbook import load
from mcptop.playbook.frames import Frames
from mcptop.playbook.runner import Runner
from mcptop.playbook.steps import catalogue
from mcptop.sources.docker_engine import DockerEngine
from tests.playbook.kinds import Kind

SUBJECT = Subject(kind="process", project=None, service="x", name="x", pid=os.getpid(), pids=(os.getpid(),))


def no_engine() -> DockerEngine:
    raise AssertionError("nobody asks it here")


@pytest.mark.parametrize(
    ("playbook", "user", "goes"),
    [
        ("sampling", None, {"passive", "sampling"}),
        ("passive", None, {"passive"}),
        ("injecting", None, {"passive", "sampling"}),
        ("passive", Safety.PAUSING, {"passive", "sampling", "pausing"}),
        ("mutating", Safety.PASSIVE, {"passive"}),
    ],
)
def test_which_steps_run(monkeypatch: pytest.MonkeyPatch, playbook: str, user: Safety | None, goes: set[str]) -> None:
    steps = ""
    for level in Safety:
        kind = Kind(level.name.lower())
        kind.safety = level
        monkeypatch.setitem(catalogue.KINDS, kind.name, kind)
        steps += f"  - {{id: {kind.name}, run: {kind.name}}}\n"
    text = f"playbook: x\ntitle: x\nbudget: {{safety: {playbook}}}\nsteps:\n{steps}hypotheses: []\n"
    runner = Runner(load.playbook(text, "x.yaml", {}), SUBJECT, Frames(), Settings(), no_engine, safety=user)
    evidence = runner.run().evidence
    assert {each.step for each in evidence if each.status is StepStatus.OK} == goes
    others = [each for each in evidence if each.step not in goes]
    assert all((each.status, each.applies) == (StepStatus.SKIPPED, False) for each in others)
    assert all(each.message == f"{each.step} steps are off (--safety {each.step})" for each in others)
