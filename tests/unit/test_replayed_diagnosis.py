"""Diagnoses of a recording: stopped while they still read it, and no reader is closed under them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from mcptop.config import Settings
from mcptop.headless.replayed_diagnosis import ReplayedDiagnoses, ReplayedDiagnosis
from mcptop.model.frame import Frame
from mcptop.playback import Playback
from mcptop.playbook import shelf
from mcptop.playbook.diagnosis import Limits
from mcptop.playbook.frames import Frames
from mcptop.playbook.subjects import CouldNotLook, Wanted
from mcptop.player import Player
from mcptop.recording.log import Log
from mcptop.recording.reader import Reader

from .recorded import ticks, write

LAST = 400


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Reader]:
    reader = Reader(write(tmp_path / "box.rec", ticks(LAST + 1)))
    yield reader
    reader.close()


class Watched(Playback):
    """Does something when a frame is asked for."""

    def __init__(self, log: Log) -> None:
        super().__init__(log)
        self.asked: list[int] = []
        self.on_frame: Callable[[int, Callable[[], bool]], None] = lambda index, wanted: None

    def frame(self, index: int, wanted: Callable[[], bool] = lambda: True) -> Frame | None:
        self.asked.append(index)
        self.on_frame(index, wanted)
        return super().frame(index, wanted)


def made(log: Log) -> tuple[Watched, ReplayedDiagnoses, ReplayedDiagnosis]:
    playback = Watched(log)
    diagnoses = ReplayedDiagnoses(Player(Playback(log), index=LAST), playback)
    texts = shelf.find("memory-leak")
    wanted = Wanted(service="shop/worker")
    return playback, diagnoses, diagnoses.make(texts, wanted, Frames(), Settings(), Limits(), lambda progress: None)


def test_of_five_minutes_before_what_is_shown_somebody_is_chosen(log: Reader) -> None:
    playback, _, diagnosis = made(log)
    assert playback.asked == [], "nothing is read before it can be stopped"
    assert diagnosis.choose().service == "worker"
    assert playback.asked == list(range(LAST - 300, LAST + 1))


def test_it_is_stopped_while_it_reads(log: Reader) -> None:
    playback, _, diagnosis = made(log)
    playback.on_frame = lambda index, wanted: diagnosis.cancel() if index == 150 else None
    with pytest.raises(CouldNotLook, match="stopped"):
        diagnosis.choose()
    assert playback.asked[-1] == 150


def test_nobody_reads_any_more_once_they_are_stopped(log: Reader) -> None:
    playback, diagnoses, diagnosis = made(log)
    reads, order = threading.Event(), []

    def hold(index: int, wanted: Callable[[], bool]) -> None:
        reads.set()
        while wanted():
            pass
        order.append("read")

    def choose() -> None:
        with suppress(CouldNotLook):
            diagnosis.choose()

    playback.on_frame = hold
    thread = threading.Thread(target=choose)
    thread.start()
    assert reads.wait(30)
    diagnoses.stop()
    order.append("stopped")
    thread.join(30)
    assert order == ["read", "stopped"]
