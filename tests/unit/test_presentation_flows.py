"""Pools and queues in the rows of services, and in tables of their own."""

from __future__ import annotations

from datetime import UTC, datetime
from math import inf

import pytest
from msgspec.structs import replace

from mcptop import units
from mcptop.headless import table
from mcptop.model.flow import Budget, Confidence, Model, Pool, Queue
from mcptop.model.frame import Frame, NoSeries, Own, Service, pool_key, queue_key
from mcptop.model.instance import Cpu, Instance, Sockets
from mcptop.model.value import Kind
from mcptop.presentation import (
    budgets,
    figures,
    flow_cells,
    flow_columns,
    flow_facts,
    flow_rows,
    flows,
    rows,
    runs,
    sheet,
    tabs,
)
from mcptop.presentation.columns import SERVICES
from mcptop.presentation.filter import parse
from mcptop.presentation.judgement import Level
from mcptop.presentation.row import Depth, Row, View
from mcptop.presentation.sheet import Moment
from tests.unit.alerting import lasting

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
MOMENT = Moment(NOON, NoSeries())


def service(name: str, *replicas: str, project: str | None = "shop", **more) -> Service:
    instances = tuple(Instance(id=one, name=one, cpu=Cpu(0.5)) for one in replicas or (f"shop-{name}-1",))
    return Service(project, name, Kind.CONTAINER, len(instances), instances, **more)


def pool(name: str = "db", in_use: int | None = 5, most: int | None = 10, **more) -> Pool:
    return Pool(**({"name": name, "in_use": in_use, "max": most, "source": "metrics"} | more))


def seen(in_use: int | None, **more) -> Pool:
    return pool("pg:5432", in_use, None, kind="tcp", source="kernel", confidence=Confidence.INFERRED, **more)


def queue(name: str = "jobs", depth: int | None = 5, **more) -> Queue:
    return Queue(**({"name": name, "kind": "queue", "depth": depth, "source": "metrics"} | more))


def frame(*services: Service, budgets: tuple[Budget, ...] = ()) -> Frame:
    made = Frame(1, NOON, None, (), services, (), Own(), 1.0, budgets=budgets)
    return replace(made, alerts=lasting(made))


def judged(*services: Service, budgets: tuple[Budget, ...] = ()) -> list[Row]:
    return rows.of_services(frame(*services, budgets=budgets))


def shown(row: Row, column: str, width: int = 8) -> str:
    return runs.text_of(SERVICES.column(column).cell(row, width, MOMENT)).strip()


@pytest.mark.parametrize(
    ("one", "width", "text"),
    [
        (pool(in_use=50, most=50, waiting=7), 8, "50/50 7w"),
        (pool(in_use=50, most=50, waiting=7), 15, "██████ 50/50 7w"),
        (pool(in_use=5, most=20), 12, "▊       5/20"),
        (pool(in_use=10, most=10, waiting=59), 12, "10/10 59w"),
        (pool(in_use=10, most=10, waiting=59), 8, "100% 59w"),
        (pool(in_use=1000, most=1000, waiting=12), 8, "100% 12w"),
        (pool(in_use=1000, most=1000, waiting=1200), 6, "1200w"),
        (pool(in_use=12, most=None), 8, "12"),
        (pool(in_use=None, most=50), 8, "-"),
        (pool(in_use=None, most=None, open=4123), 8, "≤4123"),
        (pool(in_use=None, most=97, open=52), 8, "≤52/97"),
        (seen(None, open=4123), 8, "≤4123"),
        (pool(in_use=0, most=20), 8, "0/20"),
        (seen(12), 8, "~12"),
        (seen(12), 15, "~12"),
    ],
)
def test_the_pool_column(one, width, text):
    assert shown(judged(service("api", pools=(one,)))[0], "pool", width) == text


@pytest.mark.parametrize(
    ("one", "width", "text"),
    [
        (queue(depth=412, growth_per_s=3.0), 8, "412 ▲3/s"),
        (queue(depth=412, growth_per_s=-3.0), 8, "412 ▼3/s"),
        (queue(depth=412, growth_per_s=3.0), 5, "412 ▲"),
        (queue(depth=12_345, growth_per_s=3.0), 4, "12k▲"),
        (queue(depth=12_345, growth_per_s=3.0), 3, "12k"),
        (queue(depth=412, growth_per_s=0.01), 8, "412"),
        (queue(depth=0), 8, "0"),
        (queue(depth=None, in_flight=3), 8, "-"),
    ],
)
def test_the_queue_column(one, width, text):
    assert shown(judged(service("api", queues=(one,)))[0], "queue", width) == text


