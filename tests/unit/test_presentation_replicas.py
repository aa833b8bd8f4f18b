"""What replicas are called."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from mcptop.model.flow import Pool
from mcptop.model.frame import Frame, Own, Service
from mcptop.model.instance import Instance
from mcptop.model.value import Kind
from mcptop.presentation import flow_facts, flow_rows, problems, replicas, rows, runs
from mcptop.presentation.closeups import processes
from mcptop.presentation.row import Folds, View
from tests.closeup import examples
from tests.unit.alerting import NOON, Play


def service(kind: Kind, *names: str, project: str | None = "shop", **more) -> Service:
    instances = tuple(Instance(id=name, name=name) for name in names)
    return Service(project, "api", kind, len(names), instances, **more)


def frame(*services: Service) -> Frame:
    return Frame(1, NOON, None, (), services, Play().tick(*services), Own(), 1.0)


PROCESSES = service(Kind.PROCESS, "shop.services.api[22004]", "shop.services.api[22005]")


@pytest.mark.parametrize(
    ("of", "name", "short", "within", "whole"),
    [
        (service(Kind.CONTAINER, "shop-api-1", "shop-api-2"), "shop-api-1", "api-1", "1", "api-1"),
        (service(Kind.CONTAINER, "web", "shop-api-2"), "web", "web", "web", "api web"),
        (PROCESSES, "shop.services.api[22004]", "[22004]", "[22004]", "api[22004]"),
        (service(Kind.PROCESS, "run[7]", "helper[8]"), "run[7]", "run[7]", "run[7]", "api run[7]"),
        (service(Kind.PROCESS, "run", "run[8]"), "run", "run", "run", "api run"),
        (service(Kind.PROCESS, "[7]", "[8]"), "[7]", "[7]", "[7]", "api[7]"),
        (service(Kind.PROCESS, "a\x1b[7]", "a\x1b[8]"), "a\x1b[8]", "[8]", "[8]", "api[8]"),
    ],
)
def test_names(of, name, short, within, whole):
    found = replicas.short(of, name), replicas.within(of, name), replicas.whole(of, name)
    assert found == (short, within, whole)


def test_a_name_cannot_reach_the_terminal():
    assert "\x1b" not in replicas.short(service(Kind.PROCESS, "a\x1b]0;x[7]", "b[8]"), "a\x1b]0;x[7]")


def test_the_pools_of_processes_are_told_apart_in_a_line_of_facts():
    held = tuple(
        Pool("http", "http", in_use=n, max=9, source="metrics", instance=one.name)
        for n, one in enumerate(PROCESSES.instances)
    )
    row = rows.of_services(frame(replace(PROCESSES, pools=held)))[0]
    assert "http ·[22004] 0/9, http ·[22005] 1/9" in runs.text_of(flow_facts.brief(row, 200)[0])
    assert {each.replica for each in flow_rows.pools([row], View())} == {"[22004]", "[22005]"}
    listed = [each.name for each in rows.build([row], View(tree=False, folds=Folds(frozenset({row.key}))))]
    assert listed == ["api", "[22004]", "[22005]"]


def test_problems_of_different_replicas_do_not_look_the_same():
    waits = {"in_use": 5, "max": 5, "waiting": 3, "wait_s": 0.4, "source": "metrics"}
    names = [f"a-program-with-a-name-of-its-own-that-is-long-{n}" for n in (1, 2)]
    held = tuple(Pool(f"db{n}", instance=name, **waits) for n, name in enumerate(names))
    seen = frame(service(Kind.CONTAINER, *names, "c", pools=held))
    says = [each.says for each in problems.of_frame(seen, rows.of_services(seen))]
    assert [text.partition(":")[0] for text in says] == names


def test_a_closeup_of_processes_names_the_pid_of_its_replica():
    names = ("run.api[7]", "run.api[8]")
    lines = tuple(examples.process(int(name[-2]), 1, "api", instance=name) for name in names)
    closeup = replace(examples.PROCESSES, instances=names, lines=lines)
    built = processes.build(closeup, View())
    assert [(row.name, row.replica) for row in built if not row.is_heading] == [("api", "[7]"), ("api", "[8]")]
    assert [row.name for row in built if row.is_heading] == ["[7]", "[8]"]
