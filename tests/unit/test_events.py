"""What is found between two looks, and what is no event."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from mcptop.events import KEPT, EventFinder
from mcptop.model.event import EventKind
from mcptop.model.frame import Service, SourceReport, Status
from mcptop.model.instance import Cpu, Instance, Memory
from mcptop.model.value import Kind
from tests.ui.frames import MIB, NOON

OLD = NOON - timedelta(hours=1)


def one(identity: str = "a1", **changes: Any) -> Instance:
    values: dict[str, Any] = {
        "name": "shop-api-1", "image": "api:1", "started_at": OLD, "restarts": 0, "oom_kills": 0, "pids": 1,
    }  # fmt: skip
    return Instance(id=identity, **(values | changes))


def of(*instances: Instance, kind: Kind = Kind.CONTAINER, project: str | None = "shop") -> Service:
    return Service(project, "api", kind, len(instances), instances)


def told(*looks: tuple[Service, ...]) -> list[tuple[EventKind, str, bool]]:
    """What the looks, a second apart, come to."""
    finder = EventFinder()
    for second, services in enumerate(looks):
        events = finder.look(services, (), NOON + timedelta(seconds=second))
    return [(event.kind, event.says, event.bad) for event in events]


@pytest.mark.parametrize(
    ("changes", "kind", "says", "bad"),
    [
        ({"restarts": 1, "started_at": NOON, "exit_code": 1}, EventKind.RESTARTED, "restarted, exit code 1", True),
        ({"started_at": NOON}, EventKind.RESTARTED, "restarted", False),
        ({"restarts": 3, "exit_code": 137}, EventKind.RESTARTED, "restarted 3 times, exit code 137 (killed)", True),
        ({"state": "exited", "exit_code": 0}, EventKind.STOPPED, "exited, exit code 0", False),
        ({"state": "exited", "exit_code": 2}, EventKind.STOPPED, "exited, exit code 2", True),
        ({"state": "paused"}, EventKind.STOPPED, "paused", False),
        ({"oom_kills": 2}, EventKind.OOM_KILL, "killed for lack of memory, 2 times", True),
        ({"health": "unhealthy"}, EventKind.HEALTH, "healthy → unhealthy", True),
        ({"memory": Memory(limit_bytes=512 * MIB)}, EventKind.LIMIT, "memory limit none → 512 MiB", False),
        ({"cpu": Cpu(limit_cores=1.5)}, EventKind.LIMIT, "CPU quota none → 1.5 cores", False),
    ],
)
def test_a_change_is_an_event(changes, kind, says, bad):
    assert told((of(one(health="healthy")),), (of(one(**({"health": "healthy"} | changes))),)) == [(kind, says, bad)]


def test_one_that_the_engine_starts_again_ended_once_and_was_restarted_once():
    ended = one(state="restarting", restarts=1, exit_code=3)
    again = one(restarts=1, exit_code=3, started_at=NOON)
    assert told((of(one()),), (of(ended),), (of(ended),), (of(again),), (of(again),)) == [
        (EventKind.STOPPED, "ended, exit code 3", True), (EventKind.RESTARTED, "restarted", False)]  # fmt: skip


def test_one_that_somebody_stopped_is_no_bad_news_and_neither_is_its_health():
    killed = one(state="exited", exit_code=137, health="unhealthy", asked_to_stop=True)
    says = [(EventKind.STOPPED, "exited, exit code 137 (killed)", False)]
    assert told((of(one(health="healthy")),), (of(killed),)) == says


def test_what_was_there_before_is_no_event():
    assert told((), (of(one()),), (of(one()),)) == []


LISTED = one(restarts=None, started_at=None, oom_kills=None)
"""In the engine's list, which does not say much."""
WHOLE = one(restarts=5, oom_kills=3, memory=Memory(limit_bytes=512 * MIB), cpu=Cpu(limit_cores=1.5), pids_limit=100)
LATER = NOON + timedelta(seconds=1)


