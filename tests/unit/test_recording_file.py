"""Recordings in files: limits, what is there already, full disks, damage, and other people's files."""

from __future__ import annotations

import os
import resource
import stat
import struct
import subprocess
import sys
import time
import zlib
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcptop.recording.codec import KEY_TICKS, MOST_RAW, fields_now
from mcptop.recording.errors import RecordingError
from mcptop.recording.framing import HEAD_SIZE, MAGIC, Flag, Hole, framed, places
from mcptop.recording.parts import Existing, older_part
from mcptop.recording.reader import Losses, Reader
from mcptop.recording.writer import Writer

from .recorded import NOON, ticks, write

COUNT = 150


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "box.rec"


def times(path: Path) -> list[float]:
    """Of every tick, each read."""
    reader = Reader(path)
    try:
        found = [snapshot.at.timestamp() for snapshot in reader.snapshots(0)]
        assert found == list(reader.times)
        return found
    finally:
        reader.close()


def test_a_file_is_for_its_owner_alone_and_holds_every_tick(file: Path) -> None:
    write(file, ticks(COUNT))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    reader = Reader(file)
    assert [each.at for each in reader.snapshots(0)] == [each.at for each in ticks(COUNT)]
    assert [each.at for each in reader.snapshots(75)] == [each.at for each in ticks(COUNT)][75:]
    assert (reader.header.host, reader.header.interval_s, reader.losses) == ("box", 1.0, Losses())
    assert reader.next_event(0, 1) == 40
    assert [reader.next_event(70, 1), reader.next_event(70, -1), reader.next_event(81, 1)] == [81, 40, None]
    reader.close()


def test_a_tick_is_found_by_its_time(file: Path) -> None:
    reader = Reader(write(file, ticks(COUNT)))
    assert reader.index_at(NOON) == 0
    assert reader.index_at(NOON + timedelta(seconds=33.7)) == 33
    assert reader.index_at(NOON - timedelta(days=1)) == 0
    assert reader.index_at(NOON + timedelta(days=1)) == COUNT - 1
    reader.close()


def test_every_tick_is_in_the_file_when_it_was_added(file: Path) -> None:
    writer = Writer(file, 1.0)
    for number, snapshot in enumerate(ticks(5)):
        writer.add(snapshot)
        assert len(times(file)) == number + 1
    writer.close()


# What is there already.


def test_a_recording_that_is_there_is_neither_overwritten_nor_mixed_up(file: Path) -> None:
    before = write(file, ticks(3)).read_bytes()
    with pytest.raises(RecordingError, match="--append goes on with it, --force begins anew"):
        Writer(file, 1.0)
    assert file.read_bytes() == before
    file.rename(older_part(file))
    with pytest.raises(RecordingError, match=r"box\.rec\.1: is there already"):
        Writer(file, 1.0)
    assert not file.exists()


def test_one_goes_on_with_a_recording(file: Path) -> None:
    write(file, ticks(70, start=NOON - timedelta(hours=1)), max_age_s=1e9)
    write(file, ticks(70), existing=Existing.APPEND, max_age_s=1e9)
    assert len(times(file)) == 140
    other = file.with_name("new.rec")
    assert len(times(write(other, ticks(2), existing=Existing.APPEND))) == 2


def test_one_goes_on_behind_a_record_that_was_cut(file: Path) -> None:
    write(file, ticks(70))
    os.truncate(file, file.stat().st_size - 3)
    write(file, ticks(70, start=NOON + timedelta(hours=1)), existing=Existing.APPEND, max_age_s=1e9)
    assert len(times(file)) == 139


def test_force_begins_anew(file: Path) -> None:
    write(file, ticks(70))
    write(older_part(file), ticks(70))
    write(file, ticks(2), existing=Existing.REPLACE)
    assert len(times(file)) == 2
    assert not older_part(file).exists()


@pytest.mark.parametrize("existing", Existing)
def test_a_file_that_is_no_recording_is_left_alone(file: Path, existing: Existing) -> None:
    older_part(file).write_text("my notes")
    with pytest.raises(RecordingError, match="choose another name"):
        Writer(file, 1.0, existing=existing)
    assert older_part(file).read_text() == "my notes"
    assert not file.exists()


def test_nothing_is_appended_to_a_file_that_is_no_recording(file: Path) -> None:
    file.write_text("my notes")
    with pytest.raises(RecordingError, match="not a recording of mcptop"):
        Writer(file, 1.0, existing=Existing.APPEND)
    assert file.read_text() == "my notes"


def test_two_do_not_record_into_one_file(file: Path) -> None:
    writer = Writer(file, 1.0)
    for existing in (Existing.APPEND, Existing.REPLACE):
        with pytest.raises(RecordingError, match="somebody else is recording into it"):
            Writer(file, 1.0, existing=existing)
    writer.add(next(ticks(1)))
    writer.close()
    assert len(times(file)) == 1


