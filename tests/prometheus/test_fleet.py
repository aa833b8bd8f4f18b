"""Two machines with the same service through a real Prometheus: figures, rates, ages, and what goes wrong."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from mcptop.model.flow import Confidence
from mcptop.model.frame import Frame

from .front import Front, seconds
from .looking import Looking, instance, service, source_says
from .pages import MIB
from .world import FOREIGN, World, of

MAIN = of("main")


def test_one_service_on_two_hosts_with_the_rates_that_were_served(world: World) -> None:
    with Looking(world.url, match=MAIN) as looking:
        frame = looking.settled()
    api = service(frame, "api")
    assert (api.project, api.kind.value, api.replicas) == ("shop", "container", 3)
    # Two machines call theirs alike, and each gets its machine's name.
    assert [(one.name, one.host) for one in api.instances] == [
        ("shop-api-1@web1", "web1"), ("shop-api-1@web2", "web2"), ("shop-api-2", "web1")
    ]  # fmt: skip
    assert [one.cpu.cores for one in api.instances] == pytest.approx([0.25, 0.5, 0.25], rel=1e-5)
    for one in api.instances:
        assert (one.cpu.limit_cores, one.cpu.throttled_ratio) == (2.0, pytest.approx(0.5, abs=0.01))
        assert one.network.rx_bytes_per_s == pytest.approx(1000, abs=3)
        assert one.network.tx_bytes_per_s == pytest.approx(2000, abs=3)
        assert (one.disk.read_bytes_per_s, one.disk.write_bytes_per_s) == (0.0, pytest.approx(4000, abs=3))
        assert one.age_s is None


def test_gauges_are_as_they_were_served(world: World) -> None:
    with Looking(world.url, match=MAIN) as looking:
        one = instance(looking.settled(), "shop-api-2")
    memory = one.memory
    assert (memory.working_set_bytes, memory.usage_bytes, memory.anon_bytes) == (100 * MIB, 103 * MIB, 50 * MIB)
    assert (memory.limit_bytes, memory.limit_ratio, memory.file_bytes) == (512 * MIB, 100 / 512, None)
    assert (one.fds.open, one.fds.limit_ratio, one.pids, one.threads) == (17, 0.25, 5, None)
    assert one.sockets is not None
    assert (one.sockets.established, one.sockets.close_wait) == (9, 2)
    assert (one.state, one.health, one.image, one.restarts, one.oom_kills) == ("running", "healthy", "shop/x:1", 3, 1)
    assert one.started_at is not None
    assert one.started_at.timestamp() == 1.7e9
    assert (one.cpu.pressure_some_avg10, one.exit_code) == (0.125, None)


def test_pools_and_queues_stand_with_their_replicas(world: World) -> None:
    with Looking(world.url, match=MAIN) as looking:
        api = service(looking.settled(), "api")
    assert [pool.instance for pool in api.pools] == ["shop-api-1@web1", "shop-api-1@web2", "shop-api-2"]
    pool, queue = api.pools[2], api.queues[2]
    assert (pool.name, pool.kind, pool.peer, pool.source) == ("main", "db", "postgres", "metrics")
    assert (pool.in_use, pool.idle, pool.max, pool.waiting, pool.wait_s) == (4, 1, 20, 3, 0.01)
    assert pool.timeouts_per_s == pytest.approx(2, abs=0.1)
    assert (queue.name, queue.depth, queue.in_per_s, queue.out_per_s, queue.growth_per_s) == ("jobs", 7, 5.0, 4.0, 1.0)
    assert (queue.source, queue.confidence, queue.oldest_age_s) == ("redis", Confidence.DERIVED, 2.5)


def test_every_machine_has_its_figures_and_its_alerts(world: World) -> None:
    with Looking(world.url, match=MAIN) as looking:
        frame = looking.settled()
    assert frame.host is None
    assert [(host.name, host.cpus, host.cpu_ratio) for host in frame.hosts] == [("web1", 4, 0.5), ("web2", 4, 0.5)]
    assert frame.hosts[0].memory_total_bytes == 8192 * MIB
    disks = [(alert.service, alert.subject) for alert in frame.alerts if alert.rule == "disk-full"]
    assert sorted(disks) == [("web1", "disk:web1:/"), ("web2", "disk:web2:/")]
    # How many processes a replica has is not known from there.
    assert frame.budgets == ()
    assert frame.engine == f"prometheus 127.0.0.1:{world.server.port}"
    assert "no processes" in (frame.banner or "")


def test_between_two_samples_the_reading_is_the_same_one_and_the_rate_stands(world: World) -> None:
    with Looking(world.url, match=MAIN) as looking:
        looking.settled()
        began = len(looking.snapshots)
        frames = [looking.frame() for _ in range(30)]
        taken = looking.snapshots[began:]
    id = service(frames[0], "api").instances[0].id
    readings = [snapshot.readings[id] for snapshot in taken]
    same = [one is other for one, other in pairwise(readings)]
    assert any(same), "thirty looks take less than thirty seconds"
    assert all(one.read_at != other.read_at for one, other in pairwise(readings) if one is not other)
    cores = [service(frame, "api").instances[0].cpu.cores for frame in frames]
    assert cores == pytest.approx([0.25] * 30, rel=1e-5)


def test_what_is_scraped_by_two_jobs_is_counted_once(world: World) -> None:
    with Looking(world.url, match='env=~"main|twice"') as looking:
        frame = looking.settled()
    assert source_says(frame, "prometheus") == ("ok", "2 hosts, 3 exporters")
    assert service(frame, "api").replicas == 3
    assert [host.name for host in frame.hosts] == ["web1", "web2"]
    assert len(service(frame, "api").pools) == 3


def test_matchers_of_the_settings_choose_whom_to_see(world: World) -> None:
    with Looking(world.url, match='env="main", job="job1"') as looking:
        frame = looking.settled()
    assert [one.host for one in service(frame, "api").instances] == ["web2"]
    assert frame.host is not None
    assert (frame.host.name, frame.hosts) == ("web2", ())


def test_a_slow_server_does_not_hold_the_screen_up(world: World) -> None:
    with Front(world.server.port) as front, Looking(front.url, match=MAIN, timeout=30.0) as looking:
        before = looking.settled()
        front.delay_s = 20.0
        began = time.monotonic()
        frame = looking.frame()
        assert seconds(began) < 10
        assert source_says(frame, "prometheus") == ("error", "no answer for 2 s")
        assert service(frame, "api").instances[0].cpu == service(before, "api").instances[0].cpu
        front.delay_s = 0.0


def test_who_may_not_ask_is_told_what_to_set_and_sees_the_fleet_once_he_may(world: World) -> None:
    with Front(world.server.port) as front, Looking(front.url, match=MAIN) as looking:
        front.authorization = "Bearer secret"
        frame = looking.frame()
        status, says = source_says(frame, "prometheus")
        assert (status, frame.services) == ("error", ())
        assert "answers 401: set token_file" in says
        front.authorization = None
        assert service(looking.until(lambda frame: service(frame, "api") and None), "api").replicas == 3


def test_a_server_without_such_metrics_is_no_empty_fleet(world: World) -> None:
    with Looking(world.url, match='env="nobody"') as looking:
        status, says = source_says(looking.frame(), "prometheus")
    assert (status, "no metrics of `mcptop exporter`" in says) == ("error", True)


def test_of_foreign_series_only_those_asked_for_come_over_the_wire(world: World) -> None:
    assert world.server.value("count(http_requests_total)") == FOREIGN
    with Front(world.server.port) as front, Looking(front.url, match='env=~"main|"') as looking:
        assert service(looking.settled(), "api").replicas == 3
        assert front.answered < 1 << 20, "bytes"


def test_a_page_that_stops_answering_ages_and_the_other_goes_on(world: World) -> None:
    with Looking(world.url, match=of("ages")) as looking:
        looking.settled()
        world.bad.answers = False
        stopped = time.monotonic()
        frame = looking.until(_is_late)
        assert abs(_age_s(frame) - seconds_between(stopped, frame)) < 2.0
        assert instance(frame, "shop-bad-1").memory.working_set_bytes == 100 * MIB
        assert instance(frame, "shop-good-1").age_s is None
        assert instance(frame, "shop-good-1").cpu.cores == pytest.approx(0.25, rel=1e-5)
        assert source_says(frame, "targets") == ("error", f"Prometheus cannot scrape job4/{world.bad.address}")
        # Who comes now sees its last figures as well, with the same age.
        with Looking(world.url, match=of("ages")) as late:
            found = late.until(_is_late)
            assert instance(found, "shop-bad-1").memory.working_set_bytes == 100 * MIB
            assert abs(_age_s(found) - seconds_between(stopped, found)) < 2.0
        world.bad.answers = True
        looking.until(_is_on_time)


def _age_s(frame: Frame) -> float:
    age_s = instance(frame, "shop-bad-1").age_s
    assert age_s is not None
    return age_s


def _is_late(frame: Frame) -> None:
    assert _age_s(frame) > 0


def _is_on_time(frame: Frame) -> None:
    assert instance(frame, "shop-bad-1").age_s is None
    assert instance(frame, "shop-bad-1").cpu.cores == pytest.approx(0.25, rel=1e-4)


def seconds_between(stopped: float, frame: Frame) -> float:
    """From a moment to the frame."""
    assert frame.monotonic is not None
    return frame.monotonic - stopped
