"""A recording in a file: each tick is in it when it was taken, and when it is full the oldest half goes.

The file and the older part beside it (`FILE.1`) together never hold more than the limits say.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from mcptop import __version__
from mcptop.model.snapshot import Snapshot
from mcptop.recording.codec import Encoder, fields_now
from mcptop.recording.errors import RecordingError
from mcptop.recording.framing import MAGIC, MOST_DATA, Flag, Place, framed, places
from mcptop.recording.log import FORMAT, Header
from mcptop.recording.parts import Existing, begun, explained, older_part, opened, shown

MAX_BYTES = 200 << 20
MAX_AGE_S = 24 * 3600.0


class Writer:
    """Appends snapshots. Every method may raise `RecordingError`; what was written before stays readable."""

    def __init__(
        self,
        path: Path,
        interval_s: float,
        *,
        max_bytes: int = MAX_BYTES,
        max_age_s: float = MAX_AGE_S,
        existing: Existing = Existing.REFUSE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` gives wall-clock seconds: what is too old is so when one goes on."""
        self._path = path
        self._interval_s = interval_s
        self._max_bytes = max_bytes
        self._max_age_s = max_age_s
        self._clock = clock
        self._encoder = Encoder()
        self._first_at: float | None = None
        """Of the newer part."""
        self._size = 0
        self._host: str | None = None
        self.samples = 0
        """Written by this writer."""
        self._descriptor = begun(path, existing)
        try:
            self._go_on()
        except BaseException:
            self.close()
            raise

    @property
    def size(self) -> int:
        """Bytes of both parts."""
        try:
            return self._size + older_part(self._path).stat().st_size
        except OSError:
            return self._size

    def add(self, snapshot: Snapshot, is_event: bool = False) -> None:
        """Write a tick, at once, and whether something happened at it."""
        at = snapshot.at.timestamp()
        if self._host is None and snapshot.host is not None:
            self._host = snapshot.host.name
            self._tell_header()
        if self._first_at is not None and at - self._first_at >= self._max_age_s / 2:
            self._turn_over()
        data = self._record(snapshot, is_event)
        if self._first_at is not None and self._size + len(data) > self._max_bytes // 2:
            self._turn_over()
            data = self._record(snapshot, is_event)
        if data:
            self._write(data)
            self.samples += 1
            self._first_at = at if self._first_at is None else self._first_at

    def close(self) -> None:
        """Let go of the file. One with nothing in it does not stay."""
        with contextlib.suppress(OSError):
            if self._size == 0 and os.fstat(self._descriptor).st_size == 0:
                self._path.unlink()
            os.close(self._descriptor)

    def _record(self, snapshot: Snapshot, is_event: bool) -> bytes:
        """Nothing for a tick that is too large to be read again."""
        record = self._encoder.record(snapshot, is_event)
        if record is None or len(record.data) > MOST_DATA:
            self._encoder.restart()
            return b""
        return framed(record.flags, record.at, record.data)

    def _go_on(self) -> None:
        """With what is there, as far as the limits allow."""
        size = os.fstat(self._descriptor).st_size
        if size == 0:
            self._begin()
            return
        if os.pread(self._descriptor, len(MAGIC), 0) != MAGIC:
            raise RecordingError(f"{shown(self._path)}: not a recording of mcptop, so nothing is appended to it")
        self._size = size
        if self.size > self._max_bytes:
            raise RecordingError(f"{shown(self._path)}: larger than --max-size already: give more, or --force")
        self._forget_what_is_too_old()
        ticks = (found for found in places(self._descriptor, len(MAGIC), size) if isinstance(found, Place))
        self._first_at = next((tick.at for tick in ticks if not tick.flags & Flag.HEADER), None)
        self._tell_header()

    def _forget_what_is_too_old(self) -> None:
        oldest = self._clock() - self._max_age_s
        with contextlib.suppress(FileNotFoundError):
            if older_part(self._path).stat().st_mtime < oldest:
                older_part(self._path).unlink()
        if os.fstat(self._descriptor).st_mtime < oldest:
            os.ftruncate(self._descriptor, 0)
            self._begin()

    def _begin(self) -> None:
        self._size, self._first_at = 0, None
        self._write(MAGIC)
        self._tell_header()

    def _tell_header(self) -> None:
        """What the records behind it are; the next one can be read by itself."""
        header = Header(FORMAT, __version__, self._host or "", self._interval_s, fields_now())
        self._write(framed(Flag.HEADER, 0.0, msgspec.json.encode(header)))
        self._encoder.restart()

    def _turn_over(self) -> None:
        """This part becomes the older one, which goes."""
        try:
            os.replace(self._path, older_part(self._path))
        except OSError as error:
            raise explained(self._path, error) from None
        newer = opened(self._path)
        os.close(self._descriptor)
        self._descriptor = newer
        self._begin()

    def _write(self, data: bytes) -> None:
        """All of it, or nothing stays of it."""
        try:
            written = os.write(self._descriptor, data)
            while written < len(data):
                written += os.write(self._descriptor, data[written:])
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self._size)
            kept = f"; the {self.samples} samples before are kept" if self.samples else ""
            raise explained(self._path, error, kept) from None
        self._size += len(data)
