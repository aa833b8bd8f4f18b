"""Walking through time: back into the last minutes of a live machine, or to and fro in a recording."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from mcptop.alerts.rules import SHIPPED
from mcptop.model.frame import Frame
from mcptop.model.rule import RuleSet
from mcptop.playback import Playback
from mcptop.player import SPEEDS, Player, Position
from mcptop.presentation.when import Tape
from mcptop.recording.log import Log


class Past:
    """What the keys of time move. Of a recording from the start; of a live machine from the first step back on."""

    def __init__(self, recording: Player | None, last_minutes: Callable[[], Log] | None) -> None:
        self._recording = recording
        self._last_minutes = last_minutes
        self._walk: Player | None = None

    @property
    def is_recording(self) -> bool:
        """Whether there is no present to come back to."""
        return self._recording is not None

    @property
    def player(self) -> Player | None:
        """What is walked through now."""
        return self._recording or self._walk

    @property
    def tape(self) -> Tape | None:
        """For the screen; None while nobody walks."""
        return tape_of(self.player.position) if self.player is not None else None

    def open(
        self, emit: Callable[[Frame], None], heard: Callable[[Position], None], until: datetime,
        rules: RuleSet | None = None,
    ) -> Player | None:  # fmt: skip
        """The player to walk with, standing at `until`; None where nothing was kept yet."""
        if self.player is None and self._last_minutes is not None:
            log = self._last_minutes()
            if log.count:
                self._walk = Player(
                    Playback(log, rules or SHIPPED), index=log.index_at(until), playing=False, on_change=heard
                )
                self._walk.start(emit)
        return self.player

    def close(self) -> None:
        """Back to the present."""
        if self._walk is not None:
            self._walk.stop()
            self._walk = None


def tape_of(position: Position) -> Tape:
    """What the screen says of it."""
    return Tape(position.first, position.last, position.playing, position.speed, position.loading)


def faster(speed: float, by: int) -> float:
    """The next speed up or down."""
    place = min(range(len(SPEEDS)), key=lambda each: abs(SPEEDS[each] - speed))
    return SPEEDS[min(len(SPEEDS) - 1, max(0, place + by))]
