"""Readings of pools and queues to figures: rates, waits, growth, peers and maxima joined, age, history."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mcptop.analysis.budget import budgets
from mcptop.analysis.ceiling import FLAT_S, Ceiling
from mcptop.assembly import Assembler
from mcptop.history import History
from mcptop.model.flow import Pool, Queue
from mcptop.model.flow_reading import FlowReading, PoolReading, QueueReading
from mcptop.model.frame import Service, pool_key, queue_key
from mcptop.model.snapshot import Snapshot, Target
from mcptop.model.value import Kind


def target(id: str = "a", service: str = "api", **more) -> Target:
    """A container."""
    return Target(id=id, name=f"{service}-{id}", kind=Kind.CONTAINER, project="shop", service=service, **more)


def reading(at: float, *parts: PoolReading | QueueReading, source: str = "metrics") -> FlowReading:
    """What one source says."""
    pools = tuple(part for part in parts if isinstance(part, PoolReading))
    return FlowReading(at, source, pools, tuple(part for part in parts if isinstance(part, QueueReading)))


class Watch:
    """An assembler fed by hand."""

    def __init__(self, *targets: Target) -> None:
        self.history = History(100)
        self.assembler = Assembler(self.history)
        self.targets = targets or (target(),)

    def see(self, at: float, flows: dict[str, tuple[FlowReading, ...]]) -> tuple[Service, ...]:
        """One tick."""
        self.history.begin(at)
        moment = datetime.fromtimestamp(at, UTC)
        snapshot = Snapshot(moment, at, None, self.targets, {}, {}, {}, (), {}, flows=flows)
        return self.assembler.services(snapshot)

    def pool(self, at: float, *parts: PoolReading) -> Pool:
        """The first pool of the first service, after one source has said this."""
        return self.see(at, {"a": (reading(at, *parts),)})[0].pools[0]

    def queue(self, at: float, part: QueueReading) -> Queue:
        """The queue, after its source has said this."""
        return self.see(at, {"a": (reading(at, part),)})[0].queues[0]


def test_what_is_unknown_stays_unknown() -> None:
    pool = Watch().pool(0.0, PoolReading("db"))
    known = {"name": "db", "instance": "api-a", "source": "metrics", "confidence": "measured"}
    assert {f: v for f in pool.__struct_fields__ if (v := getattr(pool, f)) is not None} == known


def test_a_wait_is_the_mean_of_those_since_the_look_before() -> None:
    watch = Watch()
    first = watch.pool(0.0, PoolReading("db", waits_total=10, wait_seconds_total=100.0, timeouts_total=1))
    assert (first.wait_s, first.waits_per_s, first.timeouts, first.timeouts_per_s) == (None, None, 1, None)
    then = watch.pool(5.0, PoolReading("db", waits_total=20, wait_seconds_total=103.0, timeouts_total=3))
    assert then.wait_s == pytest.approx(0.3)
    assert then.waits_per_s == pytest.approx(2.0)
    assert (then.timeouts, then.timeouts_per_s) == (3, pytest.approx(0.4))
    quiet = watch.pool(10.0, PoolReading("db", waits_total=20, wait_seconds_total=103.0, timeouts_total=3))
    assert (quiet.wait_s, quiet.waits_per_s, quiet.timeouts_per_s) == (None, 0.0, 0.0)


def test_a_restart_is_no_negative_rate() -> None:
    watch = Watch()
    watch.queue(0.0, QueueReading("jobs", entered_total=500, left_total=400))
    assert watch.queue(5.0, QueueReading("jobs", entered_total=3, left_total=1)).in_per_s is None


def test_a_queue_grows_by_what_enters_and_leaves() -> None:
    watch = Watch()
    watch.queue(0.0, QueueReading("jobs", depth=0, entered_total=0, left_total=0))
    queue = watch.queue(10.0, QueueReading("jobs", depth=99, entered_total=50, left_total=20))
    assert (queue.in_per_s, queue.out_per_s, queue.growth_per_s) == (5.0, 2.0, 3.0)


def test_a_queue_without_counters_grows_by_its_depth_over_half_a_minute() -> None:
    watch = Watch()
    growths = [watch.queue(at, QueueReading("jobs", depth=int(at))).growth_per_s for at in (0.0, 10.0, 20.0, 30.0)]
    assert growths == [None, 1.0, 1.0, 1.0]
    for at in (40.0, 50.0, 60.0):
        last = watch.queue(at, QueueReading("jobs", depth=30))
    assert last.growth_per_s == 0.0
    assert last.in_per_s is None


def test_the_same_reading_is_not_a_new_look() -> None:
    watch = Watch()
    watch.see(0.0, {"a": (reading(0.0, QueueReading("jobs", entered_total=0)),)})
    second = reading(5.0, QueueReading("jobs", entered_total=10))
    for at in (5.0, 6.0, 7.0):
        services = watch.see(at, {"a": (second,)})
        assert services[0].queues[0].in_per_s == 2.0


def test_late_figures_say_how_late() -> None:
    watch = Watch()
    once = reading(0.0, PoolReading("db", in_use=3))
    assert watch.see(1.0, {"a": (once,)})[0].pools[0].age_s is None
    assert watch.see(31.0, {"a": (once,)})[0].pools[0].age_s == 31.0
    assert watch.see(32.0, {"a": (reading(32.0, PoolReading("db", in_use=3)),)})[0].pools[0].age_s is None


def test_the_only_database_is_the_other_end_of_the_database_pool() -> None:
    measured = reading(0.0, PoolReading("main", "db", in_use=4, max=50))
    kernel = reading(0.0, PoolReading("postgres", "db", "postgres", open=9), source="kernel")
    pools = Watch().see(0.0, {"a": (measured, kernel)})[0].pools
    assert [(pool.peer, pool.max, pool.max_source) for pool in pools] == [
        ("postgres", 50, None), ("postgres", 50, "metrics"),
    ]  # fmt: skip
    two = reading(0.0, *(PoolReading(name, "db", name, open=1) for name in ("one", "two")), source="kernel")
    assert Watch().see(0.0, {"a": (measured, two)})[0].pools[0].peer is None


def test_what_the_owner_says_goes_before_what_was_concluded() -> None:
    measured = reading(0.0, PoolReading("main", "db", in_use=4, max=50))
    concluded = PoolReading("postgres", "db", "postgres", open=9, max=15, max_source="SQLAlchemy's default, 5 + 10")
    kernel = reading(0.0, concluded, source="kernel")
    pools = Watch().see(0.0, {"a": (measured, kernel)})[0].pools
    assert [(pool.max, pool.max_source) for pool in pools] == [(50, None), (50, "metrics")]
    (alone,) = Watch().see(0.0, {"a": (kernel,)})[0].pools
    assert (alone.max, alone.max_source) == (15, "SQLAlchemy's default, 5 + 10")


def test_a_pool_is_of_one_process_and_connections_are_of_all() -> None:
    watch = Watch(target(environment=(("WEB_CONCURRENCY", 4),)), target("p", "postgres"))
    kernel = reading(0.0, PoolReading("postgres", "db", "postgres", open=9), source="kernel")
    measured = reading(0.0, PoolReading("main", "db", in_use=4, max=20))
    services = watch.see(0.0, {"a": (measured, kernel)})
    assert [pool.max for pool in services[0].pools] == [20, 80]
    assert [budget.says for budget in watch.assembler.budgets(services)] == ["api main 20 x 4 = 80"]
    promised = reading(1.0, PoolReading("postgres", "db", "postgres", open=9, max=80, max_source="x"), source="kernel")
    services = watch.see(1.0, {"a": (reading(1.0, PoolReading("main", "db", in_use=4)), promised)})
    assert [pool.max for pool in services[0].pools] == [20, 80]
    assert [budget.says for budget in watch.assembler.budgets(services)] == ["api main 20 x 4 = 80"]


def test_a_plateau_below_the_number_of_processes_is_no_pool_of_nothing() -> None:
    watch = Watch(target(environment=(("WEB_CONCURRENCY", 4),)))
    kernel = reading(0.0, PoolReading("pg", "db", "pg", open=2, max=2, max_source="never above 2"), source="kernel")
    services = watch.see(0.0, {"a": (reading(0.0, PoolReading("main", "db", in_use=1)), kernel)})
    assert [pool.max for pool in services[0].pools] == [1, 2]
    assert all(share.max == 1 for budget in watch.assembler.budgets(services) for share in budget.shares)


def test_the_history_of_pools_and_queues_is_kept() -> None:
    watch = Watch()
    for at in (0.0, 1.0):
        part = reading(at, PoolReading("db", in_use=3 + int(at), waiting=1), QueueReading("jobs", depth=7))
        service = watch.see(at, {"a": (part,)})[0]
    assert watch.history.tail(pool_key(service, service.pools[0]), "pool.in_use", 2, 1) == [3.0, 4.0]
    assert watch.history.tail(queue_key(service, service.queues[0]), "queue.depth", 2, 1) == [7.0, 7.0]


def test_a_ceiling_needs_all_connections_busy_for_a_while() -> None:
    ceiling = Ceiling()
    assert ceiling.update(0.0, 20, 3) is None
    assert ceiling.update(FLAT_S * 2, 20, 3) is None
    assert ceiling.update(FLAT_S * 2 + 1, 20, 20) is None
    found = ceiling.update(FLAT_S * 3 + 1, 20, 20)
    assert found is not None
    assert found[0] == 20
    assert ceiling.update(FLAT_S * 3 + 2, 21, 21) is None


@pytest.mark.parametrize(("allowed", "exceeded", "verdict"), [(97, True, " > 97"), (200, False, " <= 200")])
def test_the_budget_is_the_sum_written_out(allowed: int, exceeded: bool, verdict: str) -> None:
    watch = Watch(
        *(target(id, "api") for id in "abc"),
        target("w", "worker", environment=(("WEB_CONCURRENCY", 2),)),
        target("p", "postgres"),
    )
    api = reading(0.0, PoolReading("db", "db", "postgres", max=50))
    worker = reading(0.0, PoolReading("db", "db", "postgres", max=10))
    server = reading(0.0, PoolReading("connections", "server", max=allowed, max_source="max_connections 100 - 3"))
    flows = {**{id: (api,) for id in "abc"}, "w": (worker,), "p": (server,)}
    services = watch.see(0.0, flows)
    found = watch.assembler.budgets(services)
    assert [budget.says for budget in found] == [f"api db 50 x 3 + worker db 10 x 2 = 170{verdict}"]
    assert (found[0].total, found[0].exceeded, found[0].allowed_says) == (170, exceeded, "max_connections 100 - 3")


def test_a_budget_without_a_server_that_answers_is_undecided() -> None:
    pool = Pool("db", "db", "postgres", max=50)
    service = Service("shop", "api", Kind.CONTAINER, 1, (), (pool,))
    (found,) = budgets([service], {})
    assert (found.says, found.allowed, found.exceeded) == ("api db 50 = 50", None, None)


def served(project: str | None, name: str, allowed: int | None = None, *pools: Pool) -> Service:
    limit = () if allowed is None else (Pool("connections", "server", max=allowed),)
    return Service(project, name, Kind.CONTAINER, 1, (), (*limit, *pools))


def test_servers_of_one_name_have_budgets_of_their_own() -> None:
    client = Pool("db", "db", "pg", max=50)
    guest = Pool("db", "db", "one/pg", max=20)
    services = (
        served("one", "api", None, client), served("one", "pg", 97), served("two", "api", None, client),
        served("two", "pg", 40), served("three", "api", None, client), served(None, "job", None, guest),
    )  # fmt: skip
    found = budgets(services, {})
    assert [(budget.project, budget.service, budget.says) for budget in found] == [
        ("one", "container:one/pg", "api db 50 + job db 20 = 70 <= 97"),
        ("three", None, "api db 50 = 50"),
        ("two", "container:two/pg", "api db 50 = 50 > 40"),
    ]


def test_a_server_of_no_project_is_everybodys() -> None:
    client = Pool("db", "db", "pg", max=50)
    asked = Service(None, "pg", Kind.SERVER, 1, (), (Pool("connections", "server", max=97),))
    (found,) = budgets((served("one", "api", None, client), served("two", "api", None, client), asked), {})
    assert (found.service, found.total, found.exceeded) == ("server:/pg", 100, True)


def test_what_a_source_names_no_more_is_forgotten() -> None:
    watch = Watch()
    for at in range(50):
        watch.see(at, {"a": (reading(at, QueueReading(f"job-{at}", depth=1), PoolReading(f"p-{at}", open=3)),)})
    source = watch.assembler._flows._sources["a", "metrics"]
    assert list(source._depths) == ["job-49"]
    assert list(source._ceilings) == ["p-49"]