def test_places_that_are_no_files_are_refused_in_one_line(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name, says in (("pipe", "not a plain file"), ("link", "a symbolic link"), ("gone/x", "No such file")):
        with pytest.raises(RecordingError, match=says):
            Writer(tmp_path / name, 1.0, existing=Existing.APPEND)
    with pytest.raises(RecordingError, match="Is a directory"):
        Writer(tmp_path, 1.0, existing=Existing.APPEND)
    with pytest.raises(RecordingError, match="not a recording"):
        Reader(tmp_path / "pipe")
    assert not (tmp_path / "elsewhere").exists()


# Limits.


def test_a_file_never_gets_larger_than_it_may_and_what_goes_is_the_oldest(file: Path) -> None:
    limit = 60_000
    writer = Writer(file, 1.0, max_bytes=limit)
    written = []
    for snapshot in ticks(1500):
        writer.add(snapshot)
        written.append(snapshot.at.timestamp())
        assert writer.size <= limit
    writer.close()
    assert file.stat().st_size + older_part(file).stat().st_size == writer.size > limit / 2
    found = times(file)
    assert 100 < len(found) < 1000
    assert found == written[-len(found) :]


def test_a_file_never_goes_back_further_than_it_may(file: Path) -> None:
    writer = Writer(file, 1.0, max_age_s=100)
    for number, snapshot in enumerate(ticks(400)):
        writer.add(snapshot)
        if number % 20 == 0:
            found = times(file)
            assert found[-1] - found[0] <= 100
            assert number < 50 or found[-1] - found[0] >= 49
    writer.close()


def test_what_is_too_old_is_gone_when_one_goes_on(file: Path) -> None:
    write(file, ticks(5))
    write(older_part(file), ticks(5))
    for part in (file, older_part(file)):
        os.utime(part, (NOON.timestamp(), NOON.timestamp()))
    later = NOON + timedelta(seconds=3600)
    write(file, ticks(3), existing=Existing.APPEND, max_age_s=3600, clock=later.timestamp)
    assert len(times(file)) == 13
    for part in (file, older_part(file)):
        os.utime(part, (NOON.timestamp(), NOON.timestamp()))
    later += timedelta(seconds=1)
    write(file, ticks(3), existing=Existing.APPEND, max_age_s=3600, clock=later.timestamp)
    assert len(times(file)) == 3
    assert not older_part(file).exists()


def test_a_recording_larger_than_it_may_get_is_not_gone_on_with(file: Path) -> None:
    before = write(file, ticks(100)).read_bytes()
    with pytest.raises(RecordingError, match="larger than --max-size"):
        Writer(file, 1.0, max_bytes=5000, existing=Existing.APPEND)
    assert file.read_bytes() == before


def test_what_is_turned_over_while_it_is_opened_is_there_once(file: Path) -> None:
    write(file, ticks(4))
    os.link(file, older_part(file))
    assert len(times(file)) == 4


def test_only_the_older_half_is_enough(file: Path) -> None:
    write(file, ticks(4))
    file.rename(older_part(file))
    assert len(times(file)) == 4


# No more room, for real.


def test_when_no_new_part_can_be_opened_nobody_elses_file_is_closed(file: Path) -> None:
    writer = Writer(file, 1.0, max_age_s=10)
    first, *_, last = ticks(20)
    writer.add(first)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, before[1]))
    try:
        with pytest.raises(RecordingError, match="cannot be written"):
            writer.add(last)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    others = [os.open(os.devnull, os.O_RDONLY) for _ in range(3)]
    writer.close()
    for other in others:
        os.close(other)
    assert len(times(file)) == 1


def test_a_full_disk_is_one_line_and_what_was_written_before_stays(file: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from tests.unit.recorded import ticks\n"
        "from mcptop.recording.writer import Writer\n"
        "from mcptop.recording.errors import RecordingError\n"
        "writer = Writer(Path(sys.argv[1]), 1.0)\n"
        "try:\n"
        "    for each in ticks(1000): writer.add(each)\n"
        "except RecordingError as error:\n"
        "    print(writer.samples, error)\n"
    )
    limit = 20_000
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)], capture_output=True, text=True, timeout=60, check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    samples, _, says = done.stdout.partition(" ")
    assert says == f"{file}: no more room (File too large); the {samples} samples before are kept\n"
    assert len(times(file)) == int(samples) > 20


