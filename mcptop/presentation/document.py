"""Frames as the documents other programs read: the snapshot JSON and its flat CSV form. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any, get_args, get_origin

import msgspec
from msgspec import Struct

from mcptop.model.alert import Alert
from mcptop.model.flow import Budget
from mcptop.model.frame import Frame, Own, Service, SourceReport
from mcptop.model.host import Host
from mcptop.model.instance import Instance
from mcptop.model.swarm import SwarmNode


class SnapshotDocument(
    Struct, frozen=True, eq=False, tag_field="schema", tag="mcptop.snapshot/1", rename={"own": "self"}
):
    """`mcptop snapshot --json`. Fields are only ever added."""

    at: str
    host: Host | None
    sources: tuple[SourceReport, ...]
    services: tuple[Service, ...]
    budgets: tuple[Budget, ...]
    alerts: tuple[Alert, ...]
    own: Own
    engine: str | None
    banner: str | None
    nodes: tuple[SwarmNode, ...] = ()
    hosts: tuple[Host, ...] = ()


_ENCODER = msgspec.json.Encoder()


def to_json(frame: Frame, services: tuple[Service, ...], into: bytearray | None = None) -> bytearray:
    """One line of JSON with the given services of the frame; `into` is a buffer to use again for the next."""
    at = frame.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    document = SnapshotDocument(
        at,
        frame.host,
        frame.sources,
        services,
        frame.budgets,
        (*frame.alerts, *frame.pending),
        frame.own,
        frame.engine,
        frame.banner,
        frame.nodes,
        frame.hosts,
    )
    line = bytearray() if into is None else into
    _ENCODER.encode_into(document, line)
    line += b"\n"
    return line


def _columns(kind: type[Struct], prefix: str = "") -> Iterator[str]:
    for field in msgspec.structs.fields(kind):
        if get_origin(field.type) is tuple:
            continue
        nested = next((t for t in (field.type, *get_args(field.type)) if _is_struct(t)), None)
        if nested is None:
            yield prefix + field.name
        else:
            yield from _columns(nested, f"{prefix}{field.name}.")


def _is_struct(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Struct)


CSV_COLUMNS = ("at", "project", "service", "kind", *_columns(Instance))
"""One row an instance; nested figures are named as in the JSON, joined by dots. Lists are left out."""


def to_csv(frame: Frame, services: Iterable[Service], header: bool) -> str:
    """Rows for the given services; unknown is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow(CSV_COLUMNS)
    at = frame.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    for service in services:
        for instance in service.instances:
            cells = [_cell(instance, name) for name in CSV_COLUMNS[4:]]
            writer.writerow([at, service.project or "", service.name, service.kind.value, *cells])
    return text.getvalue()


def _cell(instance: Instance, name: str) -> Any:
    value: Any = instance
    for part in name.split("."):
        value = getattr(value, part) if value is not None else None
    return "" if value is None else value
