"""A log as the bytes of a file: its records as they are, none of them read."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from mcptop.recording.framing import MAGIC, Flag, framed
from mcptop.recording.log import Log


def file_of(log: Log) -> Iterator[bytes]:
    """The file, a record at a time, of a log that has one header. Raises `RecordingError`."""
    yield MAGIC
    yield framed(Flag.HEADER, 0.0, msgspec.json.encode(log.header))
    for index, (flags, at) in enumerate(zip(log.flags, log.times, strict=True)):
        yield framed(Flag(flags), at, log.data(index))
