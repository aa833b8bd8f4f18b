"""Limits, reservations and replicas by what was seen: the arithmetic, and what is never done."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mcptop.advice import memory, placement, replicas
from mcptop.advice.gather import Gatherer
from mcptop.advice.observed import Change, Kill, Observed, Replica, usage_of
from mcptop.advice.recommend import Status, limits, recommend
from mcptop.advice.replicas import Client
from mcptop.advice.sized import Advice, Confidence
from mcptop.advice.track import Told, Track
from mcptop.model.flow import Budget, Model, Share
from mcptop.model.flow_reading import PoolReading, QueueReading
from mcptop.model.swarm import Swarm, SwarmService
from mcptop.model.value import Kind
from tests.unit.advising import MIB, Part, busy, level, observed, snapshots


def worker(number: int = 1, **changes: Any) -> Part:
    """The one of the example: 918 MiB at its peak, of 1024, and killed once."""
    values = {"cores": busy(0.2, 0.41), "used": busy(700, 918), "limit": 1024, "quota": 1.0} | changes
    return Part("mcp-worker", number, **values)


def test_a_kill_raises_the_limit_by_a_fifth_in_whole_steps() -> None:
    one = recommend(observed(worker(kills=[2.03])))
    assert (one.memory.advice, one.memory.wanted) == (Advice.RAISE, 1280 * MIB)
    assert one.memory.rule == (
        "max(peak 918 MiB x 1.15 = 1056 MiB, OOM 1024 MiB x 1.2 = 1229 MiB), rounded up to 64 MiB")  # fmt: skip
    assert one.memory.rejected == "KRR adds 25% after a kill: 1281 MiB"
    assert (one.status, one.confidence) == (Status.ACUTE, Confidence.MEDIUM)
    (kill,) = memory.kills_of(one.seen)
    assert (kill.limit, kill.count) == (1024 * MIB, 1)


def test_of_little_memory_a_kill_adds_a_hundred_mib() -> None:
    one = recommend(observed(worker(used=level(120), limit=128, kills=[2.0])))
    assert one.memory.rule.startswith("max(peak 120 MiB x 1.15 = 138 MiB, OOM 128 MiB + 100 MiB = 228 MiB)")
    assert one.memory.wanted == 256 * MIB


def test_a_kill_that_was_answered_by_a_larger_limit_is_no_reason_to_change_it() -> None:
    usage = usage_of([900.0 * MIB] * 2000)
    replica = Replica("a", "a", memory=usage, memory_limit=2048.0 * MIB, kills=(Kill(100.0, 1024.0 * MIB),))
    seen = Observed("p", "s", Kind.CONTAINER, (replica,), 0.0, 26 * 3600.0, 1560, 1.0, 60.0)
    sized = memory.limit(seen)
    assert (sized.advice, sized.is_acute) == (Advice.KEEP, False)
    assert "has a larger limit since" in sized.because


@pytest.mark.parametrize("limit", [640, 1280, 1536])
def test_a_kill_before_the_first_look_does_not_raise_the_limit_again(limit: int) -> None:
    """The kernel's count goes on over `docker update`: the same kill, at 512 MiB, stands beside every larger limit."""
    old = recommend(observed(worker(used=level(400), limit=limit, kills=[-1.0])))
    assert (old.memory.advice, old.memory.is_acute) == (Advice.KEEP, False)
    assert old.memory.because.endswith("at which limit is not known; since then it took 400 MiB at most")
    assert old.memory_reserved.wanted is not None
    assert old.memory_reserved.wanted <= 512 * MIB
    models = Model("a", 100 * MIB)
    run = recommend(
        observed(Part("runner", cores=level(1.0), used=level(400), limit=limit, kills=[-1.0], models=(models,)))
    )
    assert (run.memory.advice, run.status) == (Advice.KEEP, Status.FITS)


def test_a_kill_before_the_first_look_counts_where_nearly_all_is_used_again() -> None:
    near = recommend(observed(worker(used=level(630), limit=640, kills=[-1.0])))
    assert (near.memory.advice, near.memory.wanted, near.status) == (Advice.RAISE, 768 * MIB, Status.ACUTE)


