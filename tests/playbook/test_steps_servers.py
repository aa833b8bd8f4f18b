"""`postgres` and `redis`: what frames hold of a server, for itself and for its clients; nothing is opened."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from mcptop.collectors.server_flows import Place, postgres_flows, redis_flows
from mcptop.collectors.servers import LOCKED, REJECTED, noted
from mcptop.flow_source import SourceFlows
from mcptop.model.diagnosis import StepStatus, Subject
from mcptop.model.flow import Pool
from mcptop.model.flow_reading import FlowReading
from mcptop.model.frame import EMPTY, Frame, Service, SourceReport, Status
from mcptop.model.value import Kind
from mcptop.playbook.steps.base import StepFailure
from mcptop.sources.postgres import PostgresClient, PostgresView
from mcptop.sources.redis_queues import RedisQueue
from mcptop.sources.redis_view import RedisClient, RedisView
from tests.playbook.step_world import looked

API = Subject("container", "shop", "api", "api-1", container="a" * 64)


def subject(service: str) -> Subject:
    return replace(API, service=service)


def frame(flows: dict[str, FlowReading], message: str, kind: str, *others: Pool) -> Frame:
    """One tick in which a server said this of its services."""
    services = []
    for name, reading in flows.items():
        source = SourceFlows(name)
        source.update(reading)
        more = others if name == "api" else ()
        services.append(Service("shop", name, Kind.CONTAINER, 1, (), (*source.pools, *more), source.queues))
    return replace(
        EMPTY, number=1, services=tuple(services), sources=(SourceReport(f"{kind} x", Status.OK, message, 0.1),)
    )


def owner(address: str | None, port: int | None, name: str) -> str | None:
    return name or None


def postgres(*others: Pool) -> Frame:
    held = PostgresClient(
        application_name="worker", state="idle in transaction", state_age_s=3.0, transaction_age_s=40.0
    )
    busy = PostgresClient(application_name="api", state="active", state_age_s=2.0)
    clients = (held, held, busy, PostgresClient(application_name="api", state="idle"))
    view = PostgresView("16.4", 100, 3, clients=clients)
    return frame(
        postgres_flows(view, 1.0, Place("db", "db", owner)), f"16.4, 4 clients; 2 {LOCKED}", "postgres", *others
    )


def test_a_database_and_who_holds_its_transactions_open() -> None:
    values, raw = looked("postgres", subject("db"), [postgres()])
    assert (values["server"], values["open"], values["in_use"], values["max"]) == ("db", 4, 3, 97)
    assert (values["idle_in_transaction"], values["idle_in_transaction_s"], values["blocked"]) == (2, 40, 2)
    assert values["holder"] == {"service": "worker", "idle_in_transaction": 2, "idle_in_transaction_s": 40}
    assert (values["own"]["open"], values["waiting"]) == (None, None)
    assert raw[0].provenance.source == "monitor"


def test_a_client_sees_its_part_and_who_waits_in_its_own_pool() -> None:
    pool = Pool("db", "db", peer="db", in_use=5, max=5, waiting=7, source="metrics")
    values, _ = looked("postgres", subject("api"), [postgres(pool)])
    assert (values["server"], values["open"], values["waiting"]) == ("db", 4, 7)
    assert values["own"] == {"open": 2, "in_use": 1, "idle_in_transaction": 0, "idle_in_transaction_s": None}


def test_a_server_that_hides_states_leaves_them_unknown() -> None:
    view = PostgresView("16.4", 100, 3, clients=(PostgresClient(application_name="api"),) * 2)
    given = frame(postgres_flows(view, 1.0, Place("db", "db", owner)), "16.4, 2 clients", "postgres")
    values, _ = looked("postgres", subject("db"), [given])
    assert (values["open"], values["in_use"], values["idle_in_transaction"]) == (2, None, None)
    assert (values["blocked"], values["holder"]["service"]) == (0, None)


def test_a_redis_with_its_clients_and_its_deepest_queue() -> None:
    clients = tuple(RedisClient("10.0.0.4", port, name="api", idle_s=port % 2 * 9) for port in (1, 2, 3))
    queues = (RedisQueue("jobs", "list", depth=42), RedisQueue("mail", "list", depth=1))
    view = RedisView("7.2", 100, 3, clients, 5, queues)
    given = frame(redis_flows(view, 1.0, Place("cache", "cache", owner)), f"7.2, 3 clients; 5 {REJECTED}", "redis")
    values, _ = looked("redis", subject("cache"), [given])
    assert (values["clients"], values["in_use"], values["max"], values["use_ratio"]) == (3, 1, 100, 0.03)
    assert (values["queues"], values["depth"], values["queue"]["name"], values["queue"]["depth"]) == (2, 43, "jobs", 42)
    assert values["rejected"] == 5
    of_client, _ = looked("redis", subject("api"), [given])
    assert of_client["own"] == {"clients": 3, "in_use": 1}


@pytest.mark.parametrize("kind", ["postgres", "redis"])
@pytest.mark.parametrize(
    ("sources", "says"),
    [
        ((), r"no server is asked: give mcptop a \[\[{kind}\]\] table"),
        ((SourceReport("{kind} x", Status.OK, "well", 0.1),), "the target has no connection to {kind} x"),
        ((SourceReport("{kind} x", Status.ERROR, "{kind} x: no answer for 9 s", 0.1),), "{kind} x: no answer for 9 s"),
    ],
)
def test_without_figures_it_is_said_why(kind: str, sources: tuple[SourceReport, ...], says: str) -> None:
    reports = tuple(
        replace(each, name=each.name.format(kind=kind), message=each.message.format(kind=kind)) for each in sources
    )
    with pytest.raises(StepFailure, match=says.format(kind=kind)) as failure:
        looked(kind, API, [replace(EMPTY, number=1, sources=reports)])
    assert failure.value.status is StepStatus.NO_DATA


@pytest.mark.parametrize(("message", "expected"), [("", 0), ("16, 3 clients", 0), (f"16; 12 {LOCKED}; x", 12)])
def test_what_a_message_counts(message: str, expected: Any) -> None:
    assert noted(message, LOCKED) == expected
