"""The keys of time: to and fro in the last minutes or in a recording, and two moments compared."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from mcptop.player import Player
from mcptop.presentation.when import clock
from mcptop.ui.moments.past import faster

if TYPE_CHECKING:
    from mcptop.ui.moments.timed import Timed


def walk(app: Timed, seconds: float) -> None:
    """So far forward or back, by a frame at least. Behind the newest one is the present."""
    walker = _walker(app)
    if walker is None:
        return
    position = walker.position
    is_last = position.index == position.count - 1 and not position.loading
    if seconds > 0 and is_last and not app.picture.past.is_recording:
        app.tell("this is where it was paused; Z goes on with the present", trouble=False)
    walker.walk(seconds)


def to_event(app: Timed, direction: int) -> None:
    """To the next or the last moment at which something happened."""
    walker = _walker(app)
    if walker is not None and not walker.to_event(direction):
        app.tell(f"nothing happened {'after' if direction > 0 else 'before'} this", trouble=False)


def to_time(app: Timed, at: datetime | None) -> None:
    """To a moment; nowhere without one."""
    walker = _walker(app) if at is not None else None
    if walker is not None and at is not None:
        walker.to_time(at)


def speed(app: Timed, by: int) -> None:
    """Faster or slower; the present has one speed."""
    player = app.picture.past.player
    if player is None or not app.picture.past.is_recording:
        app.tell("the speed is that of a recording: `mcptop replay FILE`", trouble=False)
    else:
        player.set_speed(faster(player.position.speed, by))


def play_or_pause(player: Player) -> None:
    """Of a recording."""
    if player.position.playing:
        player.pause()
    else:
        player.play()


def mark(app: Timed) -> None:
    """Remember this moment; at another one, compare both."""
    marked, now = app.picture.marked, app.frame
    if marked is None or marked is now:
        app.picture.marked = None if marked is now else now
        word = "forgot" if marked is now else "marked"
        app.tell(f"{word} {clock(now.at)}" + ("" if marked is now else "; m at another moment compares"), trouble=False)
        return
    from mcptop.ui.screens.comparing import ComparingScreen

    app.picture.marked = None
    app.push_screen(ComparingScreen(marked, now))


def _walker(app: Timed) -> Player | None:
    """Whoever walks; the picture stands still from now on."""
    app.picture.hold()
    walker = app.walker()
    if walker is None:
        app.tell("nothing is recorded yet", trouble=False)
    return walker