def test_a_limit_that_was_raised_after_a_kill_is_not_raised_for_it_again() -> None:
    track = Track(worker().target)
    for minute in range(600):
        at_512 = minute < 200
        track.told(Told(used=400.0 * MIB if at_512 else 600.0 * MIB, memory_limit=(512.0 if at_512 else 640.0) * MIB,
                        kills=float(minute >= 199)), 60.0 * minute)  # fmt: skip
    seen = Observed("mcp", "mcp-worker", Kind.CONTAINER, (track.replica(True),), 0.0, 36_000.0, 600)
    sized = memory.limit(seen)
    assert (sized.wanted, sized.is_acute) == (704 * MIB, False), "its peak and 15 %, no more"


def test_where_the_kernel_does_not_count_the_engine_tells_of_kills_as_they_happen() -> None:
    track, part = Track(worker().target), worker(used=level(400), limit=512)
    for minute in range(200):
        reading = part.reading(minute)
        assert reading is not None
        target = replace(part.target, oom_events=int(minute >= 100))
        track.look(target, replace(reading, oom_kills=None), 60.0 * minute)
    assert [kill.at for kill in track.replica(True).kills] == [6000.0]


def test_the_replica_that_uses_most_decides() -> None:
    one = recommend(observed(worker(1, used=level(300)), worker(2, used=level(980))))
    assert one.memory.advice is Advice.RAISE
    assert one.memory.wanted == 1152 * MIB
    assert len(one.seen.running) == 2


@pytest.mark.parametrize(
    ("hours", "cores", "skip", "advice", "says"),
    [
        (26, busy(0.02, 0.4), None, Advice.LOWER, ""),
        (20, busy(0.02, 0.4), None, Advice.KEEP, "it takes 24 h"),
        (26, level(0.001), None, Advice.KEEP, "before a busy period was seen"),
        (26, busy(0.02, 0.4), lambda hour: 10 < hour < 20, Advice.KEEP, "of the looks"),
    ],
)
def test_nothing_is_lowered_before_a_day_with_work_was_seen(
    hours: float, cores: Any, skip: Any, advice: Advice, says: str
) -> None:
    part = Part("api", cores=cores, used=level(300), limit=4096, quota=8.0)
    one = recommend(observed(part, hours=hours, skip=skip or (lambda hour: False)))
    assert (one.memory.advice, one.cpu.advice) == (advice, advice)
    if advice is Advice.LOWER:
        assert (one.memory.wanted, one.cpu.wanted) == (384 * MIB, 0.5)
    assert says in one.memory.because
    assert says in one.cpu.because


@pytest.mark.parametrize(
    ("hours", "cores", "advice"),
    [(26, busy(0.02, 0.4), Advice.SET), (5, busy(0.02, 0.4, 2, 3), Advice.KEEP), (26, level(0.001), Advice.KEEP)],
)
def test_a_limit_where_there_is_none_takes_as_much_as_a_lower_one(hours: float, cores: Any, advice: Advice) -> None:
    one = recommend(observed(Part("api", cores=cores, used=level(300)), hours=hours))
    assert (one.memory.advice, one.memory.wanted) == (advice, 384 * MIB)


@pytest.mark.parametrize("limit", [8192.0 * MIB, None])
def test_what_lives_on_pages_of_files_gets_no_tighter_limit(limit: float | None) -> None:
    """Weights that nobody tells the size of, or a database: the working set does not count pages that wait for use."""
    usage, cpu = usage_of([700.0 * MIB] * 2000), usage_of([1.0] * 2000)
    replica = Replica("a", "a", memory=usage, cpu=cpu, memory_limit=limit, was_busy=True,
                      anon_peak=600.0 * MIB, file_peak=5000.0 * MIB)  # fmt: skip
    seen = Observed(None, "model-runner", Kind.CONTAINER, (replica,), 0.0, 72 * 3600.0, 2000, 1.0, 60.0)
    sized = memory.limit(seen)
    assert (sized.advice, sized.because.rpartition("; ")[2]) == (
        Advice.KEEP,
        "nothing is lowered or set where most of the memory is pages of files: with less it reads them again",
    )
    shared = replace(seen, replicas=(replace(replica, shmem_peak=5000.0 * MIB),))
    assert memory.limit(shared).advice in (Advice.LOWER, Advice.SET), "shared memory is its own"


