"""A manager's answers to services, troubles, nodes and targets. Shapes as Docker 20.10 (API 1.41) gives them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mcptop.collectors.base import NoData, SourceError, Tick
from mcptop.collectors.swarm import SwarmCollector
from mcptop.model.snapshot import Target
from mcptop.model.swarm import is_task
from mcptop.model.value import Kind
from mcptop.sources.swarm_answers import Look, look_of, superseded
from mcptop.sources.swarm_watch import LOCKED, WORKER, SwarmState, no_manager

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
EXIT = "task: non-zero exit (137)"
NODES: list[dict[str, Any]] = [
    {"ID": "n1", "Description": {"Hostname": "alpha"}, "Spec": {"Role": "manager", "Availability": "active"},
     "Status": {"State": "ready"}, "ManagerStatus": {"Leader": True, "Reachability": "reachable"}},
    {"ID": "n2", "Description": {"Hostname": "beta\x1b[2J"}, "Spec": {"Role": "worker", "Availability": "drain"},
     "Status": {"State": "down", "Message": "heartbeat failure"}},
]  # fmt: skip


def service(name: str = "shop_web", desired: int = 2, running: int = 2, **more: Any) -> dict[str, Any]:
    spec = {
        "Name": name,
        "Labels": {"com.docker.stack.namespace": "shop"},
        "Mode": {"Replicated": {"Replicas": desired}},
    }
    status = {"RunningTasks": running, "DesiredTasks": desired, "CompletedTasks": 0}
    return {"ID": "s1", "Spec": spec | more.pop("spec", {}), "ServiceStatus": status} | more


def task(id: str, state: str = "running", node: str | None = "n1", *, wanted: str = "running", err: str = "",
         container: str = "", slot: int = 1, age_s: float = 5, code: int = 0) -> dict[str, Any]:  # fmt: skip
    at = (NOW - timedelta(seconds=age_s)).isoformat().replace("+00:00", ".123456789Z")
    status = {"State": state, "Timestamp": at, "Err": err,
              "ContainerStatus": {"ContainerID": container, "ExitCode": code}}  # fmt: skip
    return {"ID": id, "ServiceID": "s1", "Slot": slot, "NodeID": node or "", "DesiredState": wanted, "Status": status}


def look(*tasks: dict[str, Any], of: dict[str, Any] | None = None) -> Look:
    return look_of([of or service()], tasks, NODES, NOW)


def test_a_service_of_a_stack_is_called_as_its_containers_are() -> None:
    (found,) = look(task("t1"), task("t2", slot=2)).swarm.services
    assert (found.stack, found.service, found.name, found.mode) == ("shop", "web", "shop_web", "replicated")
    assert (found.running, found.desired, found.missing, found.troubles) == (2, 2, 0, ())


def test_a_task_on_a_node_that_is_down_is_no_replica() -> None:
    """As two real nodes gave it, the worker killed: `docker service ls` goes on saying 2/2 while nothing runs."""
    gone = [task("t1", node="n2", wanted="shutdown"), task("t2", node="n2", wanted="running", slot=2)]
    new = task("t3", "pending", None, err="no suitable node (1 node not available for new tasks)")
    (found,) = look(*gone, new, of=service(running=2)).swarm.services
    assert (found.running, found.desired, found.missing) == (0, 2, 2)
    (ends,) = look(task("t1"), task("t2", wanted="shutdown", slot=2), of=service(desired=1)).swarm.services
    assert (ends.running, ends.missing) == (1, 0)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (task("t", "failed", wanted="shutdown", err=EXIT, container="c", code=137), ("failed", "exit code 137", 137)),
        (task("t", "rejected", wanted="shutdown", err="No such image: a:1"), ("rejected", "No such image: a:1", None)),
        (task("t", "pending", None, err="no suitable node (1 node)"), ("pending", "no suitable node (1 node)", None)),
        (task("t", "failed", wanted="shutdown", err="a\n\x1b[31m b\u202e"), ("failed", "a [31m b", None)),
        (task("t", "orphaned", wanted="orphaned"), ("orphaned", "orphaned", None)),
    ],
)
def test_what_stands_in_the_way_is_told_in_one_harmless_line(given: dict[str, Any], says: tuple[Any, ...]) -> None:
    (trouble,) = look(given).swarm.services[0].troubles
    assert (trouble.state, trouble.says, trouble.exit_code) == says
    assert trouble.node == ("alpha" if given["NodeID"] else None)


@pytest.mark.parametrize(
    "given",
    [
        task("t", "failed", wanted="shutdown", err=EXIT, age_s=3600),
        task("t", "shutdown", wanted="shutdown"),
        task("t", "complete", wanted="shutdown"),
        task("t", "preparing"),
    ],
)
def test_what_is_long_past_or_no_error_is_no_trouble(given: dict[str, Any]) -> None:
    assert not look(given).swarm.services[0].troubles


def test_the_newest_troubles_are_told_and_the_others_counted() -> None:
    failed = [task(f"t{n}", "failed", wanted="shutdown", err=EXIT, age_s=n) for n in range(8, 0, -1)]
    (found,) = look(*failed).swarm.services
    ages = [NOW - trouble.at for trouble in found.troubles if trouble.at is not None]
    assert ages == sorted(ages)
    assert (len(found.troubles), found.troubles_left_out, found.failed_tasks) == (5, 3, 8)


def test_a_job_has_no_replicas_that_are_missing() -> None:
    (found,) = look(of=service(running=0, spec={"Mode": {"ReplicatedJob": {}}})).swarm.services
    assert (found.mode, found.missing) == ("replicated-job", 0)


def test_nodes_are_harmless_and_say_why_they_are_down() -> None:
    alpha, beta = look().swarm.nodes
    assert (alpha.name, alpha.leader, alpha.reachable) == ("alpha", True, "reachable")
    assert (beta.state, beta.message, beta.availability) == ("down", "heartbeat failure", "drain")
    assert beta.name.isprintable()


def test_of_the_containers_of_a_slot_the_newest_is_the_replica() -> None:
    def listed(id: str, name: str, created: int, state: str) -> dict[str, Any]:
        return {"Id": id, "Created": created, "State": state, "Labels": {"com.docker.swarm.task.name": name}}

    assert superseded(
        [
            listed("old", "web.1.aaa", 1, "exited"), listed("new", "web.1.bbb", 2, "running"),
            listed("leaving", "web.2.ccc", 1, "running"), listed("coming", "web.2.ddd", 2, "created"),
            listed("failed", "web.3.eee", 1, "exited"), {"Id": "solo", "State": "exited", "Labels": None},
        ]
    ) == {"old"}  # fmt: skip


class Fixed:
    """A watch whose state the test sets."""

    def __init__(self, state: SwarmState) -> None:
        self.state = state


def collected(state: SwarmState, *sampled: str) -> SwarmCollector:
    collector = SwarmCollector(Fixed(state))  # type: ignore[arg-type]
    targets = tuple(Target(id, id, Kind.CONTAINER, None, "x") for id in sampled)
    collector.found = collector.collect(Tick(1, 0.0, targets))  # type: ignore[attr-defined]
    return collector


def test_tasks_on_nodes_nobody_samples_are_instances_without_figures() -> None:
    seen = look(task("here", container="c1"), task("there", node="n2", container="c2", slot=2),
                task("coming", "starting", node="n2", slot=3), of=service(desired=3))  # fmt: skip
    found = collected(SwarmState(seen.swarm, seen.tasks, "", own_node="n1"), "c1").found  # type: ignore[attr-defined]
    assert [(t.service, t.project, t.state, t.image, t.pid) for t in found.targets] == [
        ("web", "shop", "running", None, None), ("web", "shop", "starting", None, None),
    ]  # fmt: skip
    assert all(is_task(target.id) and target.host.startswith("beta") for target in found.targets)
    assert found.swarm.services[0].elsewhere == 1
    assert not found.readings


def test_a_task_of_a_further_host_that_is_sampled_is_not_there_twice() -> None:
    seen = look(task("t", node="n2", container="c2"))
    found = collected(SwarmState(seen.swarm, seen.tasks, "", own_node="n1"), "c2").found  # type: ignore[attr-defined]
    assert (found.targets, found.swarm.services[0].elsewhere) == ((), 0)


@pytest.mark.parametrize(
    ("role", "says", "is_broken"),
    [
        ({"LocalNodeState": "inactive"}, "not in a swarm", False),
        ({"LocalNodeState": "active", "ControlAvailable": False}, WORKER, False),
        ({"LocalNodeState": "locked"}, LOCKED, True),
        ({"LocalNodeState": "error", "Error": "x\ny"}, "this node has left its swarm in an error: x y", True),
    ],
)
def test_who_is_no_manager_says_what_it_is(role: dict[str, Any], says: str, is_broken: bool) -> None:
    assert no_manager(role) == (says, is_broken)
    with pytest.raises(SourceError if is_broken else NoData, match=says.split("`")[0][:30]):
        collected(SwarmState(None, (), *no_manager(role)))


def test_a_swarm_that_is_locked_now_shows_nothing_of_before() -> None:
    seen = look(task("t"))
    collector = collected(SwarmState(seen.swarm, seen.tasks, ""))
    collector._watch.state = SwarmState(None, (), LOCKED, True)
    with pytest.raises(SourceError) as caught:
        collector.collect(Tick(2, 1.0))
    assert caught.value.instead is not None
    assert caught.value.instead.swarm is None
