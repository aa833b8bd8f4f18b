"""Diagnoses of what is on the screen of a replay: of what was recorded until there, not of this machine."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from mcptop.headless.past import DIAGNOSED_S, fill
from mcptop.playback import Playback
from mcptop.playbook.frames import Frames
from mcptop.player import Player

if TYPE_CHECKING:
    from mcptop.config import Settings
    from mcptop.model.diagnosis import Subject
    from mcptop.playbook.diagnosis import Diagnosis, Finished, Limits
    from mcptop.playbook.runner import Progress
    from mcptop.playbook.shelf import Texts
    from mcptop.playbook.subjects import Wanted


class ReplayedDiagnosis:
    """Reads the recording before it chooses; `cancel`, from any thread, ends that too."""

    def __init__(self, diagnosis: Diagnosis, read: Callable[[Callable[[], bool]], None]) -> None:
        """`read` adds frames as long as what it is given says that they are wanted."""
        self._diagnosis = diagnosis
        self._read = read
        self._over = threading.Event()

    def choose(self) -> Subject:
        """Whom it is about. Raises `NoSubject`, `RecordingError`."""
        self._read(lambda: not self._over.is_set())
        if self._over.is_set():
            from mcptop.playbook.subjects import CouldNotLook

            raise CouldNotLook("stopped before anybody was chosen")
        return self._diagnosis.choose()

    def run(self, subject: Subject) -> Finished:
        """Collect and judge."""
        return self._diagnosis.run(subject)

    @property
    def expected_s(self) -> float:
        """About how long it takes."""
        return self._diagnosis.expected_s

    def cancel(self) -> None:
        """Come back with what is known so far."""
        self._over.set()
        self._diagnosis.cancel()


class ReplayedDiagnoses:
    """Makes them, one at a time, of the five minutes before whatever a player shows."""

    def __init__(self, player: Player, playback: Playback) -> None:
        """`playback` is theirs alone."""
        self._player = player
        self._playback = playback
        self._reading = threading.Lock()
        self._last: ReplayedDiagnosis | None = None

    def make(
        self, texts: Texts, wanted: Wanted, live: Frames, settings: Settings, limits: Limits,
        hear: Callable[[Progress], None],
    ) -> ReplayedDiagnosis:  # fmt: skip
        """One that was not begun. Raises `PlaybookError`."""
        from mcptop.playbook.diagnosis import Diagnosis

        frames, last = Frames(recorded=True), self._player.position.index

        def read(is_wanted: Callable[[], bool]) -> None:
            with self._reading:
                fill(frames, self._playback, last, DIAGNOSED_S, is_wanted)

        self._last = ReplayedDiagnosis(Diagnosis(texts, wanted, frames, settings, limits, hear), read)
        return self._last

    def stop(self) -> None:
        """Nobody reads the recording any more when this returns."""
        if self._last is not None:
            self._last.cancel()
        with self._reading:
            pass
