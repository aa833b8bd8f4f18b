"""A recording as whoever plays it sees it: ticks by their number, wherever their bytes are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cached_property

from msgspec import Struct

from mcptop.model.snapshot import Snapshot
from mcptop.recording.codec import Decoder
from mcptop.recording.errors import Damage, RecordingError
from mcptop.recording.framing import Flag
from mcptop.recording.layout import Fields, Layout

FORMAT = 1
"""Of the records. A field more or less is no new format: the header names them."""


class Header(Struct, frozen=True):
    """What is known of a recording before its first tick. The text of a file: not to be trusted."""

    format: int
    mcptop: str
    """The version that wrote it."""
    host: str
    interval_s: float
    fields: Fields


class Log(ABC):
    """Ticks by number, oldest first. Nothing of it is decoded before it is asked for."""

    def __init__(self) -> None:
        self.times = array("d")
        """Wall-clock seconds of each tick."""
        self.flags = bytearray()
        """`Flag` of each."""

    @property
    @abstractmethod
    def name(self) -> str:
        """For messages: the file."""

    @property
    @abstractmethod
    def header(self) -> Header:
        """Of the newest part."""

    @abstractmethod
    def data(self, index: int) -> bytes:
        """The record of a tick. Raises `RecordingError`."""

    @abstractmethod
    def layout(self, index: int) -> Layout:
        """How the fields of a tick stand."""

    @property
    def count(self) -> int:
        """How many ticks there are."""
        return len(self.times)

    def at(self, index: int) -> datetime:
        """The time of a tick."""
        return datetime.fromtimestamp(self.times[index], UTC)

    def snapshots(self, first: int) -> Iterator[Snapshot]:
        """The ticks from `first` on. Raises `RecordingError` for a record that cannot be read."""
        for found in self.read(first):
            if isinstance(found, RecordingError):
                raise found
            yield found

    def read(self, first: int) -> Iterator[Snapshot | RecordingError]:
        """Every tick from `first` on; why, for each that cannot be read: those before the next key among them."""
        start = first
        while start > 0 and not self.flags[start] & Flag.KEY:
            start -= 1
        decoder, lost = Decoder(), None
        for index in range(start, self.count):
            if lost is None or self.flags[index] & Flag.KEY:
                found = self._decoded(decoder, index)
                lost = found if isinstance(found, RecordingError) else None
            if index >= first:
                yield lost or found

    def _decoded(self, decoder: Decoder, index: int) -> Snapshot | RecordingError:
        is_key = bool(self.flags[index] & Flag.KEY)
        try:
            if is_key:
                decoder.use(self.layout(index))
            return decoder.snapshot(self.data(index), is_key)
        except Damage as damage:
            when = f"{self.at(index):%Y-%m-%d %H:%M:%S}"
            return RecordingError(f"{self.name}: the record of {when} UTC makes no sense: {damage}")
        except RecordingError as error:
            return error

    def next_key(self, index: int) -> int | None:
        """The next tick behind this one that can be read by itself."""
        return next((each for each in range(index + 1, self.count) if self.flags[each] & Flag.KEY), None)

    @cached_property
    def events(self) -> Sequence[int]:
        """The ticks at which something happened."""
        return array("I", (index for index, flags in enumerate(self.flags) if flags & Flag.EVENT))

    def next_event(self, index: int, direction: int) -> int | None:
        """The nearest of these behind (1) or before (-1) a tick."""
        if direction > 0:
            place = bisect_right(self.events, index)
            return self.events[place] if place < len(self.events) else None
        place = bisect_left(self.events, index)
        return self.events[place - 1] if place else None

    def index_at(self, at: datetime) -> int:
        """The last tick not after this time; the first where all are after it."""
        wanted = at.timestamp()
        return next((index for index in range(self.count - 1, -1, -1) if self.times[index] <= wanted), 0)

    def walked(self, index: int, seconds: float) -> int:
        """The tick nearest to so many seconds behind this one, or before it; another one, unless there is none."""
        step, wanted = (1 if seconds > 0 else -1), self.times[index] + seconds
        if not 0 <= index + step < self.count:
            return index
        found = index + step
        while 0 <= found + step < self.count and self._far(found + step, wanted) < self._far(found, wanted):
            found += step
        return found

    def _far(self, index: int, wanted: float) -> float:
        return abs(self.times[index] - wanted)
