"""Every condition fires on what it is for, and not on its healthy neighbour."""

from __future__ import annotations

from datetime import timedelta
from math import sin

import pytest
from msgspec.structs import replace

from mcptop.alerts.finding import Look
from mcptop.alerts.machine import Disks
from mcptop.model.flow import Budget, Pool
from mcptop.model.frame import NoSeries, Service, SourceReport, Status
from mcptop.model.host import HostPressure, Pressure
from mcptop.model.instance import Cpu, FileDescriptors, Instance, Sockets
from mcptop.model.playbook import Severity
from mcptop.model.value import Kind
from tests.unit.alerting import GIB, NOON, Play, by_rule, disk, host, instance, once, service, using

WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL


@pytest.mark.parametrize(
    ("one", "rule", "severity", "says"),
    [
        (using(461, 512), "memory-near-limit", WARNING, "memory at 90% of 512 MiB"),
        (using(500, 512), "memory-near-limit", CRITICAL, "memory at 98% of 512 MiB"),
        (using(350, 512, files=155), "memory-near-limit", WARNING, "memory at 99% of 512 MiB"),
        (instance(oom_kills=2), "oom-kill", WARNING, "killed 2 times for lack of memory, before mcptop looked"),
        (instance(state="exited", exit_code=1), "exited-with-error", CRITICAL, "exited with code 1"),
        (instance(state="dead"), "dead", CRITICAL, "dead: the engine could not remove it"),
        (instance(state="paused"), "paused", WARNING, "paused"),
        (instance(state="restarting", exit_code=1), "restarting", WARNING, "restarting, last exit code 1"),
        (instance(state="restarting", restarts=9), "restart-loop", CRITICAL, "restarting, 9 restarts so far"),
        (instance(health="unhealthy"), "unhealthy", CRITICAL, "unhealthy: its health check fails"),
        (instance(health="unhealthy", health_output="HTTP 503"), "unhealthy", CRITICAL,
         "unhealthy: its health check fails: HTTP 503"),
        (instance(cpu=Cpu(0.3, 0.5, 0.6, 0.38)), "cpu-throttled", WARNING, "CPU quota held it back in 38% of periods"),
        (instance(cpu=Cpu(0.45, 0.5, 0.9, 0.02)), "cpu-at-quota", WARNING,
         "CPU at 90% of its quota, held back in 2% of periods"),
        (instance(fds=FileDescriptors(80, 100, 0.8)), "fds-near-limit", WARNING, "open files at 80% of the limit"),
        (instance(fds=FileDescriptors(96, 100, 0.96)), "fds-near-limit", CRITICAL, "open files at 96% of the limit"),
        (instance(sockets=Sockets(close_wait=5)), "close-wait", WARNING,
         "5 sockets in CLOSE_WAIT: peer closed, service did not"),
    ],
)  # fmt: skip
def test_one_look_is_enough(one: Instance, rule: str, severity: Severity, says: str):
    (alert,) = once(service(one)).values()
    assert (alert.rule, alert.severity, alert.says) == (rule, severity, says)
    assert (alert.project, alert.service, alert.instance) == ("shop", "api", "shop-api-1")
    assert alert.since == NOON + timedelta(seconds=1)


@pytest.mark.parametrize(
    "one",
    [
        instance(), using(410, 512), using(200, 512, files=300), instance(state="exited", exit_code=0),
        instance(state="exited", exit_code=143), instance(state="exited", exit_code=0, health="unhealthy"),
        instance(state="created"), instance(health="starting"), instance(restarts=40), instance(oom_kills=0),
        instance(cpu=Cpu(2.0, 2.0, 1.0, 0.005)), instance(cpu=Cpu(1.5, 2.0, 0.75, 0.2)),
        instance(fds=FileDescriptors(79, 100, 0.79)),
        instance(sockets=Sockets(close_wait=4)), Instance(id="a", name="a"),
    ],
)  # fmt: skip
def test_a_healthy_neighbour_is_left_alone(one: Instance):
    assert not once(service(one))


def test_figures_have_their_threshold_and_unit():
    alert = by_rule(Play().run(lambda at: [service(using(461, 512))], 40))["memory-near-limit"]
    assert (round(alert.value or 0, 2), alert.threshold, alert.unit) == (0.90, 0.9, "ratio")
    assert (alert.playbook, alert.cause, alert.state) == ("memory-leak", "memory", "firing")


