"""Files that the reader asked for, in the current folder: for their owner only, and never over another file."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from contextlib import suppress

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class WritingError(Exception):
    """A file cannot be written; one line: which, and why."""


def write_new(stem: str, contents: Mapping[str, bytes]) -> str:
    """Write a file for each suffix under one name that is free: `stem`, `stem-2` and so on; that name.

    All of them or none. Raises `WritingError`.
    """
    for number in itertools.count(1):
        name = stem if number == 1 else f"{stem}-{number}"
        if _write_all(name, contents):
            return name
    raise AssertionError("there is always another number")


def _write_all(name: str, contents: Mapping[str, bytes]) -> bool:
    """False where one of the names is taken."""
    written: list[str] = []
    try:
        for suffix, data in contents.items():
            path = f"{name}{suffix}"
            handle = os.open(path, _FLAGS, 0o600)
            written.append(path)
            with os.fdopen(handle, "wb") as file:
                file.write(data)
    except FileExistsError:
        _remove(written)
        return False
    except OSError as error:
        _remove(written)
        raise WritingError(f"{path}: cannot be written: {error.strerror}") from None
    return True


def _remove(paths: list[str]) -> None:
    for path in paths:
        with suppress(OSError):
            os.unlink(path)
