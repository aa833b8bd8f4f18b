"""The two files of a recording, `FILE` and its older half `FILE.1`: whose they are, and how they are begun."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from enum import Enum
from pathlib import Path

from mcptop.recording.errors import RecordingError
from mcptop.recording.framing import MAGIC
from mcptop.units import plain

_CREATE = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_TOO_MUCH = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Existing(Enum):
    """What becomes of a recording that is there already."""

    REFUSE = "refuse"
    APPEND = "append"
    REPLACE = "replace"


def older_part(path: Path) -> Path:
    """Where the older half of a recording is."""
    return path.with_name(f"{path.name}.1")


def shown(path: Path) -> str:
    """As it may be printed."""
    return plain(str(path))


def is_recording(path: Path) -> bool:
    """Whether it begins like one."""
    try:
        # Not by `open`: a pipe would be waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode) and os.pread(descriptor, len(MAGIC), 0) == MAGIC
    finally:
        os.close(descriptor)


def begun(path: Path, existing: Existing) -> int:
    """A descriptor to append to, with nobody else's writing. Raises `RecordingError`; then nothing has changed."""
    older = older_part(path)
    if os.path.lexists(older) and not is_recording(older):
        raise RecordingError(f"{shown(older)}: no recording, and the older half would go there: choose another name")
    if existing is Existing.REFUSE and (os.path.lexists(path) or os.path.lexists(older)):
        there = path if os.path.lexists(path) else older
        raise RecordingError(f"{shown(there)}: is there already: --append goes on with it, --force begins anew")
    if existing is Existing.REPLACE and os.path.lexists(path):
        os.close(opened(path))
        _remove(path)
    if existing is Existing.REPLACE:
        _remove(older)
    return opened(path)


def opened(path: Path) -> int:
    """To append to; made where it is not there, for its owner alone. Raises `RecordingError`."""
    try:
        descriptor = os.open(path, _CREATE, 0o600)
    except OSError as error:
        raise explained(path, error) from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise RecordingError(f"{shown(path)}: not a plain file")
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise RecordingError(f"{shown(path)}: somebody else is recording into it") from None
    except RecordingError:
        os.close(descriptor)
        raise
    return descriptor


def _remove(path: Path) -> None:
    try:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
    except OSError as error:
        raise explained(path, error) from None


def explained(path: Path, error: OSError, kept: str = "") -> RecordingError:
    """What went wrong when it was written, in one line; `kept` says what is not lost."""
    if error.errno in _TOO_MUCH:
        return RecordingError(f"{shown(path)}: no more room ({error.strerror}){kept}")
    if error.errno == errno.ELOOP:
        return RecordingError(f"{shown(path)}: a symbolic link; name the file itself")
    return RecordingError(f"{shown(path)}: cannot be written ({error.strerror}){kept}")