@pytest.mark.parametrize("limit", [1024.0, 1152.0, 1408.0])
def test_pages_of_files_that_fill_any_limit_do_not_raise_it(limit: float) -> None:
    """A tenth is its own, and the kernel keeps pages of files as long as there is room: 97 % of every limit."""
    usage = usage_of([0.97 * limit * MIB] * 2000)
    replica = Replica("a", "a", memory=usage, memory_limit=limit * MIB, anon_peak=0.1 * limit * MIB,
                      file_peak=0.87 * limit * MIB, shmem_peak=0.0, pressure_peak=0.0)  # fmt: skip
    seen = Observed(None, "files", Kind.CONTAINER, (replica,), 0.0, 72 * 3600.0, 2000, 1.0, 60.0)
    one = recommend(seen)
    assert (one.status, one.memory.advice, one.memory.wanted) == (Status.FITS, Advice.KEEP, limit * MIB)
    assert "no kill was seen, and no task that waits for memory" in one.memory.because
    old = (Kill(None, limit * MIB),)
    assert memory.limit(replace(seen, replicas=(replace(replica, kills=old),))).advice is Advice.KEEP
    for change in ({"kills": (Kill(1.0, limit * MIB),)}, {"pressure_peak": 0.2}, {"anon_peak": 0.8 * limit * MIB},
                   {"shmem_peak": 0.8 * limit * MIB}, {"shmem_peak": None}):  # fmt: skip
        assert memory.limit(replace(seen, replicas=(replace(replica, **change),))).advice is Advice.RAISE, change


def test_nothing_is_lowered_by_one_replica_of_those_that_run() -> None:
    """Tasks of a Swarm on nodes that nobody samples."""
    (known,) = observed(Part("api", cores=busy(0.02, 0.4), used=level(300), limit=4096, quota=8.0)).replicas
    seen = observed(Part("api", cores=busy(0.02, 0.4), used=level(300), limit=4096, quota=8.0))
    assert [each.advice for each in limits(seen)] == [Advice.LOWER, Advice.LOWER]
    found = limits(replace(seen, replicas=(known, Replica("task:b", "api.2"))))
    assert [each.advice for each in found] == [Advice.KEEP, Advice.KEEP]
    assert "while 1 of 2 replicas have no figures" in found[1].because


def test_memory_that_was_reached_is_never_lowered() -> None:
    """At its limit it might have used more; so it is raised instead."""
    one = recommend(observed(Part("api", cores=busy(0.1, 0.9), used=busy(200, 1020), limit=1024)))
    assert one.memory.advice is Advice.RAISE


def test_a_quota_that_holds_back_is_raised_by_what_it_held_back() -> None:
    one = recommend(observed(worker(cores=level(0.5), quota=0.5, throttled=0.4)))
    assert (one.cpu.advice, one.cpu.wanted, one.cpu.is_acute) == (Advice.RAISE, 0.7, True)
    assert one.cpu.because == "the quota holds it back in 40% of the periods"
    mild = recommend(observed(worker(cores=level(0.4), quota=0.5, throttled=0.1)))
    assert (mild.cpu.advice, mild.cpu.wanted, mild.cpu.is_acute) == (Advice.RAISE, 0.55, False)


@pytest.mark.parametrize(
    ("looks", "throttled", "advice"),
    [(20, 0.6, Advice.UNKNOWN), (40, 0.6, Advice.RAISE), (40, 0.1, Advice.UNKNOWN), (110, 0.1, Advice.RAISE)],
)
def test_being_held_back_badly_cannot_wait_for_a_hundred_samples(looks: int, throttled: float, advice: Advice) -> None:
    one = recommend(observed(worker(cores=level(0.5), quota=0.5, throttled=throttled), hours=looks / 60))
    assert (one.cpu.advice, one.cpu.is_acute) == (advice, advice is Advice.RAISE and throttled > 0.25)


def test_what_an_earlier_quota_held_back_is_no_reason_to_raise_the_one_there_is() -> None:
    track = Track(worker().target)
    for minute in range(600):
        was_small = minute < 150
        held_back = 600.0 * min(minute, 150)
        track.told(Told(cores=0.5, cpu_limit=0.5 if was_small else 2.0, periods=600.0 * minute, throttled=held_back),
                   60.0 * minute)  # fmt: skip
    seen = Observed("mcp", "mcp-worker", Kind.CONTAINER, (track.replica(True),), 0.0, 36_000.0, 600)
    of_cpu, _ = limits(seen)
    assert (of_cpu.advice, of_cpu.is_acute) == (Advice.KEEP, False)
    # Made anew with a larger one, it is another container; use that was held back is no reason to lower either.
    used = usage_of([0.5] * 2000)
    gone = Replica("a", "a", False, cpu=used, cpu_limit=0.5, throttled_ratio=0.8, was_busy=True)
    new = Replica("b", "b", True, cpu=used, cpu_limit=2.0, throttled_ratio=0.0)
    again = Observed("mcp", "mcp-worker", Kind.CONTAINER, (gone, new), 0.0, 48 * 3600.0, 2000)
    assert limits(again)[0].advice is Advice.KEEP