def test_a_service_without_pools_costs_nothing_and_shows_a_dash():
    row = judged(service("api"))[0]
    assert row.figures.flow is flows.NO_FLOW
    assert shown(row, "pool") == shown(row, "queue") == units.UNKNOWN


def test_measured_goes_before_inferred_and_the_fullest_before_the_rest():
    one = service("api", pools=(seen(90, connecting=9), pool("a", 1, 10), pool("b", 9, 10), pool("c", 40, None)))
    assert shown(judged(one)[0], "pool") == "9/10"
    waits = service("api", pools=(pool("b", 9, 10), pool("a", 1, 10, waiting=1)))
    assert shown(judged(waits)[0], "pool") == "1/10 1w"


def test_the_queue_that_needs_somebody_goes_before_the_deepest_and_work_before_listeners():
    accept = queue(":80", 9, kind="accept", capacity=128)
    row = judged(service("api", queues=(accept, queue("mail", 3), queue("jobs", 5))))[0]
    assert shown(row, "queue") == "5"
    full = queue("mail", 3, capacity=3)
    assert shown(judged(service("api", queues=(accept, full, queue("jobs", 5))))[0], "queue") == "3"


def test_replicas_are_added_up_and_each_has_its_own():
    names = ("shop-worker-1", "shop-worker-2")
    pools = tuple(pool(in_use=n, most=10, instance=name) for n, name in enumerate(names, 1))
    built = rows.build(judged(service("worker", *names, pools=pools)), View())
    assert [(row.name, shown(row, "pool")) for row in built if row.depth is not Depth.GROUP] == [
        ("worker", "3/20"), ("worker-1", "1/10"), ("worker-2", "2/10"),
    ]  # fmt: skip
    unlimited = (pools[0], pool(in_use=2, most=None, instance=names[1]))
    assert shown(judged(service("worker", *names, pools=unlimited))[0], "pool") == "3"


def test_the_group_counts_what_is_measured_and_nothing_twice():
    built = rows.build(
        judged(
            service("api", pools=(pool(in_use=50, most=50, waiting=7),), queues=(queue(depth=412),)),
            service("worker", pools=(pool(in_use=2, most=20),)),
            service("ui", pools=(seen(33),)),
            service("pg", pools=(pool("connections", 52, 97, kind="server"),)),
            service("redis", queues=(queue(depth=412, kind="broker"),)),
        ),
        View(),
    )
    assert built[0].depth is Depth.GROUP
    assert shown(built[0], "pool") == "7w"
    assert shown(built[0], "queue") == "412"


def test_a_group_where_nobody_waits_shows_its_fullest_pool():
    pools = [service("api", pools=(pool(in_use=3, most=532),)), service("worker", pools=(pool(in_use=8, most=20),))]
    assert shown(rows.build(judged(*pools), View())[0], "pool", 24) == "40%"
    assert shown(rows.build(judged(service("api", pools=(pool(most=None),))), View())[0], "pool") == units.UNKNOWN


def test_the_pool_of_a_row_stays_until_another_one_is_clearly_worse():
    kept: flows.Shown = {}

    def use(*pools: Pool) -> str:
        row = rows.of_services(frame(service("api", pools=pools)), kept)[0]
        return shown(row, "pool", 26).split()[0]

    assert use(pool("b", 10, 100), pool("a", 10, 100)) == "a"
    assert use(pool("b", 25, 100), pool("a", 10, 100)) == "a"
    assert use(pool("b", 30, 100), pool("a", 10, 100)) == "b"
    assert use(pool("b", 30, 100), pool("a", 49, 100)) == "b"
    assert use(pool("b", 30, 100), pool("a", 49, 100, waiting=1)) == "a"
    assert use(pool("b", 30, 100, waiting=10), pool("a", 49, 100, waiting=9)) == "a"
    assert use(pool("b", 30, 100, waiting=12), pool("a", 49, 100, waiting=9)) == "b"
    assert use(seen(90), pool("a", 1, 100)) == "a", "what is gone is not shown"


