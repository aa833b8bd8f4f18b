"""Frames from scripted snapshots: grouping, late sources, quiet instances, OOM counts, what is unknown."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from mcptop.model.frame import Frame, SourceReport, Status
from mcptop.model.host import Filesystem
from mcptop.model.instance import FileDescriptors, Instance
from mcptop.model.snapshot import Counters, HostReading, Reading, Snapshot, Target, Traffic
from mcptop.model.value import Kind
from mcptop.monitor import Monitor
from mcptop.presentation import document

MIB = 1 << 20
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def target(identity: str = "a", **changes: Any) -> Target:
    facts: dict[str, Any] = {"name": identity, "kind": Kind.CONTAINER, "project": "shop", "service": "api"}
    return Target(id=identity, **(facts | changes))


def snapshot(second: float, targets: tuple[Target, ...], readings: dict[str, Reading], **changes: Any) -> Snapshot:
    sources = (SourceReport("containers", Status.OK, "", 0.001),)
    return msgspec.structs.replace(Snapshot(NOW, second, None, targets, readings, {}, {}, sources, {}), **changes)


class Script:
    """A source that plays snapshots."""

    def __init__(self, *snapshots: Snapshot) -> None:
        self._snapshots: Iterator[Snapshot] = iter(snapshots)

    def sample(self) -> Snapshot:
        return next(self._snapshots)

    def close(self) -> None:
        """Nothing is open."""


def frames(*snapshots: Snapshot) -> list[Frame]:
    monitor = Monitor(Script(*snapshots))
    return [monitor.step() for _ in snapshots]


def only(frame: Frame) -> Instance:
    assert len(frame.services) == 1
    assert len(frame.services[0].instances) == 1
    return frame.services[0].instances[0]


def test_replicas_of_a_service_stand_together_and_processes_apart() -> None:
    targets = (
        target("b"),
        target("a"),
        target("dead", state="exited"),
        target("p", kind=Kind.PROCESS, project=None, service="nginx"),
        target("q", project=None, service="solo"),
    )
    services = frames(snapshot(1, targets, {}))[0].services
    assert [(s.group, s.name, s.replicas, [i.id for i in s.instances]) for s in services] == [
        ("shop", "api", 2, ["a", "b", "dead"]),
        ("containers", "solo", 1, ["q"]),
        ("host processes", "nginx", 1, ["p"]),
    ]


def test_the_first_frame_has_no_rates_and_the_second_has() -> None:
    first = Reading(1.0, None, 10.0, memory_usage_bytes=100 * MIB, memory_inactive_file_bytes=40 * MIB)
    second = Reading(2.0, 1.0, 10.5, memory_usage_bytes=100 * MIB, memory_inactive_file_bytes=40 * MIB)
    one, two = frames(snapshot(1, (target(),), {"a": first}), snapshot(2, (target(),), {"a": second}))
    assert only(one).cpu.cores is None
    assert only(one).memory.working_set_bytes == 60 * MIB
    assert only(two).cpu.cores == 0.5
    assert two.series.tail("a", "cpu.cores", 5) == [None, 0.5]
    assert two.series.tail(two.services[0].key, "cpu.cores", 5) == [None, 0.5]
    assert two.series.tail("group:shop", "memory.working_set", 1) == [60 * MIB]


def test_an_unchanged_instance_is_the_same_object_and_its_history_goes_on() -> None:
    still = Reading(1.0, None, 10.0)
    found = frames(*(snapshot(second, (t,), {"a": still}) for t in (target(),) for second in range(1, 5)))
    assert only(found[1]).cpu.cores == 0
    assert only(found[2]) is only(found[3])
    assert found[2].services[0] is found[3].services[0]
    assert found[3].series.tail("a", "cpu.cores", 9) == [None, 0, 0, 0]


def test_new_facts_reach_an_unchanged_instance() -> None:
    still = Reading(1.0, None, 10.0)
    before, after = target(), target(health="unhealthy", restarts=2)
    found = frames(*(snapshot(n, (t,), {"a": still}) for n, t in enumerate((before, before, before, after))))
    assert (only(found[3]).health, only(found[3]).restarts) == ("unhealthy", 2)


def test_a_late_source_keeps_its_last_figures_and_shows_their_age() -> None:
    readings = {"a": Reading(1.0, None, 10.0)}, {"a": Reading(2.0, 1.0, 10.5)}
    t = target()
    late = snapshot(5.0, (t,), readings[1], stale={"a": 2.0})
    found = frames(snapshot(1, (t,), readings[0]), snapshot(2, (t,), readings[1]), late)
    assert (only(found[2]).cpu.cores, only(found[2]).age_s) == (0.5, 3.0)
    assert only(found[1]).age_s is None


def test_a_vanished_and_returned_container_starts_anew() -> None:
    t = target()
    found = frames(
        snapshot(1, (t,), {"a": Reading(1.0, None, 90.0)}),
        snapshot(2, (t,), {}),
        snapshot(3, (t,), {"a": Reading(3.0, None, 1.0)}),
        snapshot(4, (t,), {"a": Reading(4.0, 3.0, 2.0)}),
    )
    assert [only(frame).cpu.cores for frame in found] == [None, None, None, 1.0]


def test_block_io_read_on_slow_ticks_holds_between_them() -> None:
    first, second = Counters(1.0, (Traffic("vda", 0, 0),)), Counters(6.0, (Traffic("vda", 5000, 0),))
    t = target()
    disks = (first, first, second, second)
    found = frames(*(snapshot(n, (t,), {"a": Reading(float(n), None, float(n), disk=d)}) for n, d in enumerate(disks)))
    assert [only(frame).disk.read_bytes_per_s for frame in found] == [None, None, 1000, 1000]


@pytest.mark.parametrize(
    ("kernel", "events", "flag", "state", "expected"),
    [
        (2, 0, False, "running", 2),
        (0, 1, False, "running", 1),
        (None, 0, True, "exited", 1),
        (None, 0, False, "exited", 0),
        (None, 0, False, "running", None),
    ],
)
def test_oom_kills_by_kernel_and_engine(
    kernel: int | None, events: int, flag: bool, state: str, expected: int | None
) -> None:
    t = target(oom_events=events, oom_killed=flag, state=state, restarts=0)
    assert only(frames(snapshot(1, (t,), {"a": Reading(1.0, oom_kills=kernel)}))[0]).oom_kills == expected


def test_the_configured_limit_stands_in_for_the_kernels() -> None:
    t = target(memory_limit_bytes=256 * MIB)
    memory = only(
        frames(snapshot(1, (t,), {"a": Reading(1.0, memory_usage_bytes=64 * MIB, memory_inactive_file_bytes=0)}))[0]
    ).memory
    assert (memory.limit_bytes, memory.limit_ratio) == (256 * MIB, 0.25)


def test_a_host_without_pressure_or_devices_is_still_a_host() -> None:
    hosts = (HostReading(1.0, "h", 2, 10, 100), HostReading(2.0, "h", 2, 60, 200))
    found = frames(*(snapshot(n, (), {}, host=h) for n, h in enumerate(hosts)))
    assert found[0].host is not None
    assert found[0].host.cpu_ratio is None
    assert found[1].host is not None
    assert found[1].host.cpu_ratio == 0.5
    assert found[1].host.pressure.cpu is None


def test_the_document_has_every_field_and_null_for_unknown() -> None:
    files = {"a": FileDescriptors(3, 1024, 3 / 1024)}
    frame = frames(snapshot(1, (target(),), {}, files=files))[0]
    found = msgspec.json.decode(document.to_json(frame, frame.services))
    assert found["schema"] == "mcptop.snapshot/1"
    assert found["at"] == "2026-01-31T12:00:00.000Z"
    assert set(found) >= {"schema", "at", "host", "sources", "services", "alerts", "self"}
    instance = found["services"][0]["instances"][0]
    assert set(instance) >= {
        "id", "name", "pid", "state", "health", "started_at", "restarts", "oom_kills", "exit_code", "cpu", "memory",
        "network", "disk", "pids", "threads", "fds", "sockets",
    }  # fmt: skip
    assert set(instance["cpu"]) >= {"cores", "limit_cores", "limit_ratio", "throttled_ratio", "pressure_some_avg10"}
    assert instance["cpu"]["cores"] is None
    assert instance["sockets"] is None
    assert instance["fds"]["open"] == 3
    assert set(found["self"]) == {"cpu_ratio", "rss_bytes", "tick_s"}
    assert found["services"][0]["pools"] == found["services"][0]["queues"] == found["services"][0]["models"] == []


def test_the_document_says_what_is_wrong_since_when() -> None:
    sick = target(health="unhealthy", health_output="no database")
    moments = [NOW + timedelta(seconds=second) for second in range(3)]
    looks = [snapshot(at, (sick,), {}, at=moment) for at, moment in enumerate(moments)]
    found = [msgspec.json.decode(document.to_json(frame, frame.services)) for frame in frames(*looks)]
    (alert,) = found[-1]["alerts"]
    assert {name: alert[name] for name in ("rule", "project", "service", "instance", "severity", "state", "since")} == {
        "rule": "unhealthy", "project": "shop", "service": "api", "instance": "a", "severity": "critical",
        "state": "firing", "since": "2026-01-31T12:00:00Z",
    }  # fmt: skip
    assert alert["says"] == "unhealthy: its health check fails: no database"
    assert (alert["playbook"], alert["value"], alert["threshold"]) == ("restarts", None, None)
    assert found[-1]["services"][0]["instances"][0]["health_output"] == "no database"


def test_disks_have_a_history() -> None:
    def host(second: float, used: float) -> HostReading:
        return HostReading(second, "h", 2, filesystems=(Filesystem("/data", "vdb", 100, 50, used),))

    last = frames(*(snapshot(n, (), {}, host=host(n, 0.5 + n / 100)) for n in range(3)))[-1]
    assert last.series.tail("disk:/data", "disk.used_ratio", 3) == pytest.approx([0.5, 0.51, 0.52])


def test_csv_has_a_column_for_each_figure_and_nothing_for_unknown() -> None:
    frame = frames(snapshot(1, (target(),), {"a": Reading(1.0, memory_usage_bytes=5)}))[0]
    header, row = document.to_csv(frame, frame.services, header=True).splitlines()
    cells = dict(zip(header.split(","), row.split(","), strict=True))
    assert cells["memory.usage_bytes"] == "5"
    assert cells["cpu.cores"] == ""
    assert cells["sockets.close_wait"] == ""
    assert cells["service"] == "api"


def test_of_a_container_the_engine_only_lists_nobody_knows_whether_it_was_killed() -> None:
    t = target(state="exited", restarts=None)
    assert only(frames(snapshot(1, (t,), {}))[0]).oom_kills is None