def test_nothing_is_lowered_just_after_another_limit() -> None:
    seen = observed(Part("api", cores=busy(0.02, 0.4), used=level(300), limit=4096, quota=8.0))
    (replica,) = seen.replicas
    for hours_ago, advice in ((2, Advice.KEEP), (25, Advice.LOWER)):
        change = Change(seen.last_at - 3600 * hours_ago, "cpu", 0.5, 8.0)
        found = limits(replace(seen, replicas=(replace(replica, changes=(change,)),)))
        assert [each.advice for each in found] == [advice, advice]


def test_bursts_keep_the_quota_where_the_95th_percentile_would_not() -> None:
    """The example: p95 0.41, p99 0.97 of a quota of 1, throttled in 3 % of the periods."""
    one = recommend(observed(worker(cores=busy(0.41, 0.97, 6, 6.9), throttled=0.03)))
    assert one.cpu.advice is Advice.KEEP
    assert one.cpu.rejected == "p95 0.41 x 1.15 = 0.47 would hold bursts back (p99 0.97)"


def test_without_a_quota_none_is_advised() -> None:
    one = recommend(observed(worker(quota=None)))
    assert (one.cpu.advice, one.cpu.wanted) == (Advice.KEEP, None)
    assert one.cpu.because == "no quota, so nothing holds it back"


def test_reservations_are_what_is_used_most_of_the_time_and_never_above_the_limit() -> None:
    one = recommend(observed(worker(cores=busy(0.2, 0.4, 0, 20), used=busy(500, 600, 0, 20))))
    # VPA: the end of the bucket of the p90, 5 % wide at most, and 15 %.
    assert one.cpu_reserved.wanted is not None
    assert 0.4 <= one.cpu_reserved.wanted <= 0.5
    assert one.memory_reserved.wanted is not None
    assert 600 * MIB * 1.15 <= one.memory_reserved.wanted <= 600 * MIB * 1.15 * 1.05 + 64 * MIB
    tight = recommend(observed(worker(used=level(1000))))
    assert tight.memory_reserved.wanted is not None
    assert tight.memory_reserved.wanted <= (tight.memory.wanted or 0)


def test_too_little_is_no_advice_and_says_what_is_missing() -> None:
    one = recommend(observed(Part("ui", cores=level(0.1), used=level(60)), hours=41 / 60))
    assert one.status is Status.UNKNOWN
    assert one.memory.missing == "not enough data: 42 of 100 samples"
    longer = recommend(observed(Part("ui", cores=level(0.1), used=level(60)), hours=2.5))
    assert longer.memory.missing == "not enough data: 2.5 h observed, 3 h needed"
    assert (longer.status, longer.memory.wanted is not None, longer.memory_reserved.wanted) == (
        Status.UNKNOWN, True, None)  # fmt: skip


def test_a_floor_is_named_when_it_won() -> None:
    one = recommend(observed(Part("tiny", cores=level(0.001), used=level(6), limit=64, quota=0.1)))
    assert one.memory.floor == "64 MiB, the least that is advised; by the rule it were 7 MiB"
    assert one.cpu.floor.startswith("0.05, the least that is advised")
    assert "its floor of 250 MiB" in one.memory_reserved.rejected


def runner(limit: int, *models: Model, anon: float = 0.2, **more: Any) -> Part:
    return Part("model-runner", cores=level(1.0), used=level(3000), limit=limit, anon=anon, models=models, **more)


def test_a_model_runner_is_sized_by_its_models() -> None:
    one = recommend(observed(runner(4096, Model("a", 4000 * MIB), Model("b", 1000 * MIB))))
    assert one.memory.rule == "models 5000 MiB + own memory 600 MiB x 1.15 = 5690 MiB, rounded up to 64 MiB"
    assert (one.memory.advice, one.memory.wanted) == (Advice.RAISE, 5696 * MIB)
    assert "how much of the weights it counts is the kernel's choice" in one.memory.rejected


