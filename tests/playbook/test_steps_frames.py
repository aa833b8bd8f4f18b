"""What the monitor's frames give: pools and queues, who waits for whom, the machine and its neighbours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.model.flow import Pool, Queue
from mcptop.model.frame import Frame, Service
from mcptop.model.host import Filesystem, HostPressure, Pressure
from mcptop.model.value import Kind
from mcptop.playbook.steps.base import StepFailure
from tests.playbook.step_world import looked
from tests.ui.frames import HOST, backlog, frame, instance, pool, queue, seen, service

API = Subject("container", "mcp-stack", "api", "api-1", container="id-api-1")


def frames(made: Callable[[int], Sequence[Service]], count: int = 12, **more: Any) -> list[Frame]:
    """A second apart, from now on; `made` tells the services of each."""
    began = datetime.now(UTC)
    return [frame(at, tuple(made(at)), at=began + timedelta(seconds=at), **more) for at in range(count)]


def flows(made: Callable[[int], Sequence[Service]], subject: Subject = API, **options: Any) -> dict[str, Any]:
    return looked("flows", subject, frames(made), **{"for": "0s", **options})[0]


def api(*pools: Pool, queues: tuple[Queue, ...] = (), name: str = "api", **more: Any) -> Service:
    return service(name, instance(f"{name}-1", more.pop("cores", 0.4), 100), pools=pools, queues=queues, **more)


def test_the_pool_that_callers_wait_for_and_of_two_the_inner_one() -> None:
    places = pool("places", 8, 8, kind="http", waiting=40)
    db = pool("db", 5, 5, kind="db", waiting=3, wait_s=0.8, waits_per_s=4.0, timeouts_per_s=1.0, peer="postgres")
    full = pool("cache", 9, 9, kind="redis", waiting=0)
    found = flows(lambda at: [api(places, db, full, pool("loose", 1, kind=None))])
    assert (found["pool"]["name"], found["pool"]["peer"], found["pools"]) == ("db", "postgres", 3)
    assert (found["waiting"], found["pool"]["waiting"], found["pool"]["waiting_share"]) == (43.0, 3.0, 1.0)
    assert (found["pool"]["full_share"], found["pool"]["use"], found["pool"]["gave_up_ratio"]) == (1.0, 1.0, 0.25)
    assert flows(lambda at: [api(places, replace(db, waiting=0), full)])["pool"]["name"] == "places"
    rarely = flows(lambda at: [api(places, replace(db, waiting=9 if at == 3 else 0))])
    assert (rarely["pool"]["name"], rarely["waiting"]) == ("places", 40.75)
    idle = [replace(each, waiting=0, in_use=at) for at, each in enumerate((places, db, full), 1)]
    assert flows(lambda at: [api(*idle)])["pool"]["name"] == "db"


def test_a_pool_over_the_window() -> None:
    def at(number: int) -> list[Service]:
        waiting = None if number == 5 else number % 2
        return [api(pool("db", 4 + number % 3, 6, kind="db", waiting=waiting, idle_in_transaction=number))]

    found = flows(at)
    pooled = found["pool"]
    assert (pooled["in_use"], pooled["in_use_lowest"], pooled["max"], pooled["waiting_most"]) == (5.0, 4, 6, 1)
    assert pooled["waiting_share"] == pytest.approx(5 / 11, abs=1e-4)
    assert pooled["full_share"] == pytest.approx(4 / 12, abs=1e-4)
    assert (pooled["idle_in_transaction"], pooled["wait_s"], pooled["gave_up_ratio"]) == (11, None, None)
    assert found["series"]["waiting"]["values"][5] is None
    assert found["frames"] == 12


def test_pools_of_the_other_replica_are_not_the_targets() -> None:
    mine, other, shared = (pool("db", 1, 9, kind="db", waiting=n, instance=who)
                           for n, who in ((1, "api-1"), (50, "api-2"), (2, None)))  # fmt: skip
    assert flows(lambda at: [api(mine, other)])["waiting"] == 1.0
    assert flows(lambda at: [api(other, shared)])["waiting"] == 2.0
    assert flows(lambda at: [api(other)])["pools"] == 0


def test_the_queue_that_grows_and_a_backlog_that_runs_over() -> None:
    def at(number: int) -> list[Service]:
        grows = queue("jobs", 10 + 5 * number, capacity=500, in_per_s=9.0, out_per_s=4.0, rejected_per_s=0.0)
        return [api(queues=(grows, queue("mail", 60), backlog(130 if number == 7 else 3), backlog(0, 0)))]

    found = flows(at)
    assert (found["queue"]["name"], found["queue"]["depth"], found["queues"]) == ("jobs", 65, 2)
    assert found["queue"]["growth"]["rising"]
    assert found["queue"]["growth"]["slope_per_s"] == pytest.approx(5.0)
    assert (found["queue"]["in_per_s"], found["queue"]["out_per_s"]) == (9.0, 4.0)
    assert (found["accept"]["depth"], found["accept"]["capacity"]) == (130, 128)
    assert found["accept"]["over"] == pytest.approx(130 / 128, abs=1e-4)
    assert found["series"]["queue"]["values"] == [10 + 5 * at for at in range(12)]
    steady = flows(lambda at: [api(queues=(queue("jobs", 5), queue("mail", 60), queue("none", None)))])
    assert (steady["queue"]["name"], steady["queue"]["growth"]["flat"]) == ("mail", True)


def test_nothing_to_wait_for_is_known_and_different_from_not_knowing() -> None:
    found = flows(lambda at: [api()])
    assert (found["pools"], found["queues"], found["waiting"], found["connections"]) == (0, 0, None, 0.0)
    assert (found["chain"]["length"], found["chain"]["end"], found["down"]["busy_share"]) == (0, "api", 0.0)
    with pytest.raises(StepFailure, match="no queues of api are known") as failed:
        flows(lambda at: [api(pool("db", 1, 2, kind="db"))], require="queues")
    assert failed.value.status is StepStatus.NO_DATA
    with pytest.raises(StepFailure, match="no pools of api are known"):
        flows(lambda at: [api(seen("db", 1))], require="pools")
    with pytest.raises(StepFailure, match="the monitor does not show api"):
        flows(lambda at: [api(name="other"), replace(api(), project="another"), replace(api(), kind=Kind.SERVER)])


@pytest.mark.parametrize("kind", ["flows", "host"])
def test_no_frame_in_time(kind: str) -> None:
    old = [replace(each, at=each.at - timedelta(minutes=5)) for each in frames(lambda at: [api()])]
    for given in ((), old):
        with pytest.raises(StepFailure, match="the monitor gave no frame in time") as failed:
            looked(kind, API, given, **{"for": "10ms"})
        assert failed.value.status is StepStatus.NO_DATA


def waits(name: str, *peers: tuple[str, int, float], cores: float = 0.1, **more: Any) -> Service:
    """A service with requests under way: to whom, how many, for how long."""
    return api(*(seen(peer, busy, longest_s=age) for peer, busy, age in peers), name=name, cores=cores, **more)


def test_who_waits_for_whom() -> None:
    found = flows(lambda at: [
        waits("api", ("runner", 4, 3.0), ("db", 1, 0.01)), waits("runner", ("store", 2, 2.5)),
        waits("store", cores=0.9, queues=(queue("jobs", 7), backlog(9))), waits("db"),
    ])  # fmt: skip
    assert found["chain"]["services"] == "api -> runner -> store"
    assert (found["chain"]["length"], found["chain"]["end"], found["chain"]["end_kind"]) == (2, "store", "container")
    assert (found["chain"]["end_busy"], found["chain"]["end_longest_s"]) == (2.0, 2.5)
    assert (found["chain"]["end_cores"], found["chain"]["end_waiting"]) == (0.9, 7.0)
    assert found["down"] == {"service": "runner", "busy": 4.0, "busy_share": 1.0, "longest_s": 3.0}


def test_a_circle_ends_and_goes_on_where_it_can() -> None:
    circle = [waits("api", ("runner", 4, 3.0)), waits("runner", ("api", 9, 9.0), ("store", 1, 0.5)), waits("store")]
    assert flows(lambda at: circle)["chain"]["services"] == "api -> runner -> store"
    closed = [waits("api", ("runner", 4, 3.0)), waits("runner", ("api", 9, 9.0), ("runner", 3, 3.0))]
    assert flows(lambda at: closed)["chain"]["services"] == "api -> runner"
    line = [waits(f"s{n}", (f"s{n + 1}", 1, 1.0)) for n in range(20)]
    assert flows(lambda at: line, replace(API, service="s0"))["chain"]["length"] == 6


def test_a_peer_that_is_waited_for_now_and_then_is_no_hop_and_one_nobody_shows_is_the_end() -> None:
    rarely = flows(lambda at: [waits("api", ("runner", int(at % 3 == 0), 1.0)), waits("runner")])
    assert rarely["chain"]["length"] == 0
    outside = flows(lambda at: [waits("api", ("10.0.0.9:5432", 2, 1.0))])["chain"]
    assert (outside["end"], outside["end_kind"], outside["end_cores"]) == ("10.0.0.9:5432", None, None)
    server = Service("mcp-stack", "db", Kind.SERVER, 1, (), pools=(pool("c", 1, 2, kind="server", waiting=9),))
    asked = flows(lambda at: [waits("api", ("db", 2, 1.0)), server])["chain"]
    assert (asked["end_kind"], asked["end_cores"], asked["end_waiting"]) == ("server", None, 0.0)


def test_connections() -> None:
    found = flows(lambda at: [api(seen("a", 1, open=5, idle=4), seen("b", 0, open=2, idle=None), pool("db", 1, 9))])
    assert (found["connections"], found["idle_connections"]) == (7.0, 4.0)
    assert flows(lambda at: [api(seen("a", 1))])["connections"] is None


def host(made: Callable[[int], Sequence[Service]], subject: Subject = API, **more: Any) -> dict[str, Any]:
    return looked("host", subject, frames(made, **more), **{"for": "0s"})[0]


def test_neighbours() -> None:
    def at(number: int) -> list[Service]:
        return [
            api(cores=0.5), service("noisy", instance("noisy-1", 1.5 if number % 2 else 0.5, 9, net=0.0)),
            service("copies", instance("copies-1", 0.1, 9, net=4e8), project=None, kind=Kind.PROCESS),
            replace(api(cores=0.9), kind=Kind.PROCESS), service("idle", instance("idle-1", None, None, net=0.0)),
        ]  # fmt: skip

    found = host(at)
    assert (found["neighbour"]["service"], found["neighbour"]["cores"]) == ("noisy", 1.0)
    assert (found["disk_neighbour"]["service"], found["disk_neighbour"]["kind"]) == ("copies", "process")
    assert found["disk_neighbour"]["bytes_per_s"] == pytest.approx(1e8, rel=0.01)
    assert found["own"]["cores"] == 0.5
    alone = host(lambda at: [api(cores=0.5)])
    assert (alone["neighbour"]["service"], alone["neighbour"]["cores"]) == (None, 0.0)
    assert alone["disk_waiter"]["share"] is None
    unseen = host(lambda at: [service("other", instance("other-1", 1.0, 9))])
    assert (unseen["own"]["cores"], unseen["own"]["disk_bytes_per_s"]) == (None, None)


def test_the_machine() -> None:
    disks = (Filesystem("/", "vda1", 100, 60, 0.4, busy_ratio=0.2), Filesystem("/data", "vdb", 100, 5, 0.95))
    pressed = HostPressure(Pressure(0.4, 0.1), None, Pressure(0.6, 0.2))
    found = host(lambda at: [api()], host=replace(HOST, disks=disks, pressure=pressed, cpu_ratio=0.9, cpus=4))
    assert (found["cpus"], found["cpu_ratio"]) == (4, 0.9)
    assert found["pressure"] == {"cpu": 0.4, "memory": None, "memory_full": None, "io": 0.6, "io_full": 0.2}
    assert found["disk"] == {"busy_ratio": 0.2, "mount": "/", "used_ratio": 0.95, "full_mount": "/data"}
    assert 0 < found["memory_available_ratio"] < 1
    bare = host(lambda at: [api()], host=replace(HOST, disks=(), memory_total_bytes=None, pressure=HostPressure()))
    assert set(bare["disk"].values()) == set(bare["pressure"].values()) == {None}
    assert bare["memory_available_ratio"] is None
    with pytest.raises(StepFailure, match="the monitor says nothing of the machine"):
        host(lambda at: [api()], host=None)