def leak(mib_per_min: float, start: float = 200.0, limit: float | None = 1024.0, since: float = -3600.0):
    """Memory that grows in steps of some seconds, as it is read."""
    begun = NOON + timedelta(seconds=since)
    return lambda at: [service(using(start + mib_per_min * (at // 5 * 5) / 60, limit, started_at=begun))]


def test_memory_that_grows_is_a_leak_and_says_how_long_is_left():
    found = by_rule(Play().run(leak(12.0), 200))
    assert set(found) == {"memory-leak"}
    assert found["memory-leak"].says == "memory grows 12 MiB/min, limit in 1 h"
    assert found["memory-leak"].left_s == pytest.approx(65 * 60, rel=0.05)


def test_a_limit_that_is_close_by_trend_and_by_level_is_critical():
    found = by_rule(Play().run(leak(4.8, start=765), 200))
    near = found["memory-near-limit"]
    assert (near.severity, near.says) == (CRITICAL, "memory at 76%, limit in 50 min (1.0 GiB)")
    assert found["memory-leak"].says == "memory grows 4.8 MiB/min"
    assert "memory-near-limit" not in by_rule(Play().run(leak(20.0, start=200), 200)), "far below it"


@pytest.mark.parametrize(
    "mib",
    [
        lambda at: 410.0,
        lambda at: 410.0 + 8 * sin(at / 7),
        lambda at: 300.0 + min(at, 60) * 2,  # a cache that warms up
        lambda at: 300.0 + 100 * (1 - 0.97**at),  # levels off
        lambda at: 300.0 + (at % 60) * 1.5,  # garbage collected every minute
        lambda at: 300.0 + 80 * (at > 120),  # one jump
        lambda at: 300.0 + at / 120,  # half a MiB a minute
    ],
)
def test_what_is_no_leak(mib):
    play = Play()
    for at in range(400):
        assert not play.tick(service(using(mib(at), 512))), at


def test_growth_right_after_the_start_is_no_leak_until_it_goes_on():
    play = Play()
    play.run(leak(30.0, since=0.0), 120)
    assert not play.alerts
    assert by_rule(Play().run(leak(30.0, since=0.0), 200))


def test_a_long_sawtooth_is_no_leak_when_it_comes_back():
    play = Play()
    for at in range(900):
        alerts = play.tick(service(using(300 + (at % 400) / 4, 1024)))
        assert at < 400 or at % 400 < 60 or not alerts, at


def test_a_leak_that_ends_is_over():
    play = Play()
    play.run(leak(12.0), 200)
    grown = 200 + 40
    for at in range(240):
        play.tick(service(using(grown, 1024, cpu=Cpu(at / 1000))))
    assert not play.alerts


def test_a_kill_is_critical_when_it_is_seen_and_history_after_a_while():
    play = Play()
    play.tick(service(using(100, 512, oom_kills=0)))
    killed = service(using(100, 512, oom_kills=1))
    (alert,) = play.tick(killed)
    assert (alert.severity, alert.says) == (CRITICAL, "killed once for lack of memory, its limit is 512 MiB")
    assert play.tick(killed, seconds=800)
    assert not play.tick(killed, seconds=120)
    old = Play()
    assert old.tick(killed)[0].severity is WARNING
    assert not old.tick(killed, seconds=901)


def restarting(*counts: int):
    play = Play()
    for count in counts:
        play.tick(service(instance(restarts=count, exit_code=1)), seconds=30)
    return play


def test_several_restarts_within_minutes_are_a_loop_and_one_is_none():
    assert not restarting(4, 4, 5, 5).alerts
    assert not restarting(0, 1, 2).alerts
    play = restarting(0, 1, 2, 3)
    (alert,) = play.alerts
    assert (alert.rule, alert.says) == ("restart-loop", "restarted 3 times in 1 min, last exit code 1")
    assert (alert.value, alert.threshold) == (3, 3)
    calm = service(instance(restarts=3, exit_code=1))
    assert play.tick(calm, seconds=200)
    assert not play.tick(calm, seconds=110)
    assert not play.tick(calm, seconds=600)


def test_restarts_for_lack_of_memory_are_about_memory():
    play = Play()
    for count in range(4):
        play.tick(service(using(100, 512, restarts=count, oom_kills=count)), seconds=30)
    assert {alert.cause for alert in play.alerts} == {"memory"}
    assert set(by_rule(play.alerts)) == {"restart-loop", "oom-kill"}
    play.tick(service(using(100, 512, restarts=3, oom_kills=3)), seconds=901)
    for count in range(4, 8):
        play.tick(service(using(100, 512, restarts=count, oom_kills=3)), seconds=30)
    assert [(alert.rule, alert.cause) for alert in play.alerts] == [("restart-loop", "process")], "another reason"


def test_a_named_process_that_is_replaced_again_and_again_is_a_loop():
    play = Play()
    for number in range(4):
        one = instance("worker", id=f"{number}-1")
        strangers = Service(None, "sh", Kind.PROCESS, 1, (instance("sh", id=f"9{number}-1"),))
        play.tick(service(one, name="worker", kind=Kind.PROCESS), strangers, seconds=10)
    assert [(alert.rule, alert.service) for alert in play.alerts] == [("restart-loop", "worker")]
    scaled = Play()
    for number in range(1, 6):
        scaled.tick(service(*(instance(f"w{n}", id=f"{n}-1") for n in range(number)), kind=Kind.PROCESS), seconds=10)
    assert not scaled.alerts


def test_a_single_second_without_cpu_is_soon_forgotten():
    play = Play()
    play.run(lambda at: [service(instance(cpu=Cpu(0.5, 1.0, 0.5, 0.05)))], 30)
    assert not play.tick(service(instance(cpu=Cpu(0.5, 1.0, 0.5, 0.9))))
    assert by_rule(play.run(lambda at: [service(instance(cpu=Cpu(0.5, 1.0, 0.5, 0.5)))], 50))["cpu-throttled"]


def test_disks():
    assert not once(host=host(disks=(disk(0.89),)))
    full = once(host=host(disks=(disk(0.93),)))["disk-full"]
    assert (full.severity, full.says) == (WARNING, "/data is 93% full, 7.0 GiB free")
    assert (full.service, full.kind, full.playbook) == (None, None, "disk-full")
    assert once(host=host(disks=(disk(0.96),)))["disk-full"].severity is CRITICAL


def filling(per_minute: float, start: float, seconds: int = 240):
    play = Play()
    for at in range(seconds):
        play.tick(host=host(disks=(disk(start + per_minute * at / 60),)))
    return by_rule(play.alerts)


def test_a_disk_that_fills_says_when_it_is_full():
    found = filling(0.01, 0.5)["disk-filling"]
    assert (found.severity, found.says) == (WARNING, "/data is full in 46 min at this rate, 46 GiB free")
    assert filling(0.04, 0.5)["disk-filling"].severity is CRITICAL
    assert not filling(0.004, 0.5), "two hours are not soon"
    assert not filling(0.0, 0.8)


def test_a_host_that_waits():
    def pressed(memory: float = 0.0, io: float = 0.0, **more):
        pressure = HostPressure(None, Pressure(memory, memory), Pressure(io, io))
        return once(host=host(pressure=pressure, **more))

    assert not pressed(0.05, 0.2)
    assert pressed(0.12)["host-memory-pressure"].says == "everybody waits for memory 12% of the time"
    assert pressed(0.4)["host-memory-pressure"].severity is CRITICAL
    assert pressed(io=0.4)["host-io-pressure"].playbook == "io-bottleneck"
    swapped = {"swap_total_bytes": GIB, "swap_free_bytes": 0}
    assert not pressed(**swapped), "with memory left it does not hurt"
    assert "host-swap" in pressed(**swapped, memory_available_bytes=GIB // 10)


def test_a_broken_source_says_what_it_said():
    sources = (
        SourceReport("docker", Status.ERROR, "permission denied\x1b[2J", 0.1),
        SourceReport("sockets", Status.NO_DATA, "", 0.1),
    )
    (alert,) = once(sources=sources).values()
    assert (alert.rule, alert.says) == ("source-broken", "source docker: permission denied [2J")
    assert "mcptop doctor" in alert.do


@pytest.mark.parametrize(("name", "do"), [("prometheus", "its address"), ("targets", "Status, Targets")])
def test_the_doctor_is_not_asked_about_other_machines(name: str, do: str):
    (alert,) = once(sources=(SourceReport(name, Status.ERROR, "it is not there", 0.1),)).values()
    assert do in alert.do
    assert "doctor" not in alert.do


def test_a_budget_is_told_of_its_server_even_where_that_is_no_service():
    budget = Budget("pg", 97, "", (), 170, "api db 50 x 3 = 150 > 97", True, "shop", "container:shop/pg")
    assert once(budgets=(budget,))["connection-budget"].service == "pg"
    of_service = once(service(name="pg"), budgets=(budget,))["connection-budget"]
    assert of_service.service_key == "container:shop/pg"


def test_a_budget_is_that_of_its_own_projects_server():
    other = Service("other", "pg", Kind.CONTAINER, 1, (instance("other-pg-1"),))
    budgets = tuple(
        Budget("pg", 97, "", (), 170, "150 > 97", True, project, f"container:{project}/pg")
        for project in ("shop", "third")
    )
    play = Play()
    play.tick(other, service(name="pg"), budgets=budgets[:1])
    assert [alert.service_key for alert in play.alerts] == ["container:shop/pg"]
    assert len(play.tick(other, service(name="pg"), budgets=budgets)) == 2


def test_no_playbook_is_for_a_server_that_is_only_asked():
    pool = Pool("connections", kind="server", in_use=97, max=97)
    asked = service(name="pg", kind=Kind.SERVER, pools=(pool,))
    assert once(asked)["server-connections"].playbook is None
    assert once(service(name="pg", pools=(pool,)))["server-connections"].playbook == "connection-pool"


def test_what_the_engine_only_says_when_it_is_first_asked_happened_before():
    play = Play()
    play.tick(service(instance(restarts=None, oom_kills=None)))
    play.tick(service(instance(restarts=5, oom_kills=3)))
    (alert,) = play.alerts
    assert (alert.rule, alert.severity) == ("oom-kill", WARNING)
    assert alert.says == "killed 3 times for lack of memory, before mcptop looked"
    play.tick(service(instance(restarts=5, oom_kills=4)))
    assert play.alerts[0].severity is CRITICAL


def test_a_count_of_kills_that_becomes_known_is_no_kill_just_now():
    play = Play()
    play.tick(service(instance(restarts=0, oom_kills=None)))
    assert [alert.severity for alert in play.tick(service(instance(restarts=0, oom_kills=1)))] == [WARNING]


@pytest.mark.parametrize("by", [timedelta(hours=-1), timedelta(hours=1)], ids=["back", "forward"])
def test_a_clock_that_is_set_ends_no_alert_and_keeps_none(by: timedelta):
    play = Play()
    calm = service(instance(restarts=0, oom_kills=0))
    play.tick(calm)
    ill = service(instance(restarts=4, oom_kills=1))
    play.tick(ill)
    assert set(by_rule(play.alerts)) == {"restart-loop", "oom-kill"}
    play.at += by
    play.run(lambda at: [ill], 200)
    assert set(by_rule(play.alerts)) == {"restart-loop", "oom-kill"}
    play.run(lambda at: [ill], 200)
    assert set(by_rule(play.alerts)) == {"oom-kill"}
    play.run(lambda at: [ill], 600)
    assert not play.alerts


def test_the_throttling_of_a_moment_is_smoothed_though_the_clock_was_set():
    play = Play()
    play.tick(service(instance(cpu=Cpu(0.5, 0.5, 1.0, 0.0))))
    play.at += timedelta(hours=1)
    assert not play.tick(service(instance(cpu=Cpu(0.5, 0.5, 1.0, 0.9))))


def test_of_disks_that_are_gone_nothing_is_kept():
    disks, look = Disks(), Look(0.0, 0.0, 1.0, NoSeries(), {})
    for number in range(50):
        here = replace(disk(0.5), mount=f"/mnt/{number}", device=f"vd{number}")
        assert not list(disks.judge(host(disks=(here,)), look))
    assert len(disks._growing) == 1


def test_what_somebody_stopped_did_not_fail():
    killed = Instance("a", "shop-api-1", state="exited", exit_code=137)
    assert "exited-with-error" in once(service(killed))
    assert not once(service(replace(killed, asked_to_stop=True)))