def test_weights_in_its_own_memory_or_on_the_gpu_do_not_count_twice() -> None:
    inside = recommend(observed(runner(4096, Model("a", 3000 * MIB), anon=1.0)))
    assert inside.memory.rule.startswith("own memory 3000 MiB (the weights are in it)")
    on_gpu = recommend(observed(runner(4096, Model("a", 4000 * MIB, vram_bytes=4000 * MIB))))
    assert on_gpu.memory.advice is Advice.KEEP


def test_a_model_runner_is_never_lowered_and_nothing_is_guessed() -> None:
    large = recommend(observed(runner(65536, Model("a", 100 * MIB))))
    assert (large.memory.advice, large.memory.because) == (Advice.KEEP, "the models it loaded fit")
    unknown = recommend(observed(runner(4096, Model("a"))))
    assert (unknown.memory.advice, unknown.memory.wanted) == (Advice.UNKNOWN, None)
    assert unknown.memory.missing == "nobody says how large its models are (a)"


def queue(depth: int) -> QueueReading:
    return QueueReading("jobs", kind="queue", depth=depth)


def test_replicas_by_the_bottleneck_and_the_budget_of_the_database_before() -> None:
    parts = [worker(number, queues=(queue(200),)) for number in (1, 2)]
    seen = observed(*parts)
    scale = replicas.of_past(seen)
    assert scale is not None
    # Both queues together: 400 entries, 100 for each replica.
    assert (scale.replicas, scale.wanted, scale.signal) == (2, 4, "queue 400 / 100 each, rounded up = 4")
    assert scale.says == "HPA would go 2 -> 4 within 1 min"
    shares = (Share("mcp-worker", "db", 20, 2, "mcp"), Share("mcp-api", "db", 40, 1, "mcp"))
    budget = Budget("postgres", 97, "", shares, 80, "", False)
    held = replicas.of_past(seen, [budget])
    assert held is not None
    assert "postgres allows 97 connections, and its clients' pools would then take 120" in held.says
    assert replicas.of_past(seen, [Budget("postgres", 200, "", budget.shares, 80, "", False)]) is not None


def test_where_nobody_tells_the_budgets_more_replicas_are_said_with_a_condition() -> None:
    seen = observed(*(worker(number, queues=(queue(200),)) for number in (1, 2)))
    scale = recommend(seen, None).scale
    assert scale is not None
    assert scale.says.endswith(
        "2 -> 4 within 1 min, if its databases give the connections, which is not known from there"
    )
    calm = recommend(observed(worker()), None).scale
    assert calm is not None
    assert calm.says == "HPA would stay at 1"


def test_replicas_whose_pool_nobody_reads_count_in_the_budget() -> None:
    """Three run and one of them tells of its pool: five would have five such."""
    budget = Budget("postgres", 97, "", (Share("api", "db", 40, 1, "mcp"),), 40, "", False)
    assert "take 200" in replicas.over_budget([budget], Client("mcp", "api"), 3, 5)
    assert replicas.over_budget([budget], Client("mcp", "api"), 1, 2) == ""
    workers = Budget("postgres", 97, "", (Share("api", "db", 5, 8, "mcp"),), 40, "", False)
    assert replicas.over_budget([workers], Client("mcp", "api"), 2, 4) == "", "four processes a replica are 80"
    one_told = Budget("postgres", 97, "", (Share("api", "db", 5, 4, "mcp"),), 20, "", False)
    # Three run, one of them tells of the pools of its four processes: five are 5 x 4 x 5.
    assert "take 100" in replicas.over_budget([one_told], Client("mcp", "api", 1), 3, 5)


def test_a_client_of_another_project_with_the_same_name_is_another_client() -> None:
    shares = (Share("api", "db", 20, 2, "mcp"), Share("api", "db", 10, 1, "shop"))
    budget = Budget("postgres", 97, "", shares, 50, "", False)
    assert "take 110" in replicas.over_budget([budget], Client("mcp", "api"), 2, 5)
    assert replicas.over_budget([budget], Client("shop", "api"), 1, 5) == "", "40 + 50"
    assert replicas.over_budget([budget], Client(None, "api"), 2, 50) == ""


def test_what_waited_in_a_replica_that_is_gone_does_not_wait_any_more() -> None:
    """Made anew four times, with 90 entries each time."""
    gatherer = Gatherer(60.0)
    for turn in range(5):
        part = worker(turn, queues=(queue(90),))
        for snapshot in snapshots([part], 1):
            gatherer.add(replace(snapshot, at=snapshot.at + timedelta(minutes=61 * turn)))
    (seen,) = gatherer.observed()
    assert [(line.depth, line.typical) for line in seen.queues] == [(90, pytest.approx(90, rel=0.01))]