def test_what_the_engine_only_says_when_it_is_asked_about_each_is_no_event():
    assert told((of(LISTED),), (of(WHOLE),)) == []
    assert told((of(replace(LISTED, oom_kills=0)),), (of(WHOLE),)) == []


def test_a_figure_that_was_not_known_is_not_compared():
    assert told((of(one(oom_kills=None)),), (of(one(oom_kills=3)),)) == []
    assert told((of(one(oom_kills=2)),), (of(one(oom_kills=None)),), (of(one(oom_kills=3)),)) == [
        (EventKind.OOM_KILL, "killed for lack of memory", True)]  # fmt: skip


def test_an_engine_that_comes_back_and_asks_anew_is_no_news_but_what_happened_meanwhile_is():
    assert told((of(WHOLE),), (of(LISTED),), (of(WHOLE),)) == []
    after = replace(WHOLE, restarts=6, memory=Memory(limit_bytes=MIB << 10))
    assert [says for _, says, _ in told((of(WHOLE),), (of(LISTED),), (of(after),))] == [
        "restarted", "memory limit 512 MiB → 1.0 GiB"]  # fmt: skip


def test_a_limit_whose_first_reading_comes_late_is_no_change():
    assert told((of(one(pids=None)),), (of(one(pids_limit=100, memory=Memory(limit_bytes=MIB))),)) == []


def test_a_container_the_engine_names_late_neither_went_nor_started():
    unnamed = one(name="a1", image=None, restarts=None, started_at=None, oom_kills=None)
    before = Service(None, "a1", Kind.CONTAINER, 1, (unnamed,))
    assert told((before,), (of(LISTED),), (of(WHOLE),)) == []


def test_whether_a_container_started_is_told_when_the_engine_says_since_when():
    assert told((), (of(LISTED),), (of(WHOLE),)) == []
    since = replace(WHOLE, restarts=0, started_at=LATER)
    assert told((), (of(LISTED),), (of(since),)) == [(EventKind.STARTED, "started", False)]


def test_what_started_since_is_one():
    assert told((), (of(one(started_at=NOON + timedelta(seconds=1))),)) == [(EventKind.STARTED, "started", False)]


def test_use_that_changes_is_no_event():
    busy = of(one(cpu=Cpu(cores=0.9), memory=Memory(working_set_bytes=MIB)))
    assert told((of(one()),), (busy,)) == []


def test_another_image_under_the_same_name_is_a_deploy_even_with_a_gap():
    after = of(one("b2", image="api:2", started_at=NOON + timedelta(seconds=2)))
    assert told((of(one()),), (after,)) == [(EventKind.DEPLOYED, "image api:1 → api:2", False)]
    assert told((of(one()),), (), (after,)) == [
        (EventKind.STOPPED, "gone", False), (EventKind.DEPLOYED, "image api:1 → api:2", False)]  # fmt: skip


def test_a_process_that_took_the_place_of_another_was_restarted():
    before = of(one("10-1", name="api[10]"), kind=Kind.PROCESS)
    after = of(one("11-9", name="api[11]", started_at=NOON), kind=Kind.PROCESS)
    assert told((before,), (after,)) == [(EventKind.RESTARTED, "restarted", False)]


def test_programs_of_no_project_come_and_go_without_a_word():
    passing = of(one("10-1", started_at=NOON + timedelta(seconds=1)), kind=Kind.PROCESS, project=None)
    assert told((), (passing,), ()) == []


def test_a_source_that_breaks_and_comes_back():
    finder = EventFinder()
    well = SourceReport("docker", Status.OK, "", 0.0)
    finder.look((), (well,), NOON)
    finder.look((), (SourceReport("docker", Status.ERROR, "no answer", 0.0),), NOON)
    events = finder.look((), (well,), NOON)
    assert [(event.name, event.says, event.bad) for event in events] == [
        ("docker", "failed: no answer", True), ("docker", "works again", False)]  # fmt: skip


def test_no_more_are_kept_than_promised():
    finder = EventFinder()
    for number in range(KEPT + 50):
        events = finder.look((of(one(restarts=number)),), (), NOON)
    assert len(events) == KEPT
