"""The bytes of a file: records one behind the other, each with its length and checksums, found again after damage.

marker 4 | flags 1 | length 4 | wall-clock seconds 8 | CRC of the data 4 | CRC of this head 4 | data
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import IntFlag
from math import isfinite
from zlib import crc32

from msgspec import Struct

MAGIC = b"\x89mcptop-recording\r\n\x1a\n"
"""How a file begins."""
MOST_DATA = 4 << 20
"""Bytes of one record in a file."""
_MARKER = b"\xf5mR\x1e"
_HEAD = struct.Struct(">4sBIdI")
_CRC = struct.Struct(">I")
HEAD_SIZE = _HEAD.size + _CRC.size
_CHUNK = 1 << 20
_LATEST = datetime(9000, 1, 1, tzinfo=UTC).timestamp()


class Flag(IntFlag):
    """What a record is."""

    CHANGE = 0
    HEADER = 1
    """About the records behind it, not a tick."""
    KEY = 2
    """A tick that can be read by itself."""
    EVENT = 4
    """Something happened at this tick."""


class Place(Struct, frozen=True, gc=False):
    """Where a record's data is in its file."""

    flags: Flag
    at: float
    offset: int
    length: int


class Hole(Struct, frozen=True, gc=False):
    """Bytes that are no whole record."""

    offset: int
    length: int


def framed(flags: Flag, at: float, data: bytes) -> bytes:
    """A record as it stands in a file."""
    head = _HEAD.pack(_MARKER, flags, len(data), at, crc32(data))
    return head + _CRC.pack(crc32(head)) + data


def places(descriptor: int, start: int, size: int) -> Iterator[Place | Hole]:
    """Every record of a file between two offsets, and what is between them that is none. Reads each byte once or twice.

    Whatever the bytes are, it comes to its end in a time that grows with their number.
    """
    window, offset = _Window(descriptor, size), start
    while offset < size:
        head = window.head(offset)
        if head is None:
            behind = window.next_record(offset + 1)
            yield Hole(offset, behind - offset)
            offset = behind
            continue
        flags, length, at, checksum = head
        data = os.pread(descriptor, length, offset + HEAD_SIZE)
        is_whole = len(data) == length and crc32(data) == checksum
        yield Place(flags, at, offset + HEAD_SIZE, length) if is_whole else Hole(offset, HEAD_SIZE + length)
        offset += HEAD_SIZE + length


class _Window:
    """A part of a file in memory: who looks for a record in it reads no byte again for each that is none."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self._size = size
        self._start = 0
        self._bytes = b""

    def head(self, offset: int) -> tuple[Flag, int, float, int] | None:
        """Flags, length, time and checksum of a record that begins there and ends in the file."""
        self._open(offset, HEAD_SIZE)
        head = _head(self._bytes[offset - self._start : offset - self._start + HEAD_SIZE])
        return head if head is not None and offset + HEAD_SIZE + head[1] <= self._size else None

    def next_record(self, start: int) -> int:
        """Where the next one may begin; the end without one."""
        while (start := self._next_marker(start)) < self._size and self.head(start) is None:
            start += 1
        return start

    def _next_marker(self, start: int) -> int:
        while start < self._size:
            self._open(start, len(_MARKER))
            if (found := self._bytes.find(_MARKER, start - self._start)) >= 0:
                return min(self._size, self._start + found)
            behind = self._start + len(self._bytes) - len(_MARKER) + 1
            if behind <= start:
                break
            start = behind
        return self._size

    def _open(self, offset: int, count: int) -> None:
        """Have so many bytes, as far as the file has them."""
        if not self._start <= offset <= offset + count <= self._start + len(self._bytes):
            self._start, self._bytes = offset, os.pread(self._descriptor, _CHUNK, offset)


def _head(data: bytes) -> tuple[Flag, int, float, int] | None:
    if len(data) < HEAD_SIZE or _CRC.unpack_from(data, _HEAD.size)[0] != crc32(data[: _HEAD.size]):
        return None
    marker, flags, length, at, checksum = _HEAD.unpack_from(data)
    if marker != _MARKER or flags > 7 or length > MOST_DATA or not (isfinite(at) and 0 <= at < _LATEST):
        return None
    return Flag(flags), length, at, checksum