def test_replicas_show_the_pool_of_their_service():
    names = ("shop-api-1", "shop-api-2")
    pools = tuple(pool(which, used, 100, instance=name) for name in names
                  for which, used in (("a", 30), ("b", 30 if name == names[0] else 38)))  # fmt: skip
    built = rows.build(judged(service("api", *names, pools=pools)), View(tree=False))
    assert [shown(row, "pool", 26).split()[0] for row in built] == ["b", "b", "b"]


def test_a_group_with_a_broker_only_shows_its_entries():
    built = rows.build(judged(service("redis", queues=(queue(depth=412, kind="broker"),))), View())
    assert shown(built[0], "queue") == "412"
    nothing = rows.build(judged(service("ui", pools=(seen(33),))), View())
    assert shown(nothing[0], "pool") == units.UNKNOWN


def test_reasons_of_pools_are_reasons_of_their_service_and_of_the_replica_that_has_them():
    names = ("shop-worker-1", "shop-worker-2")
    whole = queue(depth=9, capacity=9)
    waits = pool(in_use=10, waiting=3, wait_s=2.0, instance=names[1])
    row = judged(service("worker", *names, pools=(waits,), queues=(whole,)))[0]
    assert row.judgement.level is Level.CRITICAL
    assert row.judgement.reasons == (
        "worker-2 db pool 10/10 in use, 3 waiting for 2.0 s", "jobs queue 9/9 is nearly full",
    )  # fmt: skip
    first, second = [one for one in rows.build([row], View()) if one.depth is Depth.INSTANCE]
    assert (first.judgement.level, second.judgement.level) == (Level.OK, Level.CRITICAL)


def test_what_belongs_to_a_replica_that_is_gone_belongs_to_the_service():
    gone = pool(in_use=10, waiting=3, instance="shop-worker-9")
    row = judged(service("worker", "shop-worker-1", "shop-worker-2", pools=(gone,)))[0]
    assert row.judgement.reasons == ("db pool 10/10 in use, 3 waiting",)


def test_close_wait_is_said_once_by_whom_knows_the_peer():
    def reasons(*pools):
        one = Instance(id="a", name="a", cpu=Cpu(0.5), sockets=Sockets(close_wait=7))
        return rows.of_services(frame(Service("shop", "api", Kind.CONTAINER, 1, (one,), pools)))[0].judgement.reasons

    assert reasons() == ("7 sockets in CLOSE_WAIT: peer closed, service did not",)
    assert len(reasons(seen(3, close_wait=7))) == 1
    assert "to pg:5432" in reasons(seen(3, close_wait=7))[0]


def test_an_exceeded_budget_is_a_warning_of_the_server():
    budget = Budget(
        "pg", 97, "max_connections 100 - 3 reserved", (), 170, "api db 50 x 3 = 150 > 97", True, "shop",
        "container:shop/pg",
    )  # fmt: skip
    api, server = judged(service("api", pools=(pool(),)), service("pg"), budgets=(budget,))
    assert api.judgement.level is Level.OK
    assert server.judgement.level is Level.WARNING
    assert "150 > 97" in server.judgement.reasons[0]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("pool%>80", {"api"}), ("pool%<80", {"worker"}), ("waiting>0", {"api"}), ("waiting>=0", {"api"}),
        ("wait>0.5", {"api"}), ("queue>100", {"worker"}), ("queue<101", set()),
    ],
)  # fmt: skip
def test_filters_of_services(text, found):
    api = service("api", pools=(pool(in_use=9, waiting=1, wait_s=0.6),))
    worker = service("worker", pools=(pool(in_use=1),), queues=(queue(depth=412),))
    built = rows.build(judged(api, worker, service("ui")), View(filter=parse(text)))
    assert {row.name for row in built if row.depth is Depth.SERVICE} == found


@pytest.mark.parametrize(
    ("text", "found"),
    [("pool%>80", ["db"]), ("pg:", ["pg:5432"]), ("kernel", ["pg:5432"]), ("level=warn", ["db"]),
     ("kind=tcp", ["pg:5432"]), ("cpu>40", ["db", "http", "pg:5432"]), ("shop http", ["http"]), ("queue>0", [])],
)  # fmt: skip
def test_filters_of_pools_ask_the_pool_and_its_service(text, found):
    one = service("api", pools=(pool(in_use=9, waiting=1), pool("http", 1), seen(3)))
    kept = flow_rows.pools(judged(one), View(filter=parse(text)))
    assert sorted(row.label for row in kept) == found


