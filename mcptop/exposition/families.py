"""One frame, and the readings it was made of, as rows for every family of the catalogue.

They come in parts that are written or left out together: a service, or one subject of the machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mcptop.exposition import machine_rows, names, service_rows
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
    yield machine_rows.alerts(frame.alerts, known, _replicas(frame, known))
    yield machine_rows.budgets(frame.budgets)
    yield machine_rows.nodes(frame.nodes)


def _replicas(frame: Frame, known: Mapping[str, Names]) -> dict[tuple[str, str], str]:
    """Service key and name of an instance -> its label, for services that have an alert."""
    keys = {alert.service_key for alert in frame.alerts}
    return {
        (service.key, name): label
        for service in frame.services
        if service.key in keys and service.key in known
        for name, label in names.replica_of(service, known[service.key]).items()
        if name is not None
    }


def rows_of(service: Service, named: Names, readings: Mapping[str, Reading], late: Late) -> Iterator[Row]:
    """One service; its counters are in the `readings`, absent without."""
    return service_rows.rows(service, named, readings, late)
