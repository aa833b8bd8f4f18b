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
    offset = start
    while offset < size:
        head = _head(os.pread(descriptor, HEAD_SIZE, offset))
        if head is None or offset + HEAD_SIZE + head[1] > size:
            behind = _next_marker(descriptor, offset + 1, size)
            yield Hole(offset, behind - offset)
            offset = behind
            continue
        flags, length, at, checksum = head
        data = os.pread(descriptor, length, offset + HEAD_SIZE)
        is_whole = len(data) == length and crc32(data) == checksum
        yield Place(flags, at, offset + HEAD_SIZE, length) if is_whole else Hole(offset, HEAD_SIZE + length)
        offset += HEAD_SIZE + length


def _head(data: bytes) -> tuple[Flag, int, float, int] | None:
    if len(data) < HEAD_SIZE or _CRC.unpack_from(data, _HEAD.size)[0] != crc32(data[: _HEAD.size]):
        return None
    marker, flags, length, at, checksum = _HEAD.unpack_from(data)
    if marker != _MARKER or flags > 7 or length > MOST_DATA or not (isfinite(at) and 0 <= at < _LATEST):
        return None
    return Flag(flags), length, at, checksum


def _next_marker(descriptor: int, start: int, size: int) -> int:
    while start < size:
        chunk = os.pread(descriptor, min(_CHUNK, size - start) + len(_MARKER) - 1, start)
        if (found := chunk.find(_MARKER)) >= 0:
            return min(size, start + found)
        if not chunk:
            break
        start += _CHUNK
    return size
