"""cAdvisor's containers (after google/cadvisor, metrics/prometheus.go), alone and beside an exporter; hostile pages."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mcptop.fleet.names import address_of, container_id, owner_of
from mcptop.fleet.sight import NEVER, NO_MCPTOP, Fleet, unseen
from mcptop.fleet.wanted import one_of

from .looking import Looking, instance, service
from .pages import MIB
from .world import IDS, World, of


def test_containers_by_cadvisor_with_the_rates_of_its_own_times(world: World) -> None:
    with Looking(world.url, match=of("docker")) as looking:
        frame = looking.settled()
    # A slice is none.
    assert [(one.project, one.name) for one in frame.services] == [("shop", "db"), ("st", "web"), (None, "alone")]
    one = instance(frame, "shop-db-1")
    assert one.id == f"127.0.0.1/{IDS[0]}"
    assert one.cpu.cores == pytest.approx(0.75, rel=1e-4)
    assert (one.cpu.limit_cores, one.cpu.throttled_ratio) == (1.5, pytest.approx(0.1, abs=0.01))
    # Two interfaces together.
    assert one.network.rx_bytes_per_s == pytest.approx(1000, abs=5)
    assert one.network.tx_bytes_per_s == pytest.approx(3000, abs=5)
    assert (one.disk.read_bytes_per_s, one.disk.write_bytes_per_s) == pytest.approx((500, 500), abs=3)
    memory = one.memory
    assert (memory.working_set_bytes, memory.usage_bytes, memory.anon_bytes) == (200 * MIB, 260 * MIB, 150 * MIB)
    assert (memory.file_bytes, memory.limit_bytes, memory.limit_ratio) == (100 * MIB, 512 * MIB, 200 / 512)
    assert (one.oom_kills, one.started_at, one.image) == (2, datetime.fromtimestamp(1.7e9, UTC), "shop/y:2")
    # What it does not tell.
    assert (one.health, one.restarts, one.sockets, one.fds.open, one.pids) == (None, None, None, None, None)


def test_a_limit_of_zero_is_none(world: World) -> None:
    with Looking(world.url, match=of("docker")) as looking:
        memory = instance(looking.settled(), "alone").memory
    assert (memory.limit_bytes, memory.limit_ratio) == (None, None)


def test_what_cadvisor_does_not_tell_is_in_the_banner_and_no_rule_fires_for_it(world: World) -> None:
    with Looking(world.url, match=of("docker")) as looking:
        frame = looking.settled()
    assert frame.host is not None
    assert (frame.host.cpus, frame.host.memory_total_bytes, frame.host.cpu_ratio) == (8, 16384 * MIB, None)
    assert "cAdvisor: no health, restarts, pools, queues, disks" in (frame.banner or "")
    assert not {alert.rule for alert in frame.alerts} & {rule.id for rule in NO_MCPTOP}
    assert unseen(Fleet(by_cadvisor=3)) == (*NEVER, *NO_MCPTOP)
    assert unseen(Fleet(by_mcptop=1, by_cadvisor=3)) == NEVER


def test_the_exporter_goes_before_a_cadvisor_of_the_same_machine(world: World) -> None:
    with Looking(world.url, match=of("both")) as looking:
        frame = looking.settled()
    assert [(one.name, len(one.instances)) for one in frame.services] == [("seen", 1), ("unseen", 1)]
    seen, other = instance(frame, "shop-seen-1"), instance(frame, "unseen")
    assert seen.memory.working_set_bytes == 100 * MIB, "as the exporter says"
    # The cAdvisor has no name for its machine: the exporter at the same address has.
    assert (seen.host, other.host) == ("both1", "both1")
    assert other.cpu.cores == pytest.approx(1.5, rel=1e-4)
    assert "of 1 container by cAdvisor" in (frame.banner or "")


def test_pods_are_services_by_their_owners(world: World) -> None:
    with Looking(world.url, match=of("pods")) as looking:
        frame = looking.settled()
    assert [(one.project, one.name, one.replicas) for one in frame.services] == [
        ("prod", "agent", 1), ("prod", "api", 2), ("prod", "db/postgres", 1)
    ]  # fmt: skip
    assert instance(frame, "api-7d4b9c6f5d-x2x4z").memory.limit_bytes == 64 * MIB


@pytest.mark.parametrize(
    ("pod", "owner"),
    [
        ("api-7d4b9c6f5d-x2x4z", "api"),
        ("my-api-v2-6bd58cbd77-2xv9k", "my-api-v2"),
        ("backup-28461600-x7x4z", "backup"),
        ("node-exporter-x2x4z", "node-exporter"),
        ("db-0", "db"),
        ("kafka-broker-12", "kafka-broker"),
        ("standalone", "standalone"),
        ("my-proxy", "my-proxy"),
        ("redis-cache", "redis-cache"),
    ],
)
def test_the_owner_of_a_pod(pod: str, owner: str) -> None:
    """Suffixes as Kubernetes makes them: SafeEncodeString's letters have no vowels (apimachinery, util/rand)."""
    assert owner_of(pod) == owner


def test_ids_and_addresses() -> None:
    id = IDS[0]
    assert container_id(f"/docker/{id}") == container_id(f"/system.slice/docker-{id}.scope") == id
    assert container_id(f"/kubepods/besteffort/pod1/{id}") == id
    assert container_id("/system.slice") is None
    assert [address_of(text) for text in ("web1:9477", "[::1]:9477", "web1")] == ["web1", "::1", "web1"]


def test_matchers_take_any_value(world: World) -> None:
    hostile = 'a"b\\c|d.e\n'
    assert world.server.query("{" + one_of("job", [hostile, "job0"]) + ', __name__="up"}')[0][0]["job"] == "job0"
    assert world.server.query("{" + one_of("job", ["job."]) + ', __name__="up"}') == []


def test_a_hostile_exporter_is_shown_plainly_and_what_is_no_figure_is_unknown(world: World) -> None:
    with Looking(world.url, match=of("hostile")) as looking:
        frame = looking.settled()
    assert frame.host is not None
    texts = [frame.host.name]
    for one in frame.services:
        texts += [one.project or "", one.name]
        texts += [
            text for each in one.instances for text in (each.id, each.name, each.state, each.health, each.image) if text
        ]
    assert all(text.isprintable() and len(text) <= 300 for text in texts), texts
    odd = instance(frame, "one")
    assert (odd.cpu.cores, odd.memory.working_set_bytes, odd.memory.limit_bytes) == (None, None, None)
    assert (odd.started_at, odd.exit_code, odd.pids, odd.threads, odd.fds.open) == (None, None, None, None, None)
    assert service(frame, "odd").pools[0].confidence.value == "inferred"
    assert [one.name for one in frame.services if one.name == "no kind"] == []
