"""Recordings as frames by their number, and played. No clock is real here."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mcptop.headless.past import fill
from mcptop.history import KEPT_S
from mcptop.model.event import EventKind
from mcptop.model.flow_reading import FlowReading, PoolReading, QueueReading
from mcptop.model.frame import Frame
from mcptop.model.snapshot import Counters, Reading, Traffic
from mcptop.model.value import Kind
from mcptop.playback import KEPT_FRAMES, Playback
from mcptop.playbook.frames import Frames
from mcptop.player import Player, Position
from mcptop.recording.errors import RecordingError
from mcptop.recording.log import Log
from mcptop.recording.reader import Reader
from mcptop.recording.ring import Ring

from .recorded import EVENTS, NOON, WORKER, live, shown, spoil, target, ticks, write

COUNT = 1200


def log_of(count: int, interval_s: float = 1.0) -> Log:
    """As many ticks, in memory."""
    ring = Ring(interval_s, 1e9)
    for number, snapshot in enumerate(ticks(count, interval_s)):
        ring.add(snapshot, number in EVENTS)
    return ring.log()


@pytest.fixture(scope="module")
def log() -> Log:
    return log_of(COUNT)


@pytest.fixture(scope="module")
def documents() -> list[dict[str, object]]:
    return live(ticks(COUNT), COUNT)


def frame(playback: Playback, index: int) -> Frame:
    found = playback.frame(index)
    assert found is not None
    return found


def test_a_file_plays_as_it_was(tmp_path: Path) -> None:
    reader = Reader(write(tmp_path / "box.rec", ticks(200)))
    playback = Playback(reader)
    assert playback.span == (NOON, NOON + timedelta(seconds=199))
    assert [shown(frame(playback, index)) for index in range(200)] == live(ticks(200), 200)
    reader.close()


@pytest.mark.parametrize("index", [0, 1, 59, 60, 61, 500, 899, 900])
def test_whereto_one_jumps_is_as_it_was(log: Log, documents: list[dict[str, object]], index: int) -> None:
    assert shown(frame(Playback(log), index)) == documents[index]


def test_behind_a_jump_charts_go_back_a_quarter_of_an_hour(log: Log) -> None:
    stepped, jumped = Playback(log), Playback(log)
    for index in range(COUNT):
        one = frame(stepped, index)
    other = frame(jumped, COUNT - 1)
    count = int(KEPT_S)
    assert list(other.series.times(count)) == list(one.series.times(count))
    for metric in ("cpu.cores", "memory.anon", "disk.read"):
        # Of the very first tick there is no rate, wherever one begins.
        assert list(other.series.tail(WORKER, metric, count))[1:] == list(one.series.tail(WORKER, metric, count))[1:]
    assert len(other.series.times(5000)) == count + 1
    assert (one.number, other.number) == (COUNT, COUNT)


@pytest.mark.parametrize("interval_s", [1.0, 60.0])
def test_before_a_jump_charts_and_rates_are_whole_as_well(interval_s: float) -> None:
    playback = Playback(log_of(COUNT, interval_s))
    documents = live(ticks(COUNT, interval_s), COUNT, interval_s)
    there = frame(playback, 1100)
    for back in range(1, 100):
        found = frame(playback, 1100 - back)
        # Alerts are those of a dashboard that was opened then: what is wrong for longer is news to it.
        assert {**shown(found), "alerts": ()} == {**documents[1100 - back], "alerts": ()}
        assert len(found.series.times(10_000)) == len(there.series.times(10_000))


def test_backwards_one_comes_to_the_same_frames_with_their_whole_charts(log: Log) -> None:
    playback = Playback(log)
    forward = [frame(playback, index) for index in range(1100)]
    for back in range(1, KEPT_FRAMES):
        assert frame(playback, 1099 - back) is forward[1099 - back]
    assert len(forward[1099 - KEPT_FRAMES + 1].series.times(int(KEPT_S))) == 801
    assert len(forward[1090].series.times(int(KEPT_S))) == int(KEPT_S)
    further = frame(playback, 500)
    assert further is not forward[500]
    assert shown(further) == shown(forward[500])
    assert shown(frame(playback, 501)) == shown(forward[501])


def test_of_very_many_instances_fewer_frames_are_kept() -> None:
    ring = Ring(1.0, 1e9)
    crowd = tuple(target(f"{number}-1", f"job{number}", Kind.PROCESS) for number in range(1000))
    for snapshot in ticks(60):
        ring.add(replace(snapshot, targets=crowd))
    playback = Playback(ring.log())
    seen = [frame(playback, index) for index in range(60)]
    assert frame(playback, 31) is seen[31]
    assert frame(playback, 20) is not seen[20]


def test_a_frame_nobody_wants_any_more_is_given_up(log: Log) -> None:
    playback, asked = Playback(log), [True] * 5
    assert playback.frame(800, lambda: bool(asked and asked.pop())) is None
    assert shown(frame(playback, 10)) == live(ticks(11), 11)[10]


def test_while_a_jump_loads_one_may_ask_for_what_was_to_come_before_it(log: Log) -> None:
    playback, asked = Playback(log), [True] * 50
    assert playback.frame(1190, lambda: bool(asked and asked.pop())) is None
    found = frame(playback, 800)
    assert found.at == log.at(800)
    assert len(found.series.times(5000)) == 801


def test_a_record_that_makes_no_sense_costs_no_more_than_what_follows_until_the_next_key(tmp_path: Path) -> None:
    path = write(tmp_path / "box.rec", ticks(300))
    spoil(path, 70)
    reader = Reader(path)
    playback, lost = Playback(reader), []
    for index in range(300):
        try:
            assert frame(playback, index).at == reader.at(index)
        except RecordingError as error:
            assert "the record of 2026-01-31 12:01:10 UTC makes no sense" in str(error)  # noqa: PT017
            lost.append(index)
    assert lost == list(range(70, 120))
    assert frame(Playback(reader), 299).number == 300
    frames = Frames(recorded=True)
    fill(frames, Playback(reader), 299, 250, lambda: True)
    assert len(frames.all()) == 201
    with Stage(reader, index=68) as stage:
        assert stage.settled() == [68, 69, *range(120, 300)]
        stage.player.to_index(75)
        stage.settled()
        assert "makes no sense" in stage.player.position.problem
        stage.player.walk(-6)
        assert stage.settled()[-1] == 69
        assert not stage.player.position.problem
    reader.close()


def test_there_is_no_frame_outside(log: Log) -> None:
    for index in (-1, COUNT):
        with pytest.raises(IndexError):
            Playback(log).frame(index)


def test_at_a_marked_frame_something_happened(log: Log) -> None:
    playback = Playback(log)
    at = playback.next_event(40, 1)
    assert at == 70
    assert [(event.name, event.kind) for event in frame(playback, at).events if event.at == log.at(at)] == [
        ("worker-1", EventKind.RESTARTED)
    ]
    assert [playback.next_event(at, -1), playback.next_event(40, -1)] == [40, None]


def test_figures_that_cannot_be_computed_with_are_one_line() -> None:
    ring = Ring(1.0, 1e9)
    for number, snapshot in enumerate(ticks(3)):
        # More bits than a history's single precision takes.
        odd = replace(snapshot.readings[WORKER], cpu_usage_s=1e30 * (number + 1) / 3, previous_at=snapshot.monotonic)
        ring.add(replace(snapshot, readings={WORKER: odd}))
    playback = Playback(ring.log())
    for index in range(3):
        try:
            frame(playback, index)
        except RecordingError as error:
            assert "cannot be shown" in str(error)  # noqa: PT017 - either is right


# Played.


class Stage:
    """A player whose time passes only while it waits; `stop` where nothing is left to wait for."""

    def __init__(self, log: Log, until: int | None = None, **about: object) -> None:
        self.now = 0.0
        self.frames: list[tuple[float, int]] = []
        self.heard: list[Position] = []
        self.idle = threading.Event()
        self.until = until
        self.player = Player(
            Playback(log), clock=lambda: self.now, wait=self._wait, on_change=self.heard.append, **about
        )  # type: ignore[arg-type]

    def _wait(self, news: threading.Condition, seconds: float | None) -> None:
        if seconds is None or (self.until is not None and len(self.frames) >= self.until):
            self.idle.set()
            news.wait()
            return
        self.now += seconds

    def emit(self, frame: Frame) -> None:
        """A frame, and when it came."""
        self.frames.append((round(self.now, 6), frame.number - 1))

    def settled(self) -> list[int]:
        """Which frames came until it stood still."""
        assert self.idle.wait(30)
        self.idle.clear()
        return [index for _, index in self.frames]

    def __enter__(self) -> Stage:
        self.player.start(self.emit)
        return self

    def __exit__(self, *about: object) -> None:
        self.player.stop()


@pytest.fixture
def short() -> Log:
    return log_of(100)


def test_it_plays_at_the_pace_it_was_recorded_and_stops_at_the_end(short: Log) -> None:
    with Stage(short, index=95) as stage:
        assert stage.settled() == [95, 96, 97, 98, 99]
        assert [at for at, _ in stage.frames] == [0, 1, 2, 3, 4]
        position = stage.player.position
        assert (position.index, position.playing, position.loading, position.count) == (99, False, False, 100)
        assert (position.first, position.at) == (NOON, NOON + timedelta(seconds=99))


def test_from_the_end_it_begins_again(short: Log) -> None:
    with Stage(short, index=99, playing=False, until=3) as stage:
        stage.settled()
        stage.player.play()
        assert stage.settled() == [99, 0, 1]


@pytest.mark.parametrize(("asked", "speed"), [(4, 4), (0.25, 0.25), (1000, 64), (3.2, 4), (0, 0.25)])
def test_it_plays_faster_and_slower(short: Log, asked: float, speed: float) -> None:
    with Stage(short, index=90, playing=False) as stage:
        stage.settled()
        stage.player.set_speed(asked)
        stage.player.play()
        stage.settled()
        assert stage.player.position.speed == speed
        assert stage.frames[-1] == (pytest.approx(9 / speed), 99)


def test_walking_stands_still_and_stays_inside(short: Log) -> None:
    with Stage(short, until=1) as stage:
        stage.settled()
        for count, index in ((1, 1), (10, 11), (-2, 9), (-100, 0), (1000, 99)):
            stage.player.walk(count)
            assert stage.player.position.loading or stage.player.position.index == index
            assert stage.settled()[-1] == index
            assert not stage.player.position.playing


def test_one_walks_by_time_and_by_a_frame_at_least() -> None:
    ring = Ring(5.0, 1e9)
    for start in (NOON, NOON + timedelta(hours=1)):
        for snapshot in ticks(20, 5.0, start):
            ring.add(snapshot)
    with Stage(ring.log(), index=10, playing=False) as stage:
        stage.settled()
        walks = ((1, 11), (-1, 10), (30, 16), (-30, 10), (30, 16), (30, 19), (1, 20), (-30, 19), (30, 20), (30, 26))
        for seconds, index in walks:
            stage.player.walk(seconds)
            assert stage.settled()[-1] == index


def test_one_second_is_the_next_sample_though_none_comes_on_time() -> None:
    ring = Ring(1.0, 1e9)
    for number, snapshot in enumerate(ticks(10)):
        ring.add(replace(snapshot, at=snapshot.at + timedelta(milliseconds=90 * (number % 3))))
    log = ring.log()
    assert [log.walked(index, 1) for index in range(10)] == [*range(1, 10), 9]
    assert [log.walked(index, -1) for index in range(10)] == [0, *range(9)]


def test_a_jump_goes_on_playing_if_it_played(short: Log) -> None:
    with Stage(short, until=1) as stage:
        stage.settled()
        stage.until = 4
        stage.player.to_time(NOON + timedelta(seconds=50.5))
        assert stage.settled() == [0, 50, 51, 52]
        assert stage.player.position.playing
        stage.player.pause()
        stage.settled()
        stage.player.to_index(5)
        assert stage.settled()[-1] == 5
        assert not stage.player.position.playing


def test_it_goes_from_event_to_event(short: Log) -> None:
    with Stage(short, playing=False) as stage:
        stage.settled()
        for direction, index in ((1, 40), (1, 70), (1, 81), (-1, 70)):
            assert stage.player.to_event(direction)
            assert stage.settled()[-1] == index
        stage.player.to_index(0)
        stage.settled()
        assert not stage.player.to_event(-1)


def test_a_hole_is_not_waited_through() -> None:
    ring = Ring(1.0, 1e9)
    for start in (NOON, NOON + timedelta(days=1)):
        for snapshot in ticks(2, start=start):
            ring.add(snapshot)
    with Stage(ring.log()) as stage:
        assert stage.settled() == [0, 1, 2, 3]
        assert [at for at, _ in stage.frames] == [0, 1, 4, 5]


def test_what_cannot_be_read_stops_it_with_one_line(tmp_path: Path) -> None:
    reader = Reader(write(tmp_path / "box.rec", ticks(20)))
    (tmp_path / "box.rec").write_bytes(b"")
    with Stage(reader) as stage:
        assert stage.settled() == []
        assert stage.player.position.problem.endswith("it has become shorter since it was opened")
        assert not stage.player.position.loading
    reader.close()


def test_a_defect_is_one_line_and_the_keys_of_time_live_on(short: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    with Stage(short, index=5, playing=False) as stage:
        stage.settled()
        with monkeypatch.context() as broken:
            broken.setattr(Playback, "frame", lambda *_: {}[7])
            stage.player.walk(1)
            stage.settled()
        position = stage.player.position
        assert (position.problem, position.loading) == ("defect in mcptop: KeyError: 7", False)
        stage.player.walk(1)
        assert stage.settled()[-1] == 7


def test_everything_it_is_told_is_heard(short: Log) -> None:
    with Stage(short, index=99, playing=False) as stage:
        stage.settled()
        stage.heard.clear()
        stage.player.walk(-1)
        assert stage.heard[0].loading or stage.heard[0].index == 98
        stage.settled()
        assert stage.heard[-1].index == 98


def test_after_stop_nothing_comes(short: Log) -> None:
    with Stage(short, until=3) as stage:
        stage.settled()
    came = len(stage.frames)
    stage.player.play()
    stage.player.walk(1)
    assert len(stage.frames) == came


def test_a_long_recording_is_played_in_the_memory_of_a_short_one(tmp_path: Path) -> None:
    reader = Reader(write(tmp_path / "long.rec", ticks(8000), max_age_s=1e9))
    playback = Playback(reader)
    used = []
    for index in range(reader.count):
        playback.frame(index)
        if index % 2000 == 1999:
            used.append(int(Path("/proc/self/statm").read_text().split()[1]) * 4096)
    assert used[-1] - used[0] < 4 << 20
    reader.close()


ODD = st.one_of(st.none(), st.integers(-(2**62), 2**62))
FAR = st.floats(-1e30, 1e30)
ODD_READINGS = st.builds(
    Reading, read_at=FAR, previous_at=st.one_of(st.none(), FAR), cpu_usage_s=FAR, cpu_limit_cores=FAR, cpu_periods=ODD,
    cpu_throttled_periods=ODD, memory_usage_bytes=ODD, memory_inactive_file_bytes=ODD, memory_anon_bytes=ODD,
    memory_limit_bytes=ODD, oom_kills=ODD, pids=ODD,
    network=st.one_of(st.none(), st.builds(Counters, FAR, st.tuples(st.builds(Traffic, st.just("eth0"), ODD, ODD)))),
)  # fmt: skip
ODD_POOLS = st.builds(
    PoolReading, st.just("db"), kind=st.sampled_from(["db", "tcp", None]), open=ODD, in_use=ODD, max=ODD, waiting=ODD,
    waits_total=FAR, wait_seconds_total=FAR, timeouts_total=FAR, longest_s=FAR,
)  # fmt: skip
ODD_QUEUES = st.builds(QueueReading, st.just("jobs"), depth=ODD, capacity=ODD, entered_total=FAR, rejected_total=FAR)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(ODD_READINGS, ODD_POOLS, ODD_QUEUES, FAR), min_size=2, max_size=5))
def test_whatever_figures_somebody_wrote_a_frame_or_one_line_comes_of_them(
    given_ticks: list[tuple[Reading, PoolReading, QueueReading, float]],
) -> None:
    ring = Ring(1.0, 1e9)
    for snapshot, (reading, pool, queue, monotonic) in zip(ticks(5), given_ticks, strict=False):
        flows = {WORKER: (FlowReading(monotonic, "metrics", (pool,), (queue,)),)}
        readings = {**snapshot.readings, WORKER: reading}
        ring.add(replace(snapshot, monotonic=monotonic, readings=readings, flows=flows))
    log = ring.log()
    playback = Playback(log)
    for index in range(log.count):
        try:
            shown(frame(playback, index))
        except RecordingError as error:
            assert "cannot be shown" in str(error)  # noqa: PT017 - a frame is as right as the one error