def test_pools_stand_worst_first():
    one = service("api", pools=(pool("calm", 10), pool("vain", 1, timeouts_per_s=1.0), pool("waits", 9, waiting=2)))
    by_rank = View(flow_columns.POOLS.column("level").sort)
    assert [row.label for row in flow_rows.pools(judged(one), by_rank)] == ["vain", "waits", "calm"]
    by_name = View(flow_columns.POOLS.column("pool").sort, descending=False)
    assert [row.label for row in flow_rows.pools(judged(one), by_name)] == ["calm", "vain", "waits"]


@pytest.mark.parametrize(
    ("one", "seconds", "text"),
    [
        (queue(depth=400, in_per_s=1.0, out_per_s=5.0), 100.0, "1m 40s"),
        (queue(depth=400, in_per_s=5.0, out_per_s=1.0), inf, "never"),
        (queue(depth=400, in_per_s=5.0, out_per_s=5.0), inf, "-"),
        (queue(depth=2, growth_per_s=4.0), inf, "-"),
        (queue(depth=3, growth_per_s=0.05), inf, "-"),
        (queue(depth=400, growth_per_s=-4.0), 100.0, "1m 40s"),
        (queue(depth=400, growth_per_s=4.0), inf, "never"),
        (queue(depth=0, growth_per_s=0.0), 0.0, "0"),
        (queue(depth=400), None, "-"),
        (queue(depth=None, in_per_s=1.0, out_per_s=5.0), None, "-"),
    ],
)
def test_time_to_drain(one, seconds, text):
    (row,) = flow_rows.queues(judged(service("api", queues=(one,))), View())
    assert row.drain_s == seconds
    assert flow_columns.drain(row) == text


def test_keys_tell_replicas_and_sources_apart():
    one = service("api", pools=(pool(instance="a"), pool(instance="b"), pool(), pool(source="kernel")))
    keys = {pool_key(one, each) for each in one.pools}
    assert len(keys) == 4
    assert f"{one.key}#pool/a/db/metrics" in keys
    assert queue_key(one, queue()) == f"{one.key}#queue//jobs/metrics"


@pytest.mark.parametrize("width", [*range(10, 130), 199, 300])
def test_no_line_of_a_pool_or_queue_is_wider_than_the_table(width):
    wide = pool("p" * 300, 10**9, 10**9, peer="数" * 99, instance="y", waiting=10**6, wait_s=1e9)
    deep = queue("q" * 300, 10**9, growth_per_s=1e9, in_per_s=1e9, out_per_s=1.0, capacity=10**9)
    odd = service("数据" * 40, "x", "y", pools=(wide, pool("", None, None)), queues=(deep, queue("", None)))
    made = judged(odd)
    for columns, built in (
        (flow_columns.POOLS, flow_rows.pools(made, View())),
        (flow_columns.QUEUES, flow_rows.queues(made, View())),
    ):
        placed = columns.place(width)
        expected = 1 + sum(item.width + 1 for item in placed)
        assert expected <= width
        for row in built:
            assert runs.width(sheet.line(row, placed, MOMENT)) + 1 == expected
        assert runs.width(sheet.heading(placed, "level", True)) == expected


def test_the_promised_columns_of_pools_and_queues_are_there():
    def at(columns, width):
        return {item.column.id for item in columns.place(width - 1)}

    narrow = {"level", "service", "pool", "used", "waiting", "wait", "timeouts", "source"}
    assert narrow <= at(flow_columns.POOLS, 80)
    assert narrow | {"peer", "longest", "connecting", "closed"} <= at(flow_columns.POOLS, 120)
    assert at(flow_columns.POOLS, 200) == {column.id for column in flow_columns.POOLS.columns}
    assert {"level", "service", "queue", "depth", "oldest", "in", "out", "growth", "drain"} <= at(
        flow_columns.QUEUES, 80
    )
    assert at(flow_columns.QUEUES, 120) == {column.id for column in flow_columns.QUEUES.columns}


