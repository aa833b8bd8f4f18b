"""The loop goes on whatever fails in it, and says what."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from mcptop.model.event import EventKind
from mcptop.model.frame import Frame, SourceReport, Status
from mcptop.model.snapshot import Snapshot
from mcptop.monitor import Monitor, Tape
from mcptop.recording.errors import RecordingError

from .recorded import WORKER, Script, ticks

COUNT, ODD = 8, 3


class Reel(Script):
    """Snapshots; one that is an exception is raised."""

    def sample(self) -> Snapshot:
        found = super().sample()
        if isinstance(found, Exception):
            raise found
        return found


def odd_reading(snapshot: Snapshot) -> Snapshot:
    """The assembler cannot calculate with it."""
    return replace(snapshot, readings={WORKER: replace(snapshot.readings[WORKER], memory_usage_bytes="\x1b[2Jmuch")})


def frames_of(change: Callable[[Snapshot], object], tape: Tape | None = None) -> tuple[list[Frame], Monitor]:
    """What the loop emits of some ticks, one of which was changed."""
    made = [change(snapshot) if number == ODD else snapshot for number, snapshot in enumerate(ticks(COUNT))]
    monitor, seen = Monitor(Reel(made), 0.001, tape), []

    def emit(frame: Frame) -> None:
        seen.append(frame)
        if len(seen) == COUNT:
            monitor.stop_soon()

    monitor.run(emit)
    return seen, monitor


def own(frame: Frame) -> SourceReport | None:
    return next((source for source in frame.sources if source.name == "mcptop"), None)


def test_a_part_that_fails_gives_its_last_result_and_the_frame_says_so():
    seen, monitor = frames_of(odd_reading)
    assert [frame.number for frame in seen] == list(range(1, COUNT + 1))
    assert [own(frame) and own(frame).status for frame in seen] == [
        None, None, None, Status.ERROR, Status.OK, Status.OK, Status.OK, Status.OK]  # fmt: skip
    assert own(seen[ODD]).message.startswith("defect in mcptop: TypeError: ")
    assert "\x1b" not in own(seen[ODD]).message
    assert seen[ODD].services is seen[ODD - 1].services
    assert seen[ODD].at > seen[ODD - 1].at
    assert seen[ODD + 1].services is not seen[ODD].services
    assert "source-broken" in [alert.rule for alert in seen[ODD].alerts]
    assert [(event.name, event.bad) for event in seen[-1].events if event.kind is EventKind.SOURCE] == [
        ("mcptop", True), ("mcptop", False)]  # fmt: skip
    assert "in services" in monitor.defects.tracebacks[0]


def test_without_a_sample_the_last_frame_stays_with_its_own_time():
    seen, _ = frames_of(lambda snapshot: OSError("no clock"))
    assert seen[ODD].at == seen[ODD - 1].at
    assert own(seen[ODD]).message == "defect in mcptop: OSError: no clock"
    assert own(seen[-1]).status is Status.OK


class Full:
    """A tape that takes nothing."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def add(self, snapshot: Snapshot, is_event: bool = False) -> None:
        raise self.error


def test_a_tape_that_fails_is_told_with_the_next_frame():
    seen, monitor = frames_of(lambda snapshot: snapshot, Full(KeyError("x")))
    assert own(seen[0]) is None
    assert all(own(frame).message == "defect in mcptop: KeyError: 'x'" for frame in seen[1:])
    assert len(monitor.defects.tracebacks) == 1


def test_a_file_that_takes_no_more_ends_the_loop():
    with pytest.raises(RecordingError):
        frames_of(lambda snapshot: snapshot, Full(RecordingError("full")))


def test_for_a_caller_with_a_loop_of_its_own_a_step_raises():
    monitor = Monitor(Script(map(odd_reading, ticks(1))))
    with pytest.raises(TypeError):
        monitor.step()


def test_who_listens_and_fails_hears_the_next_frame_as_well():
    heard: list[Frame] = []
    monitor = Monitor(Script(ticks(COUNT)), 0.001)

    def emit(frame: Frame) -> None:
        heard.append(frame)
        if len(heard) == COUNT:
            monitor.stop_soon()
        raise ValueError("no screen")

    monitor.start(emit)
    thread = monitor._thread
    assert thread is not None
    thread.join(30)
    assert len(heard) == COUNT
    assert own(heard[-1]).message == "defect in mcptop: ValueError: no screen"
