"""The bytes of logs: chunks, frames, lines, times, and the box; however they are cut into reads."""

from __future__ import annotations

import contextlib
import struct
import threading
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mcptop.sources.log_box import LogBox, LogError, Mark, Raw
from mcptop.sources.log_stamps import leading, nanoseconds
from mcptop.sources.log_wire import LONGEST, Dechunker, Demultiplexer, Splitter

FRAMES = some.lists(some.tuples(some.sampled_from([1, 2]), some.binary(max_size=40)), max_size=12)
CUTS = some.lists(some.integers(min_value=1, max_value=30), min_size=1, max_size=8)


def framed(frames: list[tuple[int, bytes]]) -> bytes:
    return b"".join(struct.pack(">BxxxL", stream, len(data)) + data for stream, data in frames)


def chunked(parts: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts if part) + b"0\r\n\r\n"


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    """In pieces of these sizes, again and again."""
    pieces, at = [], 0
    while at < len(data):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(data[at : at + size])
        at += size
    return pieces


@given(FRAMES, CUTS)
def test_frames_come_out_as_they_went_in_however_they_were_cut(
    frames: list[tuple[int, bytes]], sizes: list[int]
) -> None:
    demultiplexer = Demultiplexer()
    found = [raw for piece in cut(framed(frames), sizes) for raw in demultiplexer.feed(piece)]
    assert found == [(stream, None, data) for stream, data in frames]


@given(some.lists(some.binary(max_size=50), max_size=12), CUTS)
def test_chunks_make_up_the_body(parts: list[bytes], sizes: list[int]) -> None:
    dechunker = Dechunker()
    assert b"".join(dechunker.feed(piece) for piece in cut(chunked(parts), sizes)) == b"".join(parts)
    assert dechunker.ended


@given(some.binary(max_size=300), CUTS)
def test_lines_end_at_line_ends_only(data: bytes, sizes: list[int]) -> None:
    splitter = Splitter()
    found = b"".join(line for piece in cut(data, sizes) for _, _, line in splitter.feed(piece))
    assert found == data[: data.rfind(b"\n") + 1]


def test_a_line_without_an_end_takes_no_memory() -> None:
    splitter = Splitter()
    for _ in range(64):
        assert splitter.feed(b"x" * (16 << 10)) == []
    [(_, _, line)] = splitter.feed(b"\n")
    assert LONGEST < len(line) < 4 * LONGEST


@given(some.binary(max_size=200))
def test_garbage_ends_in_lines_or_in_one_clear_error(data: bytes) -> None:
    for reader in (Dechunker(), Demultiplexer()):
        with contextlib.suppress(LogError):
            reader.feed(data)


def test_a_frame_as_large_as_a_disk_is_no_frame() -> None:
    with pytest.raises(LogError, match="no log stream"):
        Demultiplexer().feed(b"HTTP/1.1 500 Oh no")


@given(some.integers(0, 7_000_000_000), some.integers(0, 999_999_999))
def test_times_of_the_engine_to_the_nanosecond(seconds: int, nanos: int) -> None:
    moment = datetime.fromtimestamp(seconds, UTC)
    text = f"{moment:%Y-%m-%dT%H:%M:%S}.{nanos:09d}".rstrip("0").rstrip(".") + "Z"
    assert nanoseconds(text.encode()) == seconds * 10**9 + nanos


@pytest.mark.parametrize(
    ("line", "at"),
    [
        (b"2026-01-31T12:00:00.5Z hello", 1769860800.5),
        (b"2026-01-31 13:00:00,250+01:00 hello", 1769860800.25),
        (b"[2026-01-31T12:00:00Z] hello", 1769860800.0),
        (b"2026-99-31T12:00:00Z hello", None),
        (b"hello 2026-01-31T12:00:00Z", None),
        (b"", None),
    ],
)
def test_times_in_front_of_lines(line: bytes, at: float | None) -> None:
    assert leading(line) == at


@given(some.binary(max_size=60))
def test_no_line_breaks_the_reading_of_times(line: bytes) -> None:
    leading(line)
    nanoseconds(line)


def raws(count: int, first: int = 0, size: int = 0) -> list[Raw]:
    return [(1, None, b"%d" % n + b"x" * size) for n in range(first, first + count)]


@given(some.lists(some.integers(0, 40), max_size=10), some.integers(1, 30))
def test_a_box_keeps_the_newest_and_counts_the_others(puts: list[int], bound: int) -> None:
    box, written = LogBox(lines=bound), 0
    for count in puts:
        box.put(raws(count, written))
        written += count
    taken = box.take()
    assert len(taken.items) == min(bound, written)
    assert taken.skipped + len(taken.items) == written
    assert taken.items == raws(len(taken.items), taken.skipped)
    assert box.take() == (0, False, [])


def test_a_box_is_bounded_by_bytes_too() -> None:
    box = LogBox(lines=1000, size=10_000)
    box.put(raws(100, size=1000))
    taken = box.take()
    assert 0 < len(taken.items) < 10
    assert taken.skipped == 100 - len(taken.items)


def test_what_a_follower_left_out_comes_before_its_lines() -> None:
    box = LogBox(lines=10)
    mark = Mark(1.0, "restarted", True)
    box.put([*raws(3), mark])
    box.put(raws(2, 50), skipped=47)
    box.put([], uncounted=True)
    assert box.take() == (3 + 47 + 2, True, [mark]), "a mark is not lost with the lines around it"


def test_the_past_waits_for_room_and_loses_nothing() -> None:
    box, found = LogBox(lines=5), []
    done = threading.Event()

    def write() -> None:
        for at in range(0, 200, 10):
            box.put_past(raws(10, at))
        done.set()

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    while not done.is_set() or len(found) < 200:
        taken = box.take()
        assert len(taken.items) <= 4 * 5 + 10
        assert taken.skipped == 0
        found += taken.items
        done.wait(0.001)
    assert found == raws(200)


def test_who_waits_for_room_ends_with_the_box() -> None:
    box = LogBox(lines=1)
    box.put_past(raws(10))
    waiting = threading.Thread(target=box.put_past, args=(raws(1),), daemon=True)
    waiting.start()
    box.close()
    waiting.join(10)
    assert not waiting.is_alive()