def test_tabs_show_the_worst_of_what_needs_somebody():
    api = service("api", pools=(pool(waiting=3), pool("b", waiting=3, wait_s=2.0), pool("c")), queues=(queue(),))
    worst = tabs.trouble(judged(api, service("ui")))
    assert worst == {"pools": Level.CRITICAL, "queues": Level.OK}
    words = ["".join(runs.text_of(piece).split()) for piece, _ in tabs.pieces("overview", worst, 200)]
    assert words[:3] == ["1Overview", "2Pools✖", "3Queues"]


def test_models_of_a_runner_and_of_its_replica():
    names = ("shop-runner-1", "shop-runner-2")
    models = (
        Model("llama3", 4 << 30, limit_bytes=8 << 30, instance=names[0]), Model("q\x1b[2Jwen", instance=names[1]),
    )  # fmt: skip
    row = judged(service("runner", *names, models=models))[0]
    assert runs.text_of(flow_facts.brief(row, 120)[0]).strip() == "models llama3 4.0G/8.0G, q [2Jwen -"
    first = next(one for one in rows.build([row], View()) if one.depth is Depth.INSTANCE)
    assert runs.text_of(flow_facts.listed(first, 120, 5)[0]).strip() == "models llama3 4.0G/8.0G"
    assert flow_facts.brief(judged(service("ui"))[0], 120) == []


def test_a_long_list_of_pools_counts_what_is_left_out():
    row = judged(service("api", pools=tuple(pool(f"p{n}") for n in range(9))))[0]
    lines = [runs.text_of(line).strip() for line in flow_facts.listed(row, 120, 4)]
    assert len(lines) == 4
    assert lines[-1] == "and 6 more"


def test_the_snapshot_table_has_pools_and_queues():
    names = ("shop-api-1", "shop-api-2")
    whole = pool("http", 3, 4)
    one = service("api", *names, pools=(pool(in_use=10, waiting=7, instance=names[1]), whole), queues=(queue(depth=7),))
    text = table.render(frame(one), (one,))
    first, second = [line for line in text.splitlines() if " api-" in line]
    assert " POOL " in text
    assert " QUEUE " in text
    assert ("3/4" in first, "7" in first, "10/10 7w" in second) == (True, True, True)
    assert "db pool 10/10 in use, 7 waiting" in second


def test_the_snapshot_table_in_a_pipe_cuts_and_fills_nothing():
    names = [f"{'shop-api-' * 6}{n}" for n in (1, 2)]
    one = service(
        "api", *names, project="a-project-with-a-name-of-its-own", pools=(pool(waiting=7, instance=names[1]),)
    )
    lines = table.render(frame(one), (one,)).splitlines()
    assert [line.split()[1:3] for line in lines[1:]] == [[one.project, name] for name in names]
    assert not any(line.endswith(" ") for line in lines)


def test_long_reasons_and_hostile_names_cost_no_figure():
    name = "a\x1b[2J" + "x" * 90
    pools = tuple(pool(name, in_use=10, waiting=7, wait_s=2.0) for _ in range(3))
    one = service(name, pools=pools, project=name)
    text = table.render(frame(one), (one,))
    assert "30/30 21w" in text
    assert "50%" in text
    assert "\x1b" not in text


def test_a_sum_of_figures_keeps_the_flow_of_its_service():
    one = service("api", "a", "b", pools=(pool(),))
    flow = flows.of_service(one)
    assert figures.of_service(one, flow).flow is flow
    assert flow_cells.pool_order(judged(one)[0]) is not None


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0.0, "0/s"), (0.004, "<0.1/s"), (0.44, "0.4/s"), (3.0, "3/s"), (412.0, "412/s"), (12_000.0, "12k/s"),
     (-3.0, "-3/s"), (inf, "-")],
)  # fmt: skip
def test_rates(value, text):
    assert units.rate(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (0.0301, "30 ms"), (1.24, "1.2 s"), (0.9999, "1.0 s"), (130.0, "2m 10s")]
)
def test_spans(value, text):
    assert units.span(value) == text


def test_servers_of_one_name_are_told_apart_by_their_projects():
    def budget(name: str, project: str) -> Budget:
        return Budget(name, None, "", (), 5, "api db 5 = 5", None, project)

    said = [
        runs.text_of(line) for line in budgets.lines((budget("pg", "a"), budget("pg", "b"), budget("x", "a")), 80, 3)
    ]
    assert [line.split()[1] for line in said] == ["a/pg", "b/pg", "x"]
