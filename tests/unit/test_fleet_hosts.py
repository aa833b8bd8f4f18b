"""Machines of one name, and one exporter at two addresses."""

from __future__ import annotations

from mcptop.collectors.base import Tick
from mcptop.fleet.asking import Asker
from mcptop.fleet.collector import PrometheusCollector
from mcptop.fleet.hosts import Hosts
from mcptop.sources.prometheus_answer import Answer, Labels, Series

NOW, MIB = 1_700_000_000.0, 1 << 20


class Page:
    """What an exporter tells of a machine with one process, at the addresses it is scraped at."""

    def __init__(self, host: str, memory: int, started: float, *addresses: str) -> None:
        self.host, self.memory, self.started, self.addresses = host, memory, started, addresses

    def series(self) -> list[tuple[Labels, float]]:
        of = {"project": "shop", "service": "api", "kind": "process", "replica": "api[100]"}
        found: list[tuple[Labels, float]] = []
        for number, address in enumerate(self.addresses):
            at = {"instance": address, "job": f"job{number}"}
            found += [
                ({"__name__": "mcptop_build_info", "host": self.host, **at}, 1.0),
                # Each scrape has a sample of its own.
                ({"__name__": "mcptop_sample_timestamp_seconds", **at}, NOW - 5 + number + self.started),
                ({"__name__": "mcptop_host_cpus", "host": self.host, **at}, 4.0),
                ({"__name__": "mcptop_host_memory_total_bytes", "host": self.host, **at}, float(self.memory)),
                ({"__name__": "mcptop_replica_info", "id": "pid:100", **of, **at}, 1.0),
                ({"__name__": "mcptop_replica_start_time_seconds", **of, **at}, NOW - 9000 + self.started),
                ({"__name__": "mcptop_replica_memory_working_set_bytes", **of, **at}, 100.0 * MIB),
            ]
        return found


class Server:
    """Has these pages, scraped every 15 s."""

    def __init__(self, *pages: Page) -> None:
        self._all = [one for page in pages for one in page.series()]

    def query(self, expr: str, at: float | None = None) -> Answer:
        if expr == "time()":
            return Answer((Series({}, ((NOW, NOW),)),))
        is_range = expr.endswith("s]")
        times = (NOW - 20, NOW - 5) if is_range else (at or NOW,)
        return Answer(tuple(
            Series(labels, tuple((time, value) for time in times))
            for labels, value in self._all
            if not expr.startswith("up{") and (labels["__name__"] == "mcptop_build_info") == is_range
        ))  # fmt: skip


def fleet(*pages: Page) -> PrometheusCollector:
    collector = PrometheusCollector(Asker(Server(*pages)), 5.0, 30.0)
    for number in range(2):
        collector.collect(Tick(number + 1, 100.0 + number))
    return collector


def test_two_machines_of_one_name_are_two() -> None:
    found = fleet(
        Page("ubuntu", 1024 * MIB, 0.0, "10.0.0.1:9477"), Page("ubuntu", 2048 * MIB, 7.0, "10.0.0.2:9477")
    ).fleet
    assert [(host.name, host.memory_total_bytes) for host in found.hosts] == [
        ("ubuntu 10.0.0.1", 1024 * MIB), ("ubuntu 10.0.0.2", 2048 * MIB)
    ]  # fmt: skip
    assert [(each.id, each.name) for each in found.targets] == [
        ("ubuntu 10.0.0.1/pid:100", "api[100]@ubuntu 10.0.0.1"), ("ubuntu 10.0.0.2/pid:100", "api[100]@ubuntu 10.0.0.2")
    ]  # fmt: skip


def test_one_exporter_at_two_addresses_is_one() -> None:
    found = fleet(Page("ubuntu", 1024 * MIB, 0.0, "a:9477", "10.0.0.1:9477")).fleet
    assert [host.name for host in found.hosts] == ["ubuntu"]
    assert [(each.id, each.name) for each in found.targets] == [("ubuntu/pid:100", "api[100]")]


def test_beside_each_other_by_address_or_marks_and_for_good() -> None:
    hosts = Hosts()
    a, b, c = ("j", "a:1"), ("j", "b:1"), ("k", "a:2")
    hosts.learn(a, "ubuntu", {1, 2})
    hosts.learn(b, "ubuntu", {2, 3})
    hosts.learn(c, "ubuntu", set())
    assert (hosts.name(c), hosts.beside(c)) == ("ubuntu", [a, b, c])
    hosts.learn(b, "ubuntu", {9})
    assert hosts.beside(b) == [a, b, c], "what it once told is enough"
    hosts.learn(b, "other", {1})
    assert (hosts.name(a), hosts.name(b), hosts.beside(a)) == ("ubuntu", "other", [a, c])
    other = ("j", "d:1")
    hosts.learn(other, "ubuntu", {7})
    assert (hosts.name(a), hosts.name(other)) == ("ubuntu a", "ubuntu d")
    hosts.forget(other)
    assert hosts.name(a) == "ubuntu"
    assert hosts.beside(("j", "nobody:1")) == [("j", "nobody:1")]