def test_where_there_is_no_room_at_all_nothing_stays(file: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        with pytest.raises(RecordingError, match="no more room"):
            Writer(file, 1.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not file.exists()


# Damage.

WHOLE = 3 * KEY_TICKS


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write(tmp_path_factory.mktemp("whole") / "box.rec", ticks(WHOLE)).read_bytes()


def ends(data: bytes, path: Path) -> list[int]:
    """Where each tick ends in the file."""
    path.write_bytes(data)
    descriptor = os.open(path, os.O_RDONLY)
    found = [each for each in places(descriptor, len(MAGIC), len(data)) if not isinstance(each, Hole)]
    os.close(descriptor)
    return [each.offset + each.length for each in found if not each.flags & Flag.HEADER]


def test_a_record_cut_short_loses_only_itself(file: Path, whole: bytes) -> None:
    last, before = ends(whole, file)[-1], ends(whole, file)[-2]
    for size in (last - 1, before + HEAD_SIZE, before + 1):
        file.write_bytes(whole[:size])
        assert len(times(file)) == WHOLE - 1


def test_behind_a_damaged_record_one_goes_on_at_the_next_key(file: Path, whole: bytes) -> None:
    hit = ends(whole, file)[70] - 5
    file.write_bytes(whole[:hit] + bytes([whole[hit] ^ 0xFF]) + whole[hit + 1 :])
    reader = Reader(file)
    assert [each.at for each in reader.snapshots(0)] == [
        each.at for number, each in enumerate(ticks(WHOLE)) if number < 70 or number >= 120
    ]
    assert (reader.losses.holes, reader.losses.ticks) == (1, 49)
    reader.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_whatever_is_done_to_a_file_nothing_before_it_is_lost(
    data: st.DataObject, tmp_path: Path, whole: bytes
) -> None:
    file = tmp_path / "hit.rec"
    at = data.draw(st.integers(0, len(whole) - 1))
    instead = data.draw(st.binary(max_size=40))
    file.write_bytes(whole[:at] + instead + whole[at + data.draw(st.integers(0, 3000)) :])
    before = sum(end <= at for end in ends(whole, tmp_path / "whole.rec"))
    try:
        found = times(file)
    except RecordingError:
        # Of the beginning everything depends.
        assert before == 0
        return
    assert found[:before] == [each.at.timestamp() for each in ticks(before)]


@given(data=st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_bytes_are_no_recording(data: bytes, tmp_path: Path) -> None:
    file = tmp_path / "any.rec"
    for begins in (b"", MAGIC):
        file.write_bytes(begins + data)
        with pytest.raises(RecordingError):
            Reader(file)


# Other people's files.


def header(**about: object) -> bytes:
    told = {"format": 1, "mcptop": "0.1.0", "host": "box", "interval_s": 1.0, "fields": fields_now(), **about}
    return framed(Flag.HEADER, 0.0, msgspec.json.encode(told))


def test_a_newer_format_is_refused_in_one_line(file: Path) -> None:
    file.write_bytes(MAGIC + header(format=2, mcptop="3.0\x1b[2J", fields="otherwise"))
    with pytest.raises(RecordingError, match=r"written by a newer mcptop \(3\.0 \[2J\)"):
        Reader(file)


@pytest.mark.parametrize(
    "odd", [{"interval_s": 0.0}, {"interval_s": 1e-9}, {"fields": {}}, {"format": "one"}, {"host": 3}]
)
def test_a_header_that_makes_no_sense_is_no_recording(file: Path, odd: dict[str, object]) -> None:
    file.write_bytes(MAGIC + header(**odd))
    with pytest.raises(RecordingError, match="nothing is in this recording"):
        Reader(file)


def test_a_recording_without_a_tick_says_so(file: Path) -> None:
    writer = Writer(file, 1.0)
    writer.close()
    with pytest.raises(RecordingError, match="nothing is in this recording"):
        Reader(file)


def test_a_bomb_with_valid_checksums_is_one_line(file: Path) -> None:
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = stream.compress(bytes(MOST_RAW * 4)) + stream.flush(zlib.Z_SYNC_FLUSH)
    file.write_bytes(MAGIC + header() + framed(Flag.KEY, 1e9, bomb))
    reader = Reader(file)
    with pytest.raises(RecordingError, match=r"the record of 2001-09-09 01:46:40 UTC makes no sense"):
        next(reader.snapshots(0))
    reader.close()


def test_a_file_of_lengths_that_lie_is_read_in_a_time_that_grows_with_its_size(file: Path) -> None:
    one = framed(Flag.KEY, 1.0, b"")
    lie = bytearray(one)
    lie[5:9] = struct.pack(">I", 4 << 20)
    lie[21:25] = struct.pack(">I", zlib.crc32(lie[:21]))
    file.write_bytes(MAGIC + header() + bytes(lie) * 200_000)
    began = time.process_time()
    with pytest.raises(RecordingError):
        Reader(file)
    assert time.process_time() - began < 20


@pytest.mark.parametrize("unit", [framed(Flag.KEY, 1.0, b"")[:4], framed(Flag.KEY, 1.0, b"")[:24]])
def test_a_file_of_nothing_but_markers_is_read_once(file: Path, unit: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_bytes(MAGIC + header() + unit * ((4 << 20) // len(unit)))
    read = []

    def counted(descriptor: int, length: int, offset: int, pread=os.pread) -> bytes:  # type: ignore[no-untyped-def]
        found: bytes = pread(descriptor, length, offset)
        read.append(len(found))
        return found

    monkeypatch.setattr("mcptop.recording.framing.os.pread", counted)
    with pytest.raises(RecordingError, match="nothing is in this recording"):
        Reader(file)
    assert sum(read) < 3 * file.stat().st_size
    assert len(read) < 50
