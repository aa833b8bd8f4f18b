"""Since when, in which order, and what does not come and go; whatever the frames are."""

from __future__ import annotations

from datetime import timedelta
from time import perf_counter

from hypothesis import given, settings
from hypothesis import strategies as st

from mcptop.alerts import rules
from mcptop.alerts.evaluator import Evaluator
from mcptop.alerts.problems import problems
from mcptop.model.flow import Pool, Queue
from mcptop.model.frame import Frame, Own, Service, SourceReport, Status
from mcptop.model.host import HostPressure, Pressure
from mcptop.model.instance import Cpu, FileDescriptors, Instance, Memory, Sockets
from mcptop.model.playbook import Severity
from mcptop.model.value import Kind
from tests.unit.alerting import NOON, Play, disk, host, instance, service, using

LONG_S = 40
"""Until what waits to fire does, but for `cpu-at-quota`."""
ILL, WELL = service(instance(health="unhealthy")), service(instance(health="healthy"))


def test_since_is_the_frame_in_which_it_began_and_survives_a_gap():
    play = Play()
    play.tick(WELL)
    (begun,) = play.tick(ILL)
    assert begun.since == NOON + timedelta(seconds=2)
    for _ in range(4):
        assert play.tick(WELL) == (begun,), "for some seconds it stays as it was"
    assert play.tick(ILL)[0].since == begun.since
    assert not play.run(lambda at: [WELL], int(rules.UNHEALTHY.keep_s) + 1)
    assert play.tick(ILL)[0].since > begun.since


def test_what_is_gone_takes_its_alerts_along():
    play = Play()
    assert play.tick(ILL, WELL)
    assert not play.tick(service(name="other"))


def test_nothing_changes_while_nothing_changes():
    play = Play()
    first = play.tick(ILL)
    assert play.tick(ILL) is first
    assert play.tick(ILL, host=host()) is first


def test_a_value_at_its_threshold_does_not_come_and_go():
    play = Play()
    play.run(lambda at: [service(using(462, 512))], LONG_S)
    seen = {bool(play.tick(service(using(462 if at % 20 < 10 else 456, 512)))) for at in range(200)}
    assert seen == {True}
    play.tick(service(using(500, 512)))
    levels = [play.tick(service(using(494 if at % 3 == 2 else 500, 512)))[0].severity for at in range(30)]
    assert set(levels) == {Severity.CRITICAL}
    assert not play.run(lambda at: [service(using(400, 512))], 10)


def test_who_waits_in_every_other_look_waits():
    def at(second: int) -> Service:
        waiting = 3 if second // 5 % 2 else 0
        return service(pools=(Pool("db", in_use=5, max=5, waiting=waiting, wait_s=0.5),))

    play = Play()
    play.run(lambda second: [at(second)], 6)
    assert {play.tick(at(second))[0].since for second in range(6, 60)} == {play.alerts[0].since}


def test_whom_it_waits_for_is_remembered_where_a_look_does_not_tell():
    def at(busy: int, waiting: int) -> Service:
        slots = Pool("requests", in_use=10, max=10, waiting=waiting, wait_s=3.0)
        return service(pools=(slots, Pool("http", peer="worker", in_use=busy, max=50)))

    play = Play()
    assert play.tick(at(1, 5))[0].peer is None
    assert play.tick(at(9, 6))[0].peer == "worker"
    assert play.tick(at(1, 7))[0].peer == "worker"


def test_it_is_no_longer_critical_some_seconds_after_it_was():
    play = Play()
    play.tick(service(using(505, 512)))
    assert play.tick(service(using(480, 512)))[0].severity is Severity.CRITICAL
    play.run(lambda at: [service(using(480, 512))], 10)
    assert play.alerts[0].severity is Severity.WARNING


def test_equally_bad_ones_keep_their_order():
    names = [f"svc-{n}" for n in range(8)]
    play, orders = Play(), set()
    for at in range(30 + LONG_S):
        ill = [
            service(using(470 + (at * 7 + n * 3) % 11, 512, name=f"shop-{name}-1"), name=name)
            for n, name in enumerate(names)
        ]
        alerts = play.tick(*ill)
        if at >= LONG_S:
            orders.add(tuple(alert.service for alert in alerts))
    assert orders == {tuple(names)}


def test_worst_first():
    play = Play()
    for _ in range(LONG_S):
        play.tick(
            service(instance(state="paused"), name="a"),
            service(using(470, 512), name="b"),
            service(instance(health="unhealthy"), name="c"),
            service(instance(state="exited", exit_code=1), name="d"),
            host=host(disks=(disk(0.97),)),
            sources=(SourceReport("docker", Status.ERROR, "gone", 0.0),),
        )
    assert [alert.rule for alert in play.alerts] == [
        "exited-with-error", "unhealthy", "disk-full", "memory-near-limit", "paused", "source-broken",
    ]  # fmt: skip


