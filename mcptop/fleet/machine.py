"""One exporter's machine as its last sample has it, and how figures of metrics become those of the model."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from mcptop.fleet.asking import Place
from mcptop.model.flow_reading import FlowReading
from mcptop.model.instance import FileDescriptors, Sockets
from mcptop.model.snapshot import Counters, HostReading, Reading, Target, Traffic

_MOST = 1 << 62
_LATEST = 1e11
"""Unix seconds; later ones are nobody's."""


class Machine(NamedTuple):
    """What one exporter says. Parts that did not change since the sample before are the same objects."""

    place: Place
    name: str
    is_mcptop: bool
    sample_at: float
    """Of its clock."""
    read_at: float
    """The same, in monotonic seconds here."""
    scraped_at: float
    """By Prometheus' clock."""
    every_s: float
    skew_s: float = 0.0
    """What its clock is behind Prometheus'."""
    targets: tuple[Target, ...] = ()
    readings: Mapping[str, Reading] = {}
    sockets: Mapping[str, Sockets] = {}
    files: Mapping[str, FileDescriptors] = {}
    flows: Mapping[str, tuple[FlowReading, ...]] = {}
    host: HostReading | None = None
    broken: tuple[str, ...] = ()
    """Sources of its own that do not answer."""


def kept(new: Target, before: Target | None) -> Target:
    """The target of before, where nothing of it changed."""
    if before is None:
        return new
    fields = Target.__struct_fields__
    return before if all(getattr(new, name) == getattr(before, name) for name in fields) else new


def whole(value: float | None) -> int | None:
    """A count or a size; None for what is none."""
    return None if value is None or not 0 <= value < _MOST else int(value)


def above_zero(value: float | None) -> int | None:
    """A limit: 0 is how exporters write that there is none."""
    return whole(value) or None


def moment(value: float | None) -> datetime | None:
    """Of Unix seconds."""
    return None if value is None or not 0 < value < _LATEST else datetime.fromtimestamp(value, UTC)


def traffic(read_at: float, inward: float | None, outward: float | None) -> Counters | None:
    """Counters of everything together: the part without a name is the sum."""
    received, sent = whole(inward), whole(outward)
    if received is None or sent is None:
        return None
    return Counters(read_at, (Traffic("", received, sent),))
