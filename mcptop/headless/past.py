"""A moment of a recording, for commands that otherwise look at this machine."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mcptop.headless.replay import index_of
from mcptop.model.value import Value
from mcptop.playback import Playback
from mcptop.playbook.frames import Frames
from mcptop.recording.reader import Reader


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
    def replayed(self, seconds: float, frames: Frames, over: threading.Event) -> Iterator[Callable[[], None]]:
        """What fills `frames` with the `seconds` before that moment, unless it is `over`. Raises `RecordingError`."""
        reader = Reader(self.recording)
        try:
            last, playback = index_of(reader, self.at), Playback(reader)
            first = max(0, last - int(seconds / playback.interval_s))

            def begin() -> None:
                for index in range(first, last + 1):
                    frame = playback.frame(index, lambda: not over.is_set())
                    if frame is None:
                        return
                    frames.add(frame)

            yield begin
        finally:
            reader.close()