def test_every_rule_has_an_id_of_its_own_in_kebab_case():
    ids = [rule.id for rule in rules.RULES]
    assert len(set(ids)) == len(ids)
    assert all(part.isalpha() and part.islower() for id in ids for part in id.split("-"))
    assert all(rule.do for rule in rules.RULES)


def crowd(at: int) -> tuple[Service, ...]:
    def one(n: int) -> Service:
        cpu, sockets = Cpu(0.3 + at / 1000, 1.0, 0.3, 0.1), Sockets(established=at)
        pool, queue = Pool("db", in_use=3, max=10, waiting=0), Queue("jobs", depth=5)
        part = using(100 + n % 50, 512, name=f"svc-{n}", cpu=cpu, sockets=sockets)
        return service(part, name=f"s{n}", pools=(pool,), queues=(queue,))

    return tuple(one(n) for n in range(500))


def cost(ticks: list[tuple[Service, ...]]) -> float:
    """Milliseconds of the cheapest tick: what the machine does beside is no cost of ours."""
    evaluator, took = Evaluator(), []
    for at, services in enumerate(ticks):
        frame = Frame(at, NOON + timedelta(seconds=at), host(), (), services, (), Own(), 1.0)
        began = perf_counter()
        assert not evaluator.alerts(frame)
        took.append(perf_counter() - began)
    return min(took[1:]) * 1000


def test_five_hundred_services_cost_little_and_nothing_while_they_stand_still():
    still = crowd(0)
    assert cost([still] * 20) < 0.2
    assert cost([crowd(at) for at in range(8)]) < 15


texts = st.text(max_size=20)
numbers = st.one_of(st.none(), st.integers(-5, 10**18))
ratios = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))
moments = st.integers(-(10**6), 10**6).map(lambda hours: NOON + timedelta(hours=hours))
memories = st.builds(
    Memory, working_set_bytes=numbers, anon_bytes=numbers, shmem_bytes=numbers, limit_bytes=numbers, limit_ratio=ratios,
    trend_bytes_per_s=ratios,
)  # fmt: skip
instances = st.builds(
    Instance, id=st.sampled_from("abc"), name=texts, state=st.sampled_from(["running", "exited", "restarting", "odd"]),
    health=st.sampled_from([None, "unhealthy", "healthy"]), health_output=st.one_of(st.none(), texts),
    started_at=st.one_of(st.none(), moments),
    restarts=numbers, oom_kills=numbers, exit_code=numbers, memory=memories,
    cpu=st.builds(Cpu, cores=ratios, throttled_ratio=ratios), fds=st.builds(FileDescriptors, limit_ratio=ratios),
    sockets=st.one_of(st.none(), st.builds(Sockets, close_wait=st.integers(0, 10**9))),
)  # fmt: skip
pools = st.builds(
    Pool, name=texts, kind=st.sampled_from([None, "server", "db"]), peer=st.one_of(st.none(), texts),
    instance=st.one_of(st.none(), texts), open=numbers, in_use=numbers, max=numbers, waiting=numbers, wait_s=ratios,
    waits_per_s=ratios, timeouts_per_s=ratios, connecting=numbers, close_wait=numbers, idle_in_transaction=numbers,
    idle_in_transaction_s=ratios,
)  # fmt: skip
queues = st.builds(
    Queue, name=texts, kind=st.sampled_from([None, "accept"]), depth=numbers, capacity=numbers, oldest_age_s=ratios,
    in_per_s=ratios, out_per_s=ratios, growth_per_s=ratios, rejected_per_s=ratios,
)  # fmt: skip
services = st.builds(
    Service, project=st.one_of(st.none(), texts), name=texts, kind=st.sampled_from(Kind), replicas=st.integers(0, 3),
    instances=st.lists(instances, max_size=2).map(tuple), pools=st.lists(pools, max_size=2).map(tuple),
    queues=st.lists(queues, max_size=2).map(tuple),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(services, max_size=3), min_size=1, max_size=4), st.floats(0, 1))
def test_whatever_a_frame_says_is_judged(frames, pressure):
    play = Play()
    machine = host(pressure=HostPressure(None, Pressure(pressure, pressure), None), disks=(disk(pressure),))
    for found in frames:
        alerts = play.tick(*found, host=machine, seconds=20)
        assert all(alert.says.isprintable() and "\n" not in alert.says for alert in alerts)
        assert sum(len(problem.alerts) for problem in problems(alerts)) == len(alerts)
