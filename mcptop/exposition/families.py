"""One frame, and the readings it was made of, as rows for every family of the catalogue.

They come in parts that are written or left out together: a service, or one subject of the machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mcptop.exposition import machine_rows, service_rows
from mcptop.exposition.names import Names
from mcptop.exposition.row import Row
from mcptop.exposition.service_rows import Late
from mcptop.model.frame import Frame, Service
from mcptop.model.snapshot import Reading
from mcptop.model.value import Kind, Value


class Choice(Value, frozen=True):
    """What of a frame is wanted."""

    all_processes: bool = False
    """Also host processes of no project."""
    late: Late = Late()


def wanted(services: tuple[Service, ...], choice: Choice) -> tuple[Service, ...]:
    """Containers, servers, and host processes of a project; or all."""
    if choice.all_processes:
        return services
    return tuple(one for one in services if one.kind is not Kind.PROCESS or one.project is not None)


def own(frame: Frame, version: str) -> Iterator[Row]:
    """What is told even where the figures are too old to be."""
    return machine_rows.own(frame, version)


def machine(frame: Frame, known: Mapping[str, Names]) -> Iterator[Iterator[Row]]:
    """Parts of no single service, the most telling first. `known` by the keys of the services."""
    yield machine_rows.sources(frame.sources)
    for host in frame.hosts or ((frame.host,) if frame.host is not None else ()):
        yield machine_rows.host(host)
    yield machine_rows.alerts(frame.alerts, known, _labels_by_id(frame, known))
    yield machine_rows.budgets(frame.budgets)
    yield machine_rows.nodes(frame.nodes)


def _labels_by_id(frame: Frame, known: Mapping[str, Names]) -> dict[str, str]:
    subjects = {alert.subject for alert in frame.alerts if alert.instance is not None}
    return {
        instance.id: label
        for service in frame.services
        if service.key in known
        for instance, label in zip(service.instances, known[service.key].replicas, strict=True)
        if instance.id in subjects
    }


def rows_of(service: Service, named: Names, readings: Mapping[str, Reading], late: Late) -> Iterator[Row]:
    """One service; its counters are in the `readings`, absent without."""
    return service_rows.rows(service, named, readings, late)
