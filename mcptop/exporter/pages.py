"""The latest frame as pages of metrics: made when somebody asks, once a frame, and the same for all who ask.

A scrape never samples. The monitor's thread only puts frames here; all work is done in the thread of who asks.
"""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

from mcptop.exposition import families, names
from mcptop.exposition.families import Choice
from mcptop.exposition.names import Names
from mcptop.exposition.row import Row
from mcptop.exposition.text import Form, Lines, page, written
from mcptop.model.frame import Frame, Service
from mcptop.model.snapshot import Reading, Snapshot

_LATE_S, _LATE_TICKS = 15.0, 5
"""A frame older than both is of a monitor that is stuck."""
_GZIP = 16 + zlib.MAX_WBITS
MAX_SERIES = 100_000


class _Kept(NamedTuple):
    """The lines of a service, and what they were made of."""

    service: Service
    names: Names
    readings: tuple[Reading | None, ...]
    lines: Lines


class _Shown(NamedTuple):
    frame: Frame
    snapshot: Snapshot | None


class Pages:
    """`add` and `show` are called by the monitor, the rest from any thread."""

    def __init__(
        self,
        version: str,
        choice: Choice,
        most_series: int = MAX_SERIES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._version, self._choice, self._most, self._clock = version, choice, most_series, clock
        self._snapshot: Snapshot | None = None
        self._shown: _Shown | None = None
        self._kept: dict[str, _Kept] = {}
        self._made: dict[tuple[Form, bool], bytes] = {}
        self._made_of: tuple[_Shown, bool] | None = None
        self._lines: list[Lines] = []
        self._making = threading.Lock()

    def add(self, snapshot: Snapshot, is_event: bool = False) -> None:
        """The snapshot of the frame that comes next."""
        self._snapshot = snapshot

    def show(self, frame: Frame) -> None:
        """The newest frame."""
        self._shown = _Shown(frame, self._snapshot)

    @property
    def age_s(self) -> float | None:
        """Age of the newest sample; None before the first."""
        shown = self._shown
        if shown is None or shown.frame.monotonic is None:
            return None
        return max(0.0, self._clock() - shown.frame.monotonic)

    @property
    def is_fresh(self) -> bool:
        """Whether samples come as they should."""
        shown, age_s = self._shown, self.age_s
        return shown is not None and age_s is not None and age_s <= _late_s(shown.frame)

    def page(self, form: Form, compressed: bool = False) -> bytes | None:
        """The page of the newest frame; None before the first. Of a frame that is too old only mcptop's own part."""
        with self._making:
            shown = self._shown
            if shown is None:
                return None
            made_of = shown, self.is_fresh
            if self._made_of != made_of:
                self._lines = self._parts(*made_of)
                self._made, self._made_of = {}, made_of
            if (form, compressed) not in self._made:
                text = self._made.get((form, False)) or page(self._lines, form)
                self._made[form, False] = text
                if compressed:
                    self._made[form, True] = _compressed(text)
            return self._made[form, compressed]

    def _parts(self, shown: _Shown, is_fresh: bool) -> list[Lines]:
        own = written(families.own(shown.frame, self._version))
        if not is_fresh:
            return [own, _dropped(0)]
        known = names.of_services(families.wanted(shown.frame.services, self._choice))
        machine = [written(part) for part in families.machine(shown.frame, known)]
        readings = shown.snapshot.readings if shown.snapshot is not None else {}
        kept = {
            service.key: self._service(service, known[service.key], readings)
            for service in shown.frame.services
            if service.key in known
        }
        self._kept = kept
        told, dropped = _within(self._most - own.series - 1, machine, [each.lines for each in kept.values()])
        return [own, _dropped(dropped), *told]

    def _service(self, service: Service, named: Names, readings: Mapping[str, Reading]) -> _Kept:
        """The lines of before, where nothing it is made of is another."""
        of_it = tuple(readings.get(one.id) for one in service.instances)
        kept = self._kept.get(service.key)
        if kept is not None and kept.service is service and kept.names == named and _same(kept.readings, of_it):
            return kept
        return _Kept(service, named, of_it, written(families.rows_of(service, named, readings, self._choice.late)))


def _late_s(frame: Frame) -> float:
    return max(_LATE_S, _LATE_TICKS * frame.interval_s)


def _same(one: tuple[Reading | None, ...], other: tuple[Reading | None, ...]) -> bool:
    return all(a is b for a, b in zip(one, other, strict=True))


def _dropped(series: int) -> Lines:
    return written([Row("", (("mcptop_dropped_series", series),))])


def _within(most: int, machine: list[Lines], services: list[Lines]) -> tuple[list[Lines], int]:
    """The parts that fit, in their order, and how many series are left out: the largest services go first."""
    told: set[int] = set()
    left = most
    for part in (*machine, *sorted(services, key=lambda lines: lines.series)):
        if part.series <= left:
            left -= part.series
            told.add(id(part))
    everything = [*machine, *services]
    dropped = sum(part.repeated + (0 if id(part) in told else part.series) for part in everything)
    return [part for part in everything if id(part) in told], dropped


def _compressed(text: bytes) -> bytes:
    """By gzip, fast: a page repeats itself so much that more effort gains little."""
    packer = zlib.compressobj(1, zlib.DEFLATED, _GZIP)
    return packer.compress(text) + packer.flush()
