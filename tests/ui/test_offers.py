"""Which playbooks a service is offered, and who is chosen when the monitor's ids are named."""

from __future__ import annotations

import threading
from pathlib import Path

import frames
import pytest
from msgspec.structs import replace

from mcptop.config import Settings
from mcptop.model.frame import Frame
from mcptop.model.playbook import Severity
from mcptop.model.value import Kind
from mcptop.playbook import shelf, subjects, triage
from mcptop.playbook.diagnosis import Diagnosis, Limits
from mcptop.playbook.frames import Frames
from mcptop.playbook.offers import offers
from mcptop.playbook.subjects import NoSubject, Wanted
from mcptop.sources.procfs import Roots

WORKER, API = frames.stack()[:2]
NAMES = [entry.name for entry in shelf.entries()]


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the user's own playbooks."""
    monkeypatch.setattr(shelf, "own", lambda: tmp_path)
    return tmp_path


def looks(count: int = 20) -> list[Frame]:
    return [frames.frame(1000 + at) for at in range(count)]


def growing(anon: list[int], working_set: list[int]) -> list[Frame]:
    """A process whose memory was seen to be so; in MiB."""
    found = []
    for at, (one, other) in enumerate(zip(anon, working_set, strict=True)):
        service = frames.process("leaky", 0.1, other)
        instance = service.instances[0]
        memory = replace(instance.memory, anon_bytes=one * frames.MIB, limit_bytes=None, limit_ratio=None)
        found.append(frames.frame(1000 + at, (replace(service, instances=(replace(instance, memory=memory),)),)))
    return found


def test_what_shows_a_symptom_stands_first_and_says_it(own):
    found = offers(looks(), WORKER)
    assert [one.entry.name for one in found[:3]] == ["memory-leak", "queue-backlog", "cpu-load"]
    assert found[0].symptom == "mcp-worker-1: memory at 92% of its limit"
    assert (found[0].severity, found[1].severity) == (Severity.CRITICAL, Severity.WARNING)
    assert not any(one.symptom for one in found[3:])
    assert sorted(one.entry.name for one in found) == NAMES
    assert offers(looks(), API)[0].symptom == "mcp-api-1: 7 callers wait for pool db"


def test_without_frames_all_are_offered_by_name(own):
    found = offers((), WORKER)
    assert [one.entry.name for one in found] == NAMES
    assert all(one.outline is not None and one.title == one.outline.title for one in found)


def test_a_playbook_for_another_kind_is_not_offered_and_a_broken_one_is_last_with_its_mistake(own):
    text = "playbook: mine\ntitle: For processes\nsteps: []\nhypotheses: []\napplies_to: [process]\n"
    (own / "aaa.yaml").write_text(text)
    (own / "bbb.yaml").write_text("playbook: [")
    found = offers(looks(), WORKER)
    assert [one.entry.name for one in found if one.entry.name in ("aaa", "bbb")] == ["bbb"]
    assert found[-1].outline is None
    assert "bbb.yaml:1:" in found[-1].title
    assert "aaa" in [one.entry.name for one in offers((), frames.process("sshd", 0.1, 5))]


def test_a_server_that_is_only_asked_has_no_playbook(own):
    assert not offers(looks(), replace(WORKER, kind=Kind.SERVER))


@pytest.mark.parametrize("name", NAMES)
def test_an_outline_is_what_the_whole_playbook_says(name):
    texts = shelf.find(name)
    whole, outline = texts.playbook(), texts.outline()
    assert (outline.title, outline.applies_to) == (whole.title, whole.applies_to)
    assert outline.steps == tuple((step.id, step.run) for step in whole.steps)


def test_anonymous_memory_that_is_read_seldom_is_seen_to_grow():
    stairs = [100 + 5 * (at // 5) for at in range(20)]
    found = triage.problems(growing(stairs, [120 + at for at in range(20)]))
    assert [(one.playbook, one.says) for one in found] == [("memory-leak", "memory grows 60 MiB/min")]
    assert not triage.problems(growing([100] * 20, [120 + at for at in range(20)])), "files read are no leak"
    assert not triage.problems(growing(stairs, [150] * 20))


def test_one_of_the_named_instances_is_chosen(tmp_path):
    wanted = Wanted(instances=("id-mcp-stack-mcp-worker-2",))
    roots = Roots(str(tmp_path), str(tmp_path))
    chosen = subjects.choose(looks(3), wanted, "memory-leak", "memory", roots)
    assert (chosen.name, chosen.container) == ("mcp-stack-mcp-worker-2", "id-mcp-stack-mcp-worker-2")
    with pytest.raises(NoSubject, match="it has ended"):
        subjects.choose(looks(3), Wanted(instances=("gone",)), "memory-leak", "memory", roots)


def test_nobody_is_chosen_unasked_who_shows_no_symptom():
    quiet = [frames.frame(at, (frames.process("a", 0.0, 5), frames.process("b", 0.0, 5))) for at in range(3)]
    with pytest.raises(NoSubject, match="nobody shows the symptom of fd-leak"):
        subjects.choose(quiet, Wanted(), "fd-leak", "fds", Roots("/nowhere", "/nowhere"))


def test_a_diagnosis_that_waits_for_its_first_frames_can_be_cancelled():
    short = Path(__file__).parent / "playbooks" / "short.yaml"
    diagnosis = Diagnosis(shelf.find(str(short)), Wanted(service="x"), Frames(), Settings(), Limits())
    problems: list[str] = []

    def choose() -> None:
        try:
            diagnosis.choose()
        except NoSubject as problem:
            problems.append(str(problem))

    waiting = threading.Thread(target=choose)
    waiting.start()
    diagnosis.cancel()
    waiting.join(20)
    assert problems == ["stopped before anybody was chosen"]
