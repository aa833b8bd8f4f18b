"""Files of /proc and the cgroup tree that are read again and again: opened once, read with `pread`.

Opening and closing costs more than reading, and most files do not change between two ticks; so the
descriptor is kept and the parser runs only when the bytes differ. A kept descriptor also pins what it was
opened for: once the process or cgroup is gone, reading fails (ESRCH, ENODEV) even if its pid or path is
taken by another, so a reused pid can never lend its numbers.
"""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

_CHUNK = 4096
# A seq_file hands out whole records up to a page per read: only a short answer is surely the whole file.
_SURELY_WHOLE = 3000
_NO_MORE_DESCRIPTORS = (errno.EMFILE, errno.ENFILE)


class Gone(Exception):
    """The process or cgroup behind a file no longer exists."""


def raise_descriptor_limit() -> None:
    """Lift this process's soft limit of open files to its hard limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def contents(path: str) -> bytes:
    """A file that is read once: its whole content, or nothing when it is gone or not ours to read."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.readall()
    except OSError:
        return b""


def _pread_all(fd: int) -> bytes:
    data = os.pread(fd, _CHUNK, 0)
    if len(data) < _SURELY_WHOLE:
        return data
    while more := os.pread(fd, _CHUNK * 16, len(data)):
        data += more
    return data


class KeptFile:
    """One file, its descriptor kept. Without descriptors left it is opened anew for each read."""

    __slots__ = ("_fd", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        self._fd = -1

    def read(self) -> bytes:
        """The whole content. Raises FileNotFoundError before the first success, `Gone` after it, or PermissionError."""
        if self._fd >= 0:
            try:
                return _pread_all(self._fd)
            except OSError as error:
                self.close()
                raise Gone(self.path) from error
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            if error.errno in _NO_MORE_DESCRIPTORS:
                return self._read_once()
            if error.errno == errno.ESRCH:
                raise Gone(self.path) from error
            raise
        self._fd = fd
        return self.read()

    def _read_once(self) -> bytes:
        # The one descriptor Python needs here may be missing as well; then the caller sees the OSError.
        with open(self.path, "rb", buffering=0) as file:
            return file.read()

    def close(self) -> None:
        """Give the descriptor back; a later read opens the path again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __del__(self) -> None:
        self.close()


class ParsedFile(Generic[T]):
    """A kept file and its parser, which runs only when the bytes changed.

    A file this kernel does not have, or does not let us read, is None once and for all.
    """

    __slots__ = ("_absent", "_file", "_last", "_parse", "_value", "changed")

    def __init__(self, path: str | None, parse: Callable[[bytes], T]) -> None:
        self._absent = path is None
        self._file = KeptFile(path or "")
        self._parse = parse
        self._last: bytes | None = None
        self._value: T | None = None
        self.changed = False
        """Whether the last `get` found other bytes than the one before."""

    def get(self) -> T | None:
        """The parsed content, or None where there is no such file. Raises `Gone`."""
        if self._absent:
            return None
        try:
            data = self._file.read()
        except OSError:
            # EOPNOTSUPP counts too: a kernel booted with PSI off has the file and refuses to read it.
            self._absent = True
            return None
        self.changed = data != self._last
        if self.changed:
            self._last = data
            self._value = self._parse(data)
        return self._value

    def last(self) -> T | None:
        """What the last `get` gave, without reading."""
        return self._value

    def close(self) -> None:
        """Give the descriptor back."""
        self._file.close()
