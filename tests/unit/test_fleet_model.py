"""What a fleet adds to the way from samples to frames: rates that stand, ages, several machines and their alerts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from mcptop.alerts.evaluator import Evaluator
from mcptop.fleet.distinct import Distinct
from mcptop.fleet.wanted import CADVISOR, MCPTOP, one_of, selector
from mcptop.model.flow import Confidence
from mcptop.model.flow_reading import FlowReading, PoolReading, QueueReading
from mcptop.model.frame import EMPTY, Frame
from mcptop.model.host import Filesystem, Host, HostPressure, Pressure
from mcptop.model.snapshot import Counters, HostReading, Reading, Snapshot, Target, Traffic
from mcptop.model.value import Kind
from mcptop.monitor import Monitor

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
GIB = 1 << 30


def target(id: str = "web1/a", **more: Any) -> Target:
    facts = {"name": "api-1", "kind": Kind.CONTAINER, "project": "shop", "service": "api", "host": "web1"}
    return Target(id=id, **(facts | more))


def reading(at: float, cpu: float, **more: Any) -> Reading:
    """Of a source that tells every 15 s."""
    return Reading(read_at=at, cpu_usage_s=cpu, every_s=15.0, **more)


def frames(*looks: tuple[float, dict[str, Any]]) -> list[Frame]:
    """One of each look: when, and what of the snapshot."""
    played = iter(replace(Snapshot(NOW, at, None, (), {}, {}, {}, (), {}), **parts) for at, parts in looks)

    class Script:
        def sample(self) -> Snapshot:
            return next(played)

        def close(self) -> None:
            """Nothing is open."""

    monitor = Monitor(Script())
    return [monitor.step() for _ in looks]


def cores(frame: Frame) -> float | None:
    return frame.services[0].instances[0].cpu.cores


def test_between_two_samples_the_rate_stands_and_is_over_the_samples_own_times() -> None:
    t, first, second, third = (target(),), reading(100.0, 10.0), reading(115.0, 17.5), reading(130.0, 17.5)
    found = frames(
        (101.0, {"targets": t, "readings": {"web1/a": first}}),
        (116.0, {"targets": t, "readings": {"web1/a": second}}),
        (121.0, {"targets": t, "readings": {"web1/a": second}}),
        (126.0, {"targets": t, "readings": {"web1/a": second}}),
        (133.0, {"targets": t, "readings": {"web1/a": third}}),
    )
    assert [cores(frame) for frame in found] == [None, 0.5, 0.5, 0.5, 0.0]
    # Nothing new: the very same instance, so nothing is computed or recorded again.
    assert found[2].services[0].instances[0] is found[3].services[0].instances[0]
    assert found[3].series.tail("web1/a", "cpu.cores", 5) == [None, 0.5, 0.5, 0.5]


def test_a_new_sample_that_is_old_already_is_shown_with_its_age() -> None:
    t = (target(),)
    found = frames(
        (101.0, {"targets": t, "readings": {"web1/a": reading(100.0, 10.0)}}),
        (170.0, {"targets": t, "readings": {"web1/a": reading(115.0, 11.5)}, "stale": {"web1/a": 115.0}}),
    )
    assert cores(found[1]) == pytest.approx(0.1)
    assert found[1].services[0].instances[0].age_s == 55.0


def test_a_sum_of_interfaces_is_no_interface() -> None:
    t = (target(),)
    looks = [
        (at, {"targets": t, "readings": {"web1/a": reading(at, 1.0, network=Counters(at, (Traffic("", int(at), 0),)))}})
        for at in (100.0, 115.0)
    ]
    network = frames(*looks)[1].services[0].instances[0].network
    assert (network.rx_bytes_per_s, network.interfaces) == (1.0, ())


def test_flows_of_another_machine_have_their_rates_their_time_and_no_budget() -> None:
    queue = QueueReading("jobs", depth=3, in_per_s=5.0, out_per_s=4.0, confidence=Confidence.DERIVED)
    pool = PoolReading("db", "db", "postgres", in_use=3, max=5)
    flow = FlowReading(100.0, "metrics", (pool,), (queue,), every_s=15.0)
    parts: dict[str, Any] = {"targets": (target(),), "flows": {"web1/a": (flow,)}}
    early, late = frames((130.0, parts), (150.0, parts))
    assert (early.services[0].queues[0].in_per_s, early.services[0].queues[0].growth_per_s) == (5.0, 1.0)
    assert early.services[0].pools[0].age_s is None, "two samples may be missing"
    assert late.services[0].pools[0].age_s == 50.0
    assert early.budgets == ()


def test_a_replica_that_is_renamed_keeps_its_pools() -> None:
    flow = FlowReading(100.0, "metrics", (PoolReading("db", in_use=3),))
    before, after = target(), target(name="api-1@web1")
    found = frames(
        (100.0, {"targets": (before,), "flows": {"web1/a": (flow,)}}),
        (101.0, {"targets": (after,), "flows": {"web1/a": (flow,)}}),
    )
    assert [frame.services[0].pools[0].instance for frame in found] == ["api-1", "api-1@web1"]


def test_two_machines_and_their_series() -> None:
    hosts = tuple(HostReading(100.0, name, 4, cpu_ratio=ratio) for name, ratio in (("web1", 0.25), ("web2", 0.75)))
    frame = frames((100.0, {"hosts": hosts}))[0]
    assert [(host.name, host.cpu_ratio) for host in frame.hosts] == [("web1", 0.25), ("web2", 0.75)]
    assert frame.series.tail("host:web2", "cpu.ratio", 1) == [0.75]


def machine(name: str, used: float, waits: float = 0.0) -> Host:
    disk = Filesystem("/data", "vdb", 100 * GIB, int(100 * GIB * (1 - used)), used, host=name)
    return Host(name, 4, disks=(disk,), pressure=HostPressure(io=Pressure(waits, waits)))


def test_alerts_have_the_name_of_their_machine() -> None:
    hosts = machine("web1", 0.96), machine("web2", 0.5, waits=0.9), machine("web3", 0.91)
    evaluator = Evaluator()
    for second in range(0, 120, 5):
        frame = replace(EMPTY, number=1, at=NOW + timedelta(seconds=second), monotonic=float(second), hosts=hosts)
        alerts = evaluator.alerts(frame)
    assert [(alert.rule, alert.service, alert.severity.value) for alert in alerts] == [
        ("disk-full", "web1", "critical"), ("host-io-pressure", "web2", "critical"), ("disk-full", "web3", "warning")
    ]  # fmt: skip
    assert len({(alert.rule, alert.subject) for alert in alerts}) == 3


def test_names_are_made_distinct_and_stay_the_same_objects() -> None:
    one, other, alone = target("web1/a"), target("web2/b", host="web2"), target("web1/c", name="api-2")
    distinct = Distinct()
    first = distinct.names((one, other, alone))
    assert [each.name for each in first] == ["api-1@web1", "api-1@web2", "api-2"]
    assert first[2] is alone
    assert all(a is b for a, b in zip(first, distinct.names((one, other, alone)), strict=True))
    assert distinct.names((one, alone)) == (one, alone)


def test_what_is_asked_for() -> None:
    assert "mcptop_replica_cpu_usage_seconds_total" in MCPTOP
    assert not [name for name in MCPTOP if name.startswith("mcp_")], "the guide's names say the same again"
    assert len(set(CADVISOR)) == len(CADVISOR)
    assert selector(("a", "b"), 'env="x"', 'name!=""') == '{__name__=~"a|b", env="x", name!=""}'
    assert one_of("job", ["a.b", 'c"']) == 'job=~"a\\\\.b|c\\""'
