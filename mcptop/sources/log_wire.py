"""From the bytes of a log to its lines: chunks of HTTP, frames of the engine, lines of a terminal or a file.

Each takes bytes as they come, keeps what is not complete, and does as little as possible a line: a container can
write a hundred thousand of them a second.
"""

from __future__ import annotations

from struct import unpack_from

from mcptop.sources.log_box import LogError, Raw, Stream

LONGEST = 8 << 10
"""Bytes that are kept of a line."""
_HEAD = 8
_LARGEST_FRAME = 1 << 20
_LARGEST_CHUNK = 16 << 20


class Dechunker:
    """The body of an answer out of its chunks (RFC 9112, 7.1). `ended` after the last one."""

    def __init__(self) -> None:
        self._rest = b""
        self.ended = False

    def feed(self, data: bytes) -> bytes:
        """The body so far. Raises `LogError` for what are no chunks."""
        data = self._rest + data if self._rest else data
        parts, at, end = [], 0, len(data)
        while not self.ended:
            line = data.find(b"\r\n", at, at + 64)
            if line < 0:
                if end - at >= 64:
                    raise _garbled()
                break
            size, begin = _chunk_size(data[at:line]), line + 2
            if begin + size + 2 > end:
                break
            self.ended = size == 0
            parts.append(data[begin : begin + size])
            at = begin + size + 2
        self._rest = data[at:]
        return b"".join(parts)


def _chunk_size(text: bytes) -> int:
    try:
        size = int(text.partition(b";")[0], 16)
    except ValueError:
        raise _garbled() from None
    if not 0 <= size <= _LARGEST_CHUNK:
        raise _garbled()
    return size


class Demultiplexer:
    """The engine's frames of a container without a terminal: one a line, or several for a very long one."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Raw]:
        """The frames that are complete. Raises `LogError` for what are none."""
        data = self._rest + data if self._rest else data
        found: list[Raw] = []
        at, last = 0, len(data) - _HEAD
        while at <= last:
            length = unpack_from(">L", data, at + 4)[0]
            begin = at + _HEAD
            end = begin + length
            if end > last + _HEAD:
                if length > _LARGEST_FRAME:
                    raise _garbled()
                break
            found.append((data[at], None, data[begin:end]))
            at = end
        self._rest = data[at:]
        return found

    def end(self) -> list[Raw]:
        """Nothing: what has no end here is no line."""
        return []


class Splitter:
    """Lines out of a stream of text. What a line has beyond a bound is forgotten while it is read."""

    def __init__(self, stream: int = Stream.OUT) -> None:
        self._stream = stream
        self._rest = b""

    def feed(self, data: bytes, at: float | None = None) -> list[Raw]:
        """The lines that are complete, with their line ends, as of this time."""
        *lines, rest = (self._rest + data).split(b"\n")
        # One more than is kept, so that it shows as cut.
        self._rest = rest[: LONGEST * 2]
        return [(self._stream, at, line + b"\n") for line in lines]

    def end(self, at: float | None = None) -> list[Raw]:
        """What was left unfinished: nothing will come any more."""
        rest, self._rest = self._rest, b""
        return [(self._stream, at, rest)] if rest else []


def _garbled() -> LogError:
    return LogError("the engine's answer is no log stream: is something between mcptop and the engine?")
