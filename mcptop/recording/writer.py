"""A recording in a file: each tick is in it when it was taken, and when it is full the oldest half goes.

The file and the older part beside it (`FILE.1`) together never hold more than the limits say.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from enum import Enum
from pathlib import Path

import msgspec

from mcptop import __version__
from mcptop.model.snapshot import Snapshot
from mcptop.recording.codec import Encoder, fields_now
from mcptop.recording.errors import RecordingError
from mcptop.recording.framing import MAGIC, MOST_DATA, Flag, framed
from mcptop.recording.log import FORMAT, Header
from mcptop.recording.ring import flags_of

MAX_BYTES = 200 << 20
MAX_AGE_S = 24 * 3600.0
LEAST_BYTES = 64 << 10
_HAS_TWO = "there is a recording already: --append goes on with it, --force begins anew"


class Existing(Enum):
    """What becomes of a file that is there already."""

    REFUSE = "refuse"
    APPEND = "append"
    REPLACE = "replace"


def older_part(path: Path) -> Path:
    """Where the older half of a recording is."""
    return path.with_name(f"{path.name}.1")


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
    ) -> None:
        self._path = path
        self._interval_s = interval_s
        self._max_bytes = max_bytes
        self._max_age_s = max_age_s
        self._encoder = Encoder()
        self._first_at: float | None = None
        """Of the newer part."""
        self._size = 0
        self._host: str | None = None
        self.samples = 0
        """Written by this writer."""
        self._descriptor = self._opened(existing)
        try:
            self._begin()
        except RecordingError:
            self.close()
            raise

    def add(self, snapshot: Snapshot) -> None:
        """Write a tick, at once."""
        at = snapshot.at.timestamp()
        if self._host is None and snapshot.host is not None:
            self._host = snapshot.host.name
            self._tell_header()
        if self._is_half_full(at):
            self._turn_over()
        record = self._encoder.record(snapshot)
        if record is None or len(record.data) > MOST_DATA:
            self._encoder.restart()
            return
        if self._first_at is None:
            self._first_at = at
        self._write(framed(flags_of(record), record.at, record.data))
        self.samples += 1

    @property
    def size(self) -> int:
        """Bytes of both parts."""
        try:
            return self._size + older_part(self._path).stat().st_size
        except OSError:
            return self._size

    def close(self) -> None:
        """Let go of the file."""
        with contextlib.suppress(OSError):
            os.close(self._descriptor)

    def _opened(self, existing: Existing) -> int:
        older = older_part(self._path)
        try:
            if existing is Existing.REPLACE:
                for part in (older, self._path):
                    _removed(part)
            elif existing is Existing.REFUSE and os.path.lexists(older):
                raise RecordingError(f"{older}: {_HAS_TWO}")
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
            descriptor = os.open(self._path, flags if existing is Existing.APPEND else flags | os.O_EXCL, 0o600)
        except FileExistsError:
            raise RecordingError(f"{self._path}: {_HAS_TWO}") from None
        except OSError as error:
            raise self._error(error) from None
        try:
            _locked(descriptor, self._path)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _begin(self) -> None:
        """The magic of a new file, or the check of one that is there; then what the records behind it are."""
        self._size = os.fstat(self._descriptor).st_size
        if self._size == 0:
            self._write(MAGIC)
        elif os.pread(self._descriptor, len(MAGIC), 0) != MAGIC:
            raise RecordingError(f"{self._path}: not a recording of mcptop, so nothing is appended to it")
        self._tell_header()

    def _tell_header(self) -> None:
        header = Header(FORMAT, __version__, self._host or "", self._interval_s, fields_now())
        self._write(framed(Flag.HEADER, 0.0, msgspec.json.encode(header)))
        self._encoder.restart()

    def _is_half_full(self, at: float) -> bool:
        if self._size >= self._max_bytes // 2:
            return True
        return self._first_at is not None and at - self._first_at >= self._max_age_s / 2

    def _turn_over(self) -> None:
        """This part becomes the older one, which goes."""
        try:
            os.replace(self._path, older_part(self._path))
        except OSError as error:
            raise self._error(error) from None
        self.close()
        self._descriptor = self._opened(Existing.APPEND)
        self._first_at = None
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
            raise self._error(error) from None
        self._size += len(data)

    def _error(self, error: OSError) -> RecordingError:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            kept = f"; the {self.samples} samples before are kept" if self.samples else ""
            return RecordingError(f"{self._path}: no more room ({error.strerror}){kept}")
        if error.errno == errno.ELOOP:
            return RecordingError(f"{self._path}: a symbolic link; name the file itself")
        return RecordingError(f"{self._path}: cannot be written ({error.strerror})")


def _removed(path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        path.unlink()


def _locked(descriptor: int, path: Path) -> None:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise RecordingError(f"{path}: not a plain file")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise RecordingError(f"{path}: somebody else is recording into it") from None
