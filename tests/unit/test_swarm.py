"""Swarm in frames: assembled, recorded, judged, shown and scaled; without an engine."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from mcptop.actions import scaling
from mcptop.analysis.budget import budgets
from mcptop.assembly import Assembler
from mcptop.closeup import inspect_swarm
from mcptop.config import Settings
from mcptop.exit_status import ExitStatus
from mcptop.headless import autoscale, scale
from mcptop.history import History
from mcptop.model.flow import Budget, Pool, Queue, Share
from mcptop.model.frame import Frame, Own, Service
from mcptop.model.instance import Cpu, Instance
from mcptop.model.snapshot import Snapshot, Target
from mcptop.model.swarm import TASK, Swarm, SwarmNode, SwarmService, TaskTrouble
from mcptop.model.value import Kind
from mcptop.presentation import cells, rows
from mcptop.presentation.rows import View
from mcptop.recording.codec import Decoder, Encoder, layout_of
from mcptop.recording.delta import NO_CHANGE, NOTHING, Change
from mcptop.recording.layout import Layout

from .alerting import NOON, Play, by_rule, instance, once

NO_NODE = TaskTrouble("web.2", "pending", "no suitable node (scheduling constraints not satisfied on 1 node)")
WEB = SwarmService("s1", "shop_web", "replicated", 3, 3, "shop")


def service(swarm: SwarmService | None = WEB, *instances: Instance) -> Service:
    return Service("shop", "web", Kind.CONTAINER, len(instances), instances, swarm=swarm)


def snapshot(swarm: Swarm | None, *targets: Target) -> Snapshot:
    return replace(NOTHING, at=NOON, monotonic=1.0, targets=targets, swarm=swarm)


def assembled(*snapshots: Snapshot) -> list[tuple[Service, ...]]:
    history, found = History(10), []
    assembler = Assembler(history)
    for each in snapshots:
        history.begin(each.at.timestamp())
        found.append(assembler.services(each))
    return found


def test_a_service_is_joined_with_its_containers_and_there_without_any() -> None:
    target = Target("c", "shop_web.1.x", Kind.CONTAINER, "shop", "web")
    swarm = Swarm((WEB, SwarmService("s2", "lonely", "replicated", 2, 0)))
    first, second, third = assembled(
        snapshot(swarm, target), snapshot(swarm, target), snapshot(replace(swarm, services=(WEB,)), target)
    )
    assert [(each.project, each.name, each.replicas, each.swarm) for each in first] == [
        ("shop", "web", 1, swarm.services[0]), (None, "lonely", 0, swarm.services[1]),
    ]  # fmt: skip
    assert second[0] is first[0], "what did not change is the same object"
    assert [each.name for each in third] == ["web"]


def test_a_recording_has_it_and_one_of_before_is_still_read() -> None:
    trouble = replace(NO_NODE, says="exit code 1: password=hunter2hunter2", at=NOON)
    swarm = Swarm((replace(WEB, troubles=(trouble,)),), (SwarmNode("n", "alpha", "manager", "active", "ready"),))
    encoder, decoder = Encoder(), Decoder()
    given = [snapshot(swarm), replace(snapshot(swarm), monotonic=2.0), replace(snapshot(None), monotonic=3.0)]
    records = [encoder.record(each) for each in given]
    assert all(b"hunter2" not in record.data for record in records if record)
    first, second, third = (decoder.snapshot(record.data, record.is_key) for record in records if record)
    assert first.swarm is not None
    assert first.swarm.services[0].running == 3
    assert "hunter2" not in first.swarm.services[0].troubles[0].says
    assert first.swarm.nodes[0].name == "alpha"
    assert second.swarm is first.swarm
    assert third.swarm is None

    now = Layout(Change).fields
    older = {**now, "Change": tuple(name for name in now["Change"] if name != "swarm")}
    row = msgspec.msgpack.decode(Layout(Change).packed(NO_CHANGE))
    row.pop(now["Change"].index("swarm"))
    assert layout_of(older).read(msgspec.msgpack.encode(row)).swarm == []


def missing(running: int = 1, *troubles: TaskTrouble, **more: Any) -> Service:
    return service(replace(WEB, running=running, troubles=troubles, **more), instance("shop_web.1"))


@pytest.mark.parametrize(
    ("given", "after_s"),
    [(missing(1, NO_NODE), 10), (missing(1), 60), (missing(1, NO_NODE, update_state="updating"), 300)],
)
def test_missing_replicas_are_waited_for(given: Service, after_s: int) -> None:
    play = Play()
    assert "replicas-missing" not in by_rule(play.run(lambda _: [given], after_s))
    found = by_rule(play.tick(given, seconds=2))["replicas-missing"]
    assert (found.severity.name, found.value, found.service) == ("WARNING", 2, "web")
    assert found.says.startswith("1 of 3 replicas run")


def test_an_error_that_stands_for_long_is_told_at_once_with_the_newest_task() -> None:
    old = replace(NO_NODE, at=NOON - timedelta(minutes=2))
    newest = TaskTrouble("web.1", "failed", "exit code 137", NOON, "alpha", 137)
    found = once(missing(0, newest, old))["replicas-missing"]
    assert found.severity.name == "CRITICAL"
    assert found.says == "0 of 3 replicas run; web.1 failed on alpha: exit code 137"


def test_a_task_that_runs_for_seconds_in_between_is_still_missing() -> None:
    play = Play()
    up, down = missing(3, NO_NODE), missing(2, NO_NODE)
    found = play.run(lambda second: [up if second % 6 < 4 else down], 30)
    assert "replicas-missing" in by_rule(found)
    assert "replicas-missing" not in by_rule(play.run(lambda _: [up], 40))


@pytest.mark.parametrize("mode", ["replicated-job", "global-job"])
def test_a_job_that_ended_misses_nothing(mode: str) -> None:
    assert not Play().run(lambda _: [missing(0, mode=mode)], 90)


def test_an_update_that_stopped_and_a_node_that_is_down_are_told() -> None:
    stopped = service(replace(WEB, update_state="rollback_paused", update_message="2 tasks failed"), instance())
    assert once(stopped)["swarm-update-paused"].says == "rollback paused: 2 tasks failed"
    assert "swarm-update-paused" not in once(service(replace(WEB, update_state="completed"), instance()))
    node = SwarmNode("n", "beta", "worker", "active", "down", "heartbeat failure")
    found = once(nodes=(node, replace(node, id="m", state="ready")))["swarm-node-down"]
    assert found.says == "swarm node beta (worker) is down: heartbeat failure"
    assert found.service is None


def row_of(given: Service) -> rows.Row:
    frame = Frame(1, NOON, None, (), (given,), (), Own(), 1.0)
    (group, *found) = rows.build(rows.of_services(frame), View())
    assert cells.replicas(group) == cells.replicas(found[0])
    return found[0]


def far(number: int) -> Instance:
    return Instance(f"{TASK}t{number}", f"shop_web.{number}.{'a' * 25}", host="beta")


def test_the_replicas_that_run_stand_beside_those_that_shall_where_they_differ() -> None:
    assert cells.replicas(row_of(service(WEB, *(instance(f"w{n}", cpu=Cpu(0.1)) for n in range(3))))) == "3"
    assert cells.replicas(row_of(missing(1))) == "1/3"
    assert cells.replicas(row_of(service(replace(WEB, desired=0, running=0)))) == "0"
    assert cells.replicas(row_of(service(replace(WEB, running=0)))) == "0/3"


def test_replicas_nobody_samples_are_told_and_have_no_figure() -> None:
    given = service(replace(WEB, elsewhere=2), instance("shop_web.1", cpu=Cpu(0.1)), far(2), far(3))
    row = row_of(given)
    assert row.judgement.reasons == ("2 of 3 replicas run on nodes mcptop does not sample",)
    assert row.judgement.level.name == "OK"
    only = row_of(service(replace(WEB, desired=1, running=1, elsewhere=1), far(1)))
    assert only.judgement.level.name == "UNKNOWN"
    assert only.judgement.reasons == ("on beta, not sampled",)
    found = rows.find([row], far(2).id)
    assert found is not None
    assert (found.name, found.figures.cores, found.figures.working_set) == ("web.2", None, None)


def test_the_inspect_tab_has_mode_replicas_update_and_errors() -> None:
    given = replace(WEB, running=2, update_state="paused", update_message="why", troubles=(NO_NODE,), elsewhere=1)
    found = {fact.name: fact.value for fact in inspect_swarm.facts(given)}
    assert found["mode"] == "replicated"
    assert found["replicas"] == "2 of 3 run"
    assert found["update"] == "paused: why"
    assert found["task web.2"].startswith("pending: no suitable node")


def with_pools(*pools: Pool, **more: Any) -> Service:
    return replace(service(), pools=pools, **more)


BUDGET = Budget(
    "postgres", 97, "max_connections 100 - 3",
    (Share("web", "db", 20, 6, "shop"), Share("worker", "db", 10, 1, "shop")), 130,
    "web db 20 x 6 + worker db 10 = 130 > 97", True,
)  # fmt: skip
THREE = with_pools(*(Pool("db", "db", "postgres", f"web.{n}", max=20) for n in range(3)))


@pytest.mark.parametrize(
    ("replicas", "says"),
    [
        (2, []),
        (3, ["worker db 10 + web db 20 x 6 = 130 > 97"]),
        (4, ["worker db 10 + web db 20 x 8 = 170 > 97"]),
    ],
)
def test_a_budget_with_another_number_of_replicas_is_the_sum_written_out(replicas: int, says: list[str]) -> None:
    assert [each.says for each in scaling.over_budget([BUDGET], THREE, replicas)] == says


def test_replicas_on_nodes_nobody_samples_have_connections_too() -> None:
    """Two of api and three of worker run, one of each here: 100 connections, and three of api would make it 120."""

    def client(name: str, elsewhere: int) -> Service:
        known = replace(WEB, name=name, running=1 + elsewhere, elsewhere=elsewhere)
        return replace(with_pools(Pool("db", "db", "pg", "a", max=20)), name=name, swarm=known)

    server = replace(service(), name="pg", swarm=None, pools=(Pool("connections", "server", max=110),))
    api = client("api", 1)
    (found,) = budgets([api, client("worker", 2), server], {})
    assert (found.total, found.exceeded) == (100, False)
    assert [each.says for each in scaling.over_budget([found], api, 3)] == [
        "worker db 20 x 3 + api db 20 x 3 = 120 > 110"
    ]


def test_a_budget_nobody_knows_or_has_no_part_in_refuses_nothing() -> None:
    unknown = replace(BUDGET, allowed=None)
    assert not scaling.over_budget([unknown], THREE, 100)
    assert not scaling.over_budget([BUDGET], with_pools(), 100)
    assert not scaling.over_budget([BUDGET], replace(THREE, name="other"), 100)
    assert not scaling.over_budget([BUDGET], None, 100)


@pytest.mark.parametrize(
    ("swarm", "wanted", "says"),
    [
        (replace(WEB, mode="global"), 2, "is global"),
        (replace(WEB, mode="global-job"), 2, "its tasks end"),
        (WEB, -1, "0 or more"),
        (WEB, 1001, "more than 1000"),
        (WEB, 0, ""),
        (WEB, 1000, ""),
    ],
)
def test_what_cannot_be_scaled_says_why(swarm: SwarmService, wanted: int, says: str) -> None:
    found = scaling.mistake(swarm, wanted)
    assert says in found
    assert bool(found) is bool(says)


def test_a_name_that_is_an_option_is_not_given_to_a_command() -> None:
    assert scaling.argv(replace(WEB, name="--rm"), 2) == ("docker", "service", "scale", "s1=2")
    assert scaling.argv(WEB, 2, "ssh://x") == ("docker", "-H", "ssh://x", "service", "scale", "shop_web=2")


def busy(cores: float, count: int = 2, **more: Any) -> Service:
    old = NOON - timedelta(hours=1)
    return replace(service(), instances=tuple(instance(f"w{n}", cpu=Cpu(cores), started_at=old) for n in range(count)),
                   **more)  # fmt: skip


@pytest.mark.parametrize(
    ("given", "reserved", "wanted"),
    [
        # ceil(2 x 140 / 70) = 4: the algorithm of kubernetes.io/docs, "Algorithm details".
        (busy(1.4), 1.0, 4),
        # Within the tolerance of 10 %.
        (busy(0.72), 1.0, 2),
        # One look takes away one replica at most: ceil(4 x 7 / 70) would be 1.
        (busy(0.07, 4), 1.0, 3),
        # 450 waiting, 100 for each.
        (busy(0.7, queues=(Queue("jobs", depth=450),)), 1.0, 5),
        (busy(0.7, queues=(Queue("jobs", depth=450),)), None, 5),
    ],
)
def test_auto_asks_the_autoscaler(given: Service, reserved: float | None, wanted: int) -> None:
    found = autoscale.decide(given, len(given.instances), reserved, NOON, 1, 10)
    assert (found.replicas, found.is_known) == (wanted, True)
    assert found.says


def test_auto_without_anything_to_go_by_changes_nothing_and_says_so() -> None:
    found = autoscale.decide(busy(1.0), 2, None, NOON, 1, 10)
    assert (found.replicas, found.is_known) == (2, False)
    assert "nothing to go by" in found.says


def test_a_task_nobody_samples_is_no_reason_to_take_replicas_away() -> None:
    given = replace(busy(0.3, 1), instances=(*busy(0.3, 1).instances, far(2)))
    assert autoscale.decide(given, 2, 1.0, NOON, 1, 10).replicas == 2


def test_auto_scales_no_broker_by_what_waits_on_it_and_no_database() -> None:
    broker = replace(busy(0.1), queues=(Queue("mail", kind="broker", depth=5000),))
    assert autoscale.decide(broker, 2, 1.0, NOON, 1, 10).replicas <= 2
    database = replace(busy(1.0), pools=(Pool("connections", kind="server", max=100),))
    found = autoscale.decide(database, 2, 1.0, NOON, 1, 10)
    assert (found.replicas, found.is_known) == (2, False)


@pytest.mark.parametrize(("wanted", "says"), [(-3, "give 0 or more"), (100_000, "more than 1000")])
def test_a_number_nobody_means_is_told_before_anybody_is_asked(wanted: int, says: str):
    settings = Settings(docker_host="unix:///nonexistent/docker.sock")
    with pytest.raises(scale.CannotScale, match=says) as told:
        scale.run(settings, scale.Order("web", wanted))
    assert told.value.status is ExitStatus.USAGE
