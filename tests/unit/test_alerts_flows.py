"""Pools and queues are judged by who waits, not by how full they are."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from mcptop.alerts import pools, queues, rules
from mcptop.alerts.finding import Look
from mcptop.model.flow import Budget, Confidence, Pool, Queue
from mcptop.model.frame import NoSeries, Service
from mcptop.model.playbook import Severity
from mcptop.model.value import Kind
from tests.unit.alerting import Play

OK, WARNING, CRITICAL = None, Severity.WARNING, Severity.CRITICAL
SERVICE = Service("shop", "api", Kind.CONTAINER, 0, ())
LOOK = Look(0.0, 0.0, 1.0, NoSeries(), {})
"""Nothing stands."""


def pool(**more) -> Pool:
    return Pool(**({"name": "db", "kind": "db", "in_use": 50, "max": 50, "source": "metrics"} | more))


def seen(**more) -> Pool:
    kernel = {"name": "pg:5432", "kind": "tcp", "peer": "pg:5432", "max": None, "confidence": Confidence.INFERRED}
    return pool(**(kernel | more))


def queue(**more) -> Queue:
    return Queue(**({"name": "jobs", "source": "metrics"} | more))


@pytest.mark.parametrize(
    ("one", "level", "says"),
    [
        (pool(), OK, None),
        (pool(waiting=0, wait_s=3.0), OK, None),
        (pool(in_use=None, max=None), OK, None),
        (pool(waiting=7), WARNING, "db pool 50/50 in use, 7 waiting"),
        (pool(waiting=7, wait_s=0.8), WARNING, "db pool 50/50 in use, 7 waiting for 800 ms"),
        (pool(waiting=7, wait_s=1.2), CRITICAL, "db pool 50/50 in use, 7 waiting for 1.2 s"),
        (pool(waiting=1, wait_s=0.004), OK, None),
        (pool(waiting=0, wait_s=2.0, waits_per_s=3.0), WARNING, "db pool 50/50 in use, callers waited 2.0 s"),
        (pool(timeouts_per_s=2.0), CRITICAL, "db pool 50/50 in use, 2/s wait in vain"),
        (pool(timeouts=9, timeouts_per_s=0.0), OK, None),
        (pool(max=None, waiting=2), WARNING, "db pool 50 in use, 2 waiting"),
        (
            pool(idle_in_transaction=2, idle_in_transaction_s=31.0),
            WARNING,
            "db pool: 2 idle in transaction, the oldest open for 31s",
        ),
        (pool(idle_in_transaction=2, idle_in_transaction_s=2.0, longest_s=99.0), OK, None),
        (pool(idle_in_transaction=0, longest_s=99.0), OK, None),
        (seen(max=50), OK, None),
        (seen(connecting=1), OK, None),
        (seen(connecting=3), WARNING, "3 connections to pg:5432 unanswered"),
        (seen(in_use=0, idle=0, connecting=1), WARNING, "1 connection to pg:5432 unanswered"),
        (seen(close_wait=4), OK, None),
        (seen(close_wait=5), WARNING, "5 connections to pg:5432 in CLOSE_WAIT: peer closed, service did not"),
        (pool(kind="server", in_use=52, idle=9, max=97), OK, None),
        (pool(kind="server", in_use=80, idle=9, max=97), WARNING, "89 of 97 connections given away"),
        (pool(kind="server", in_use=None, idle=None, open=89, max=97), WARNING, "89 of 97 connections given away"),
        (pool(kind="server", in_use=90, idle=7, max=97), CRITICAL,
         "97 of 97 connections given away: the next client is refused"),
    ],
)  # fmt: skip
def test_judgement_of_a_pool(one, level, says):
    found = [(each.severity, each.says) for each in pools.of_pool(SERVICE, one, LOOK)]
    assert found == ([(level, says)] if says else [])


@pytest.mark.parametrize(
    ("one", "level", "says"),
    [
        (queue(), OK, None),
        (queue(depth=412), OK, None),
        (queue(depth=412, growth_per_s=3.0, oldest_age_s=130.0), WARNING,
         "jobs queue: 412 wait, 3/s more come than go, oldest 2m 10s"),
        (queue(depth=412, growth_per_s=3.0), WARNING, "jobs queue: 412 wait, 3/s more come than go"),
        (queue(depth=12, growth_per_s=3.0), OK, None),
        (queue(depth=412, growth_per_s=3.0, oldest_age_s=2.0), OK, None),
        (queue(depth=412, growth_per_s=-3.0, oldest_age_s=130.0), OK, None),
        (queue(depth=412, growth_per_s=0.05, oldest_age_s=130.0), OK, None),
        (queue(depth=9, out_per_s=0.0, growth_per_s=0.0, oldest_age_s=60.0), WARNING,
         "jobs queue: 9 wait, none is taken, oldest 1m"),
        (queue(depth=9, out_per_s=None, oldest_age_s=600.0), OK, None),
        (queue(depth=400, growth_per_s=-0.2, oldest_age_s=300.0), WARNING,
         "jobs queue: 400 wait, drained in 33 min, oldest 5m"),
        (queue(depth=400, growth_per_s=-0.2, oldest_age_s=299.0), OK, None),
        (queue(depth=400, growth_per_s=-2.0, oldest_age_s=600.0), OK, None),
        (queue(depth=40, in_per_s=3.0, out_per_s=3.0, oldest_age_s=600.0), WARNING,
         "jobs queue: 40 wait, as many come as go, oldest 10m"),
        (queue(depth=0, out_per_s=0.0, oldest_age_s=600.0), OK, None),
        (queue(depth=89, capacity=100), OK, None),
        (queue(depth=90, capacity=100), WARNING, "jobs queue 90/100 is nearly full"),
        (queue(depth=100, capacity=100, rejected_per_s=3.0), CRITICAL, "jobs queue 100/100, 3/s turned away"),
        (queue(depth=5, rejected=9, rejected_per_s=0.0), OK, None),
        (queue(kind="accept", depth=129, capacity=128), CRITICAL, "connections are refused: accept queue 129/128"),
        (queue(kind="accept", depth=3, capacity=128, rejected_per_s=1.0), CRITICAL,
         "connections are refused: accept queue 3/128"),
        (queue(kind="accept", depth=128, capacity=128), WARNING, "accept queue 128/128 is nearly full"),
        (queue(kind="accept", depth=0, capacity=0), OK, None),
    ],
)  # fmt: skip
def test_judgement_of_a_queue(one, level, says):
    assert [(found.severity, found.says) for found in queues.of_queue(SERVICE, one, LOOK)] == (
        [(level, says)] if says else []
    )


def test_a_pool_can_have_several_troubles():
    found = pools.of_pool(SERVICE, pool(close_wait=9, peer="pg", waiting=1, wait_s=5.0), LOOK)
    assert [(one.rule.id, one.severity) for one in found] == [("pool-waiting", CRITICAL), ("close-wait", WARNING)]


def test_a_budget_is_a_problem_only_when_it_is_known_to_be_exceeded():
    def judged(exceeded):
        return pools.of_budget(Budget("pg", 97, "", (), 170, "a db 50 x 3 = 150 > 97", exceeded))

    assert judged(False) is judged(None) is None
    found = judged(True)
    assert (found.severity, found.value, found.threshold) == (WARNING, 170, 97)
    assert "a db 50 x 3 = 150 > 97" in found.says


def test_what_a_service_calls_its_pools_cannot_reach_the_terminal():
    name = "a\x1b[2J\n\u202eb"
    found = [
        *pools.of_pool(SERVICE, pool(name=name, peer=name, waiting=1, close_wait=9), LOOK),
        *queues.of_queue(SERVICE, queue(name=name, depth=9, capacity=9), LOOK),
        pools.of_budget(Budget(name, 1, name, (), 2, name, True)),
    ]
    assert len(found) == 4
    assert all(one.says.isprintable() for one in found)


@pytest.mark.parametrize(
    ("rule", "over", "under", "far"),
    [
        (rules.CLOSE_WAIT, seen(close_wait=5), seen(close_wait=4), seen(close_wait=3)),
        (
            rules.POOL_WAITING,
            pool(waiting=1, wait_s=0.051),
            pool(waiting=1, wait_s=0.049),
            pool(waiting=1, wait_s=0.04),
        ),
        (
            rules.POOL_WAITING,
            pool(waiting=0, wait_s=1.01, waits_per_s=3.0),
            pool(waiting=0, wait_s=0.98, waits_per_s=3.0),
            pool(waiting=0, wait_s=0.5, waits_per_s=3.0),
        ),
        (
            rules.SERVER_CONNECTIONS,
            pool(kind="server", in_use=88, max=97),
            pool(kind="server", in_use=86, max=97),
            pool(kind="server", in_use=70, max=97),
        ),
        (
            rules.IDLE_IN_TRANSACTION,
            pool(idle_in_transaction=1, idle_in_transaction_s=30.5),
            pool(idle_in_transaction=1, idle_in_transaction_s=29.5),
            pool(idle_in_transaction=1, idle_in_transaction_s=9.0),
        ),
        (rules.QUEUE_FULL, queue(depth=90, capacity=100), queue(depth=89, capacity=100), queue(depth=70, capacity=100)),
        (
            rules.CONNECTIONS_REFUSED,
            queue(kind="accept", depth=90, capacity=100),
            queue(kind="accept", depth=89, capacity=100),
            queue(kind="accept", depth=70, capacity=100),
        ),
        (
            rules.QUEUE_NOT_DRAINING,
            queue(depth=50, growth_per_s=1.0, oldest_age_s=31.0),
            queue(depth=50, growth_per_s=1.0, oldest_age_s=25.0),
            queue(depth=50, growth_per_s=1.0, oldest_age_s=20.0),
        ),
        (
            rules.QUEUE_NOT_DRAINING,
            queue(depth=101, growth_per_s=1.0),
            queue(depth=90, growth_per_s=1.0),
            queue(depth=70, growth_per_s=1.0),
        ),
    ],
)
def test_around_its_threshold_nothing_comes_and_goes(rule, over, under, far):
    def tick(one) -> list[str]:
        flows = {"pools": (one,)} if isinstance(one, Pool) else {"queues": (one,)}
        return [alert.rule for alert in play.tick(replace(SERVICE, **flows), seconds=rule.keep_s + 1)]

    play = Play()
    assert tick(under) == []
    assert {tuple(tick(one)) for one in (over, under) * 3} == {(rule.id,)}
    assert tick(far) == []


def test_a_server_that_is_nearly_full_is_not_said_to_refuse_though_it_was_full():
    play = Play()
    play.tick(replace(SERVICE, pools=(pool(kind="server", in_use=97, max=97),)))
    (alert,) = play.tick(replace(SERVICE, pools=(pool(kind="server", in_use=96, max=97),)), seconds=20)
    assert (alert.severity, alert.says) == (WARNING, "96 of 97 connections given away")
