"""cAdvisor's series that outlive their container, or are of one that an exporter tells of as well."""

from __future__ import annotations

from mcptop.fleet import cadvisor, exporters, sight
from mcptop.fleet.asking import Beat, Values
from mcptop.fleet.exporters import Clock
from mcptop.fleet.machine import Machine
from mcptop.sources.prometheus_answer import Series

PLACE = ("docker", "10.0.0.5:8080")
OLD, NEW = "a" * 64, "b" * 64
MIB = 1 << 20


def series(name: str, value: float, id: str) -> Series:
    """Of a container of Compose that keeps its name when it is made anew."""
    labels = {"__name__": name, "job": PLACE[0], "instance": PLACE[1], "id": f"/docker/{id}", "name": "mcp-api-1"}
    labels |= {
        f"container_label_com_docker_compose_{key}": text for key, text in (("project", "mcp"), ("service", "api"))
    }
    return Series(labels, ((100.0, value),))


def container(id: str, mib: int, cpu_s: float, started: float) -> list[Series]:
    return [
        series("container_memory_working_set_bytes", mib * MIB, id),
        series("container_spec_memory_limit_bytes", 1024 * MIB, id),
        series("container_cpu_usage_seconds_total", cpu_s, id),
        series("container_start_time_seconds", started, id),
    ]


def machine(found: list[Series]) -> Machine:
    values = Values(100.0, {PLACE: found}, {(PLACE, "mcp-api-1"): 99.0})
    return cadvisor.machine(Beat(PLACE, {}, False, (85.0, 100.0)), values, Clock(0.0), 15.0, None, None)


def test_a_container_made_anew_with_its_name_is_not_summed_with_the_one_before() -> None:
    found = machine([*container(OLD, 500, 1000.0, 10.0), *container(NEW, 200, 3.0, 55.0)])
    assert [target.id for target in found.targets] == [f"10.0.0.5/{NEW}"]
    (reading,) = found.readings.values()
    assert (reading.memory_working_set_bytes, reading.memory_limit_bytes) == (200 * MIB, 1024 * MIB)
    assert reading.cpu_usage_s == 3.0


def test_a_container_that_an_exporter_tells_of_is_counted_once_wherever_its_cadvisor_is_scraped() -> None:
    labels = {"project": "mcp", "service": "api", "kind": "container", "replica": "mcp-api-1", "id": NEW}
    place = ("mcptop", "web1:9477")
    told = [Series({"__name__": "mcptop_replica_info", **labels}, ((100.0, 1.0),))]
    ours = exporters.machine(Beat(place, {"host": "web1"}, True, (85.0, 100.0)), told, Clock(0.0), 15.0, None, "web1")
    fleet = sight.joined([machine(container(NEW, 200, 3.0, 55.0)), ours], 100.0, 2.0)
    assert ([target.id for target in fleet.targets], fleet.by_cadvisor) == ([f"web1/{NEW}"], 0)
