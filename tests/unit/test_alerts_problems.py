"""What has one cause is one problem, and who makes others wait stands above them."""

from __future__ import annotations

from mcptop.alerts.problems import Problem, problems
from mcptop.model.alert import Alert
from mcptop.model.flow import Pool, Queue
from mcptop.model.frame import Frame, Own, Service
from mcptop.presentation import rows
from mcptop.presentation.problems import Trouble, of_frame
from tests.unit.alerting import NOON, Play, instance, service, using


def found(*services: Service) -> list[Problem]:
    return problems(lasting(*services))


def lasting(*services: Service) -> tuple[Alert, ...]:
    """What fires once it has been so for a while."""
    return Play().run(lambda at: services, 40)


def troubles(*services: Service) -> list[Trouble]:
    alerts = lasting(*services)
    frame = Frame(1, NOON, None, (), services, alerts, Own(), 1.0)
    return of_frame(frame, rows.of_services(frame))


def waits(peer: str, **more) -> Pool:
    return Pool(**({"name": "db", "peer": peer, "in_use": 5, "max": 5, "waiting": 3, "wait_s": 0.4} | more))


def test_replicas_with_the_same_trouble_are_one_line_with_the_worst_figures():
    workers = [using(mib, 512, name=f"shop-worker-{n}") for n, mib in enumerate((465, 480, 100), 1)]
    (only,) = troubles(service(*workers, name="worker"))
    assert (only.name, only.says) == ("worker", "worker-1, worker-2: memory at 94% of 512 MiB")
    assert only.instances == {"shop-worker-1", "shop-worker-2"}
    many = [using(470, 512, name=f"shop-worker-{n}") for n in range(5)]
    assert troubles(service(*many, name="worker"))[0].says.startswith("all 5: memory")
    assert troubles(service(using(470, 512)))[0].says.startswith("memory")


def test_rules_of_one_cause_are_one_line_with_the_worst_first():
    play = Play()
    play.tick(service(using(100, 512, oom_kills=0)))
    (only,) = problems(play.run(lambda at: [service(using(470, 512, oom_kills=1))], 40))
    assert [alert.rule for alert in only.alerts] == ["oom-kill", "memory-near-limit"]
    assert [alert.rule for alert in only.others] == ["memory-near-limit"]
    assert only.since == min(alert.since for alert in only.alerts)


def test_other_causes_are_other_lines():
    pools = (waits("postgres"),)
    assert [one.lead.rule for one in found(service(using(470, 512), pools=pools))] == [
        "memory-near-limit", "pool-waiting",
    ]  # fmt: skip


def test_pools_of_one_service_are_one_line_where_one_waits_for_the_other_and_else_two():
    requests = Pool("requests", in_use=10, max=10, waiting=60, wait_s=11.0)
    (only,) = troubles(service(pools=(waits("postgres"), requests)))
    assert only.says.startswith("requests pool 10/10")
    assert only.more == ("db pool 5/5 in use, 3 waiting for 400 ms",)
    pools = (waits("postgres", in_use=2, max=2), requests)
    assert [one.lead.cause for one in found(service(pools=pools))] == ["pool requests", "pool postgres"]


def test_callers_that_wait_for_one_server_are_one_line():
    api, worker = (
        service(pools=(waits("postgres", wait_s=2.0),)),
        service(name="worker", pools=(waits("postgres:5432"),)),
    )
    ui = service(name="ui", pools=(waits("api"),))
    first, second = troubles(ui, worker, api)
    assert (first.name, first.more) == ("api", ("worker: db pool 5/5 in use, 3 waiting for 400 ms",))
    assert second.name == "ui", "the api, which itself waits, stands above"


def test_a_broken_backend_stands_above_those_who_wait_for_it():
    postgres = service(instance(state="paused"), name="postgres")
    api, worker = service(pools=(waits("postgres", wait_s=9.0),)), service(instance(health="unhealthy"), name="worker")
    assert [one.lead.service for one in found(api, worker, postgres)] == ["worker", "postgres", "api"]
    leaky = service(using(470, 512), name="postgres")
    assert [one.lead.service for one in found(api, leaky)] == ["api", "postgres"], "that makes nobody wait"


def test_work_that_waits_for_a_slow_backend_stands_below_it():
    slots = Pool("requests", in_use=10, max=10, waiting=60, wait_s=11.0)
    slow = service(name="worker", queues=(Queue("jobs", depth=80, growth_per_s=2.0, oldest_age_s=40.0),))

    def order(busy: int) -> list[str | None]:
        http = Pool("http", peer="worker", in_use=busy, max=50)
        return [one.lead.service for one in found(service(pools=(slots, http)), slow)]

    assert order(9) == ["worker", "api"]
    assert order(2) == ["api", "worker"]


def test_services_that_wait_for_each_other_both_have_their_line():
    assert len(found(service(pools=(waits("worker"),)), service(name="worker", pools=(waits("api"),)))) == 2


def test_symbols_of_the_table_and_of_the_problems_agree():
    services = (
        service(instance("shop-api-1"), instance("shop-api-2", health="unhealthy")),
        service(using(470, 512), name="worker", pools=(waits("api"),)),
        service(name="ui"),
    )
    frame = Frame(1, NOON, None, (), services, Play().tick(*services), Own(), 1.0)
    made = rows.of_services(frame)
    worst: dict[str, int] = {}
    for trouble in of_frame(frame, made):
        assert trouble.row is not None
        worst[trouble.row.key] = max(worst.get(trouble.row.key, 0), trouble.level)
    assert {row.key: int(row.judgement.level) for row in made if row.judgement.reasons} == worst


def test_names_and_outputs_cannot_reach_the_terminal():
    bad = "a\x1b[2J\n\u202e[red]b"
    one = instance(f"{bad}-1", health="unhealthy", health_output=f"{bad} `x`")
    other = instance(f"{bad}-2")
    shown = troubles(service(one, other, name=bad), service(name="x", pools=(waits(bad, name=bad),)))
    assert len(shown) == 2
    assert all(part.isprintable() for trouble in shown for part in (trouble.name, trouble.says, *trouble.more))
