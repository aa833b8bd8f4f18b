"""A moment of a recording, for commands that otherwise look at this machine."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mcptop.alerts.rules import SHIPPED
from mcptop.headless.replay import index_of
from mcptop.model.rule import RuleSet
from mcptop.model.value import Value
from mcptop.playback import Playback
from mcptop.playbook.frames import Frames
from mcptop.recording.errors import RecordingError
from mcptop.recording.reader import Reader

DIAGNOSED_S = 300.0
"""So much of a recording a diagnosis looks at: as long as a live one watches at most."""


class Past(Value, frozen=True):
    """Which recording, and when in it."""

    recording: Path
    at: str | None = None
    """As it is written on a command line; None: its end."""

    @property
    def flags(self) -> str:
        """As they are written on a command line."""
        at = f" --at {shlex.quote(self.at)}" if self.at else ""
        return f"--from {shlex.quote(str(self.recording))}{at}"

    @contextmanager
    def replayed(
        self, seconds: float, frames: Frames, over: threading.Event, rules: RuleSet = SHIPPED
    ) -> Iterator[Callable[[], None]]:
        """What fills `frames` with the `seconds` before that moment, unless it is `over`. Raises `RecordingError`."""
        reader = Reader(self.recording)
        try:
            last = index_of(reader, self.at)
            yield lambda: fill(frames, Playback(reader, rules), last, seconds, lambda: not over.is_set())
        finally:
            reader.close()


def fill(frames: Frames, playback: Playback, last: int, seconds: float, wanted: Callable[[], bool]) -> None:
    """Add the frames of the `seconds` up to the frame `last`, as long as they are `wanted`.

    Those that cannot be read are missing. Raises `RecordingError` where `last` is one of them.
    """
    for index in range(max(0, last - int(seconds / playback.interval_s)), last + 1):
        try:
            frame = playback.frame(index, wanted)
        except RecordingError:
            if index == last:
                raise
            continue
        if frame is None:
            return
        frames.add(frame)