def test_of_a_database_or_a_global_service_no_more_are_advised() -> None:
    """Started twice on one volume it is broken, not faster."""
    busy_one = {"cores": level(1.0), "quota": 1.0}
    assert replicas.of_past(observed(worker(**busy_one))) is not None
    gives = PoolReading("connections", kind="server", in_use=3, max=100)
    assert replicas.of_past(observed(worker(pools=(gives,), **busy_one))) is None
    everywhere = Swarm((SwarmService("id", "mcp_mcp-worker", "global", 1, 1, stack="mcp"),))
    gatherer = Gatherer(60.0)
    for snapshot in snapshots([worker(**busy_one)], 4):
        gatherer.add(replace(snapshot, swarm=everywhere))
    (seen,) = gatherer.observed()
    assert replicas.of_past(seen) is None


def test_no_signal_is_no_advice_on_replicas() -> None:
    assert replicas.of_past(observed(worker(quota=None))) is None


def test_a_pool_at_its_ceiling_is_told_with_its_time() -> None:
    pool = PoolReading("db", kind="db", in_use=50, max=50)
    one = recommend(observed(worker(pools=(pool,)), hours=4))
    assert one.notes[0] == "pool db: in use peak 50/50, at its ceiling 4 h, waiting not visible"


@pytest.mark.parametrize(
    ("needed_mib", "says"),
    [(300, "dev"), (512, "dev"), (600, "between dev and small"), (1024, "small"), (1280, "between small and large"),
     (2048, "large"), (3000, "more than large")],
)  # fmt: skip
def test_the_place_among_the_guides_profiles(needed_mib: int, says: str) -> None:
    assert placement.memory("mcp-worker", needed_mib * MIB).says == says


def test_the_largest_need_places_the_whole_stack() -> None:
    place = placement.whole({"mcp-api": (300.0 * MIB, 0.4), "mcp-worker": (1280.0 * MIB, None)})
    assert place is not None
    assert (place.profile, place.says) == ("large", "between small and large (by WORKER_MEMORY_LIMIT 1280 MiB)")


def test_counters_that_begin_anew_give_no_rate_and_a_gap_is_no_coverage() -> None:
    part = worker()
    gatherer, made = Gatherer(60.0), list(snapshots([part], 5))
    restarted = worker()
    for snapshot in made:
        gatherer.add(snapshot)
    for snapshot in snapshots([restarted], 5):
        # The same container again from zero, a day later: its counters have fallen.
        gatherer.add(type(snapshot)(snapshot.at.replace(day=31), snapshot.monotonic, None, snapshot.targets,
                                    snapshot.readings, {}, {}, (), {}))  # fmt: skip
    (seen,) = gatherer.observed()
    (replica,) = seen.replicas
    assert replica.cpu is not None
    assert replica.cpu.peak == pytest.approx(0.2)
    assert seen.coverage == pytest.approx(602 / (29 * 60 + 1), abs=0.01)
    assert replica.throttled_ratio == 0.0


figures = st.lists(st.none() | st.floats(0, 1e12), min_size=1, max_size=150)


@settings(max_examples=200)
@given(figures, st.none() | st.floats(MIB, 1e12), st.integers(0, 3), st.sampled_from([900.0, 20 * 3600.0, 30 * 3600.0]))
def test_a_limit_is_never_below_what_was_used_and_never_lowered_in_haste(
    values: list[float | None], limit: float | None, kills: int, seconds: float
) -> None:
    replica = Replica("a", "a", memory=usage_of(values), cpu=usage_of(values), memory_limit=limit, cpu_limit=limit,
                      kills=(Kill(None, limit, kills),) if kills else (), was_busy=True)  # fmt: skip
    seen = Observed("p", "s", Kind.CONTAINER, (replica,), 0.0, seconds, len(values), 1.0, 1.0)
    of_cpu, of_memory = limits(seen)
    known = [value for value in values if value is not None]
    if of_memory.wanted is not None:
        assert of_memory.wanted >= max(known)
    for sized in (of_cpu, of_memory):
        if sized.advice is Advice.LOWER:
            assert seconds >= 24 * 3600
            assert not kills or sized is of_cpu
        if sized.advice is Advice.RAISE:
            assert sized.current is not None
            assert (sized.wanted or 0) > sized.current
