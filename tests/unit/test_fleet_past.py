"""What a Prometheus tells of the last days: two kinds of exporters, several machines, two jobs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest

from mcptop.advice import memory
from mcptop.advice.sized import Advice
from mcptop.fleet import past
from mcptop.fleet.past import Past
from mcptop.sources.prometheus_answer import Answer, Labels, Series

MIB, END, DAYS = 1 << 20, 1_700_000_000.0, 1.5
Told = tuple[str, Labels, float]
"""A metric, its labels, and its value all the time."""


class Server:
    """Answers every expression with the series of the metric in it."""

    def __init__(self, told: list[Told]) -> None:
        self._told = told

    def query(self, expr: str, at: float | None = None) -> Answer:
        if expr == "time()":
            return Answer((Series({}, ((END, END),)),))
        return Answer(tuple(Series(labels, ((at or END, value),)) for labels, value in self._of(expr)))

    def range(self, expr: str, start: float, end: float, step: float) -> Answer:
        times = [start + number * step for number in range(int((end - start) / step) + 1)]
        return Answer(tuple(Series(labels, tuple((at, value) for at in times)) for labels, value in self._of(expr)))

    def _of(self, expr: str) -> Iterator[tuple[Labels, float]]:
        return ((labels, value) for name, labels, value in self._told if re.search(rf"\b{name}\b", expr))


def exporter(host: str, replica: str, mib: float) -> list[Told]:
    of = {"project": "mcp", "service": "api", "kind": "container", "replica": replica, "instance": f"{host}:9477"}
    return [("mcptop_replica_memory_working_set_bytes", of, mib * MIB),
            ("mcptop_replica_memory_limit_bytes", of, 2048 * MIB)]  # fmt: skip


def cadvisor(host: str, name: str, mib: float) -> list[Told]:
    of = {"name": name, "instance": f"{host}:8080", "container_label_com_docker_compose_project": "mcp",
          "container_label_com_docker_compose_service": "api"}  # fmt: skip
    return [("container_memory_working_set_bytes", of, mib * MIB),
            ("container_spec_memory_limit_bytes", of, 2048 * MIB)]  # fmt: skip


def looked(*told: list[Told]) -> Past:
    return past.observed(Server([each for part in told for each in part]), None, DAYS * 86_400)


def test_a_service_on_machines_with_an_exporter_and_without_is_sized_by_all_of_them() -> None:
    found = looked(exporter("a", "api-1", 300), cadvisor("a", "api-1", 310), cadvisor("b", "api-1", 1900))
    (api,) = found.services
    assert [replica.id for replica in api.replicas] == ["a:9477/api-1", "b:8080/api-1"]
    sized = memory.limit(api)
    assert (sized.advice, sized.peak) == (Advice.RAISE, 1900 * MIB)


def test_a_server_that_gives_connections_is_known() -> None:
    gives = {"project": "mcp", "service": "api", "kind": "container", "replica": "api-1", "pool_kind": "server"}
    pools: list[Told] = [("mcptop_pool_max", gives, 100.0)]
    assert [one.is_fixed for one in looked(exporter("a", "api-1", 300), pools).services] == [True]
    assert [one.is_fixed for one in looked(exporter("a", "api-1", 300)).services] == [False]


def named(instance: str, host: str, started: float) -> list[Told]:
    """An exporter that names its machine, with one replica and a queue of it."""
    of = {"project": "mcp", "service": "api", "kind": "container", "replica": "api-1", "instance": instance}
    return [*((name, {**labels, "instance": instance}, value) for name, labels, value in exporter("x", "api-1", 300)),
            ("mcptop_build_info", {"host": host, "instance": instance}, 1.0),
            ("mcptop_replica_start_time_seconds", of, started),
            ("mcptop_queue_depth", {**of, "queue": "jobs", "queue_kind": "queue"}, 90.0)]  # fmt: skip


def test_one_exporter_at_two_addresses_is_one_and_two_machines_of_one_name_are_two() -> None:
    for other, ids, depth in ((1.0, ["10.0.0.1:9477/api-1"], 90.0),
                              (2.0, ["10.0.0.1:9477/api-1", "a:9477/api-1"], 180.0)):  # fmt: skip
        told = named("a:9477", "ubuntu", 1.0), named("10.0.0.1:9477", "ubuntu", other)
        (api,) = looked(*told, cadvisor("a", "api-1", 300), cadvisor("10.0.0.1", "api-1", 300)).services
        assert [replica.id for replica in api.replicas] == ids
        assert [line.depth for line in api.queues] == [depth]


class Ranges(Server):
    """Keeps what was asked for."""

    def __init__(self, told: list[Told]) -> None:
        super().__init__(told)
        self.asked: dict[str, list[tuple[float, float]]] = {}

    def query(self, expr: str, at: float | None = None) -> Answer:
        if expr.startswith("count("):
            return Answer((Series({}, ((END, float(sum("working_set" in name for name, _, _ in self._told))),)),))
        return super().query(expr, at)

    def range(self, expr: str, start: float, end: float, step: float) -> Answer:
        self.asked.setdefault(expr, []).append((start, end))
        return super().range(expr, start, end, step)


@pytest.mark.parametrize(("replicas", "most"), [(1, 86_400.0), (50, 86_400.0), (200, 22_500.0)])
def test_of_more_replicas_less_is_asked_at_once_and_nothing_is_left_out(replicas: int, most: float) -> None:
    """With a day of all of them held at once 300 replicas took 330 MiB."""
    server = Ranges([one for number in range(replicas) for one in exporter("a", f"api-{number}", 300)])
    (api,) = past.observed(server, None, DAYS * 86_400).services
    assert {replica.memory.samples for replica in api.replicas if replica.memory is not None} == {1729}
    for parts in server.asked.values():
        assert max(end - start for start, end in parts) == most
        assert [round(start - before) for (_, before), (start, _) in pairwise(parts)] == [75] * (len(parts) - 1)
