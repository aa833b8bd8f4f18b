"""A recording in its files: where each tick is, and what is lost. Ticks are read when they are asked for."""

from __future__ import annotations

import errno
import os
import stat
from array import array
from pathlib import Path

import msgspec
from msgspec import Struct

from mcptop.recording.codec import layout_of
from mcptop.recording.errors import Damage, RecordingError
from mcptop.recording.framing import MAGIC, Flag, Hole, Place, places
from mcptop.recording.layout import Layout
from mcptop.recording.log import FORMAT, Header, Log
from mcptop.recording.parts import is_recording, older_part, shown
from mcptop.units import plain

_MOST_HEADER = 1 << 16
_MOST_PARTS = 10_000
"""So many times somebody may have gone on with a recording."""


class Losses(Struct, frozen=True):
    """What cannot be read any more."""

    holes: int = 0
    bytes: int = 0
    ticks: int = 0
    """Whole records that need one that is lost."""


class Reader(Log):
    """A recording as it is at the moment it is opened."""

    def __init__(self, path: Path) -> None:
        """Raises `RecordingError`: no recording, of a newer mcptop, nothing in it."""
        super().__init__()
        self._path = path
        self._descriptors: list[int] = []
        self._offsets, self._lengths, self._parts = array("Q"), array("I"), array("I")
        self._sections: list[tuple[int, Header, Layout]] = []
        """Descriptor, header and layout of what was written in one go."""
        self.losses = Losses()
        self.size = 0
        try:
            self._index()
            if not self.count:
                raise RecordingError(f"{self.name}: nothing is in this recording that could be read")
        except BaseException:
            self.close()
            raise

    @property
    def name(self) -> str:
        """The file, as it may be printed."""
        return shown(self._path)

    @property
    def header(self) -> Header:
        """Of the newest part."""
        return self._sections[self._parts[-1]][1]

    def data(self, index: int) -> bytes:
        """The record of a tick."""
        descriptor = self._sections[self._parts[index]][0]
        try:
            found = os.pread(descriptor, self._lengths[index], self._offsets[index])
        except OSError as error:
            raise RecordingError(f"{self.name}: cannot be read ({error.strerror})") from None
        if len(found) != self._lengths[index]:
            raise RecordingError(f"{self.name}: it has become shorter since it was opened")
        return found

    def layout(self, index: int) -> Layout:
        """How the fields of a tick stand."""
        return self._sections[self._parts[index]][2]

    def close(self) -> None:
        """Let go of the files."""
        while self._descriptors:
            os.close(self._descriptors.pop())

    def _index(self) -> None:
        older = older_part(self._path)
        has_newer, has_older = os.path.lexists(self._path), os.path.lexists(older)
        # The newer one first: somebody who records into it may turn it over between the two.
        parts = [self._opened(self._path)] if has_newer or not has_older else []
        if has_older and (not has_newer or is_recording(older)):
            parts.insert(0, self._opened(older))
        if len(parts) == 2 and os.path.sameopenfile(*parts):
            del parts[0]
        for descriptor in parts:
            self._index_part(descriptor)

    def _index_part(self, descriptor: int) -> None:
        size = os.fstat(descriptor).st_size
        self.size += size
        can_follow = False
        for found in places(descriptor, len(MAGIC), size):
            match found:
                case Hole():
                    self._lose(holes=1, bytes_=found.length)
                    can_follow = False
                case Place() if found.flags & Flag.HEADER:
                    self._begin_section(descriptor, found)
                    can_follow = False
                case Place():
                    can_follow = self._has_section(descriptor) and (can_follow or bool(found.flags & Flag.KEY))
                    if can_follow:
                        self._add(found)
                    else:
                        self._lose(ticks=1)

    def _opened(self, path: Path) -> int:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError as error:
            what = "no such recording" if error.errno == errno.ENOENT else f"cannot be read ({error.strerror})"
            raise RecordingError(f"{shown(path)}: {what}") from None
        self._descriptors.append(descriptor)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode) or os.pread(descriptor, len(MAGIC), 0) != MAGIC:
            raise RecordingError(f"{shown(path)}: not a recording of mcptop (`mcptop record` makes them)")
        return descriptor

    def _begin_section(self, descriptor: int, place: Place) -> None:
        """Raises `RecordingError` for a newer format; a header that makes no sense is a loss."""
        data = os.pread(descriptor, min(place.length, _MOST_HEADER), place.offset)
        try:
            header = msgspec.json.decode(data, type=_Format)
            if header.format > FORMAT:
                by = plain(header.mcptop, 20)
                raise RecordingError(f"{self.name}: written by a newer mcptop ({by}): read it with that version")
            whole = msgspec.json.decode(data, type=Header)
            if not 0.2 <= whole.interval_s <= 60 or len(self._sections) >= _MOST_PARTS:
                raise Damage("its interval is none")
            layout = next((known for _, head, known in self._sections if head.fields == whole.fields), None)
            self._sections.append((descriptor, whole, layout or layout_of(whole.fields)))
        except (msgspec.MsgspecError, Damage, UnicodeDecodeError):
            self._lose(holes=1, bytes_=place.length)

    def _has_section(self, descriptor: int) -> bool:
        return bool(self._sections) and self._sections[-1][0] == descriptor

    def _add(self, place: Place) -> None:
        self.times.append(place.at)
        self.flags.append(place.flags)
        self._offsets.append(place.offset)
        self._lengths.append(place.length)
        self._parts.append(len(self._sections) - 1)

    def _lose(self, holes: int = 0, bytes_: int = 0, ticks: int = 0) -> None:
        old = self.losses
        self.losses = Losses(old.holes + holes, old.bytes + bytes_, old.ticks + ticks)


class _Format(Struct):
    """As much of a header as every version writes."""

    format: int
    mcptop: str = ""
