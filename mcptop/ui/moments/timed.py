"""The part of the app that stands in time: frames come, stand still, are walked through, compared and saved."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from typing import Protocol, runtime_checkable

from textual import on
from textual.app import App
from textual.message import Message

from mcptop.model.frame import Frame
from mcptop.new_files import WritingError
from mcptop.player import Player, Position
from mcptop.ui.messages import FrameReady, News, PastReady, PositionChanged
from mcptop.ui.moments import walking
from mcptop.ui.moments.past import Past
from mcptop.ui.moments.picture import Picture
from mcptop.ui.reach import Reach
from mcptop.units import plain

_NEWS_S = 1.0


@runtime_checkable
class FrameScreen(Protocol):
    """A screen that draws frames."""

    def show(self, frame: Frame) -> None:
        """Draw this frame."""

    def show_pause(self) -> None:
        """Draw how long the picture has stood still."""


class Timed(App[None]):
    """Draws whatever frame the picture has."""

    def __init__(self, recording: Player | None, reach: Reach, clock: Callable[[], float]) -> None:
        """`recording`: the monitor is none, but plays one. `clock` in seconds that are never set back."""
        super().__init__()
        self.reach = reach
        self.is_lent = False
        """Another program has the terminal, and nothing works off what is seen: it is not kept either."""
        self.picture = Picture(Past(recording, reach.past), clock)
        self._problem = ""
        """Why the past cannot be shown where it is walked to, as it was told."""
        if recording is not None:
            recording.on_change = self._moved

    @property
    def frame(self) -> Frame:
        """The frame that is shown."""
        return self.picture.frame

    def tell(self, says: str, trouble: bool = True) -> None:
        """Show a sentence for some seconds; from any thread."""
        self.post(News(says, trouble))

    def errand(self, work: Callable[[], str], problems: type[Exception] = WritingError) -> None:
        """Do this on a thread, and tell what it says or its problem; after a defect the dashboard goes on."""

        def run() -> None:
            try:
                self.tell(work(), trouble=False)
            except problems as problem:
                self.tell(plain(str(problem), 400))
            except Exception as defect:
                self.tell(plain(f"defect in mcptop: {type(defect).__name__}: {defect}", 400))

        self.run_worker(run, thread=True)

    def may_write(self) -> bool:
        """Whether files are written for the reader; says so where not."""
        if self.reach.in_browser:
            self.notify("no files are written from a browser: run mcptop in a terminal", markup=False, timeout=5)
        return not self.reach.in_browser

    def copy(self, text: str, what: str) -> None:
        """Through the terminal's clipboard, which a browser has not; what came of it is told."""
        if self.reach.in_browser:
            self.notify("nothing is copied from a browser: run mcptop in a terminal", markup=False, timeout=5)
            return
        self.copy_to_clipboard(text)
        self.notify(f"copied {what}", markup=False, timeout=3)

    def post(self, message: Message) -> None:
        """From any thread."""
        # The loop may end between two ticks; there is nobody left to tell.
        with contextlib.suppress(RuntimeError):
            self.post_message(message)

    def post_seen(self, message: Message) -> None:
        """From any thread: of what is seen again and again, which nobody wants later."""
        if not self.is_lent:
            self.post(message)

    def draw(self) -> None:
        """The picture, on the screen that is in front."""
        screen = self.screen
        if isinstance(screen, FrameScreen):
            with self.batch_update():
                screen.show(self.frame)

    def walker(self) -> Player | None:
        """Who walks through the past, from where the picture stands."""
        frame = self.frame
        return self.picture.past.open(
            lambda frame: self.post_seen(PastReady(frame)), self._moved, frame.at, frame.rules
        )

    def _moved(self, position: Position) -> None:
        """Called on the player's thread."""
        self.post_seen(PositionChanged(position))

    @on(FrameReady)
    def _receive(self, message: FrameReady) -> None:
        self.picture.receive(message.frame)
        if self.picture.follows:
            self.draw()
        else:
            self._draw_time()

    def watch_for_news(self) -> None:
        """Say it where frames do not come any more; one that comes draws everything anyway."""
        self.set_interval(_NEWS_S, self.look_for_news)

    def look_for_news(self) -> None:
        """Whether there is any."""
        if self.picture.late_s is not None:
            self._draw_time()

    @on(PastReady)
    def _receive_past(self, message: PastReady) -> None:
        if self.picture.go_back(message.frame):
            self.draw()

    @on(PositionChanged)
    def _receive_position(self, message: PositionChanged) -> None:
        standing, self._problem = self._problem, message.position.problem
        if self._problem not in ("", standing):
            self.tell(self._problem)
        self._draw_time()

    def _draw_time(self) -> None:
        if isinstance(screen := self.screen, FrameScreen):
            screen.show_pause()

    def action_pause(self) -> None:
        """Freeze the picture, or catch up; play a recording, or stand still in it."""
        past = self.picture.past
        if past.is_recording and past.player is not None:
            walking.play_or_pause(past.player)
        elif self.picture.follows:
            self.picture.hold()
            self._draw_time()
        else:
            self.picture.resume()
            self.draw()

    def action_walk(self, seconds: int) -> None:
        """Forward or back."""
        walking.walk(self, seconds)

    def action_event(self, direction: int) -> None:
        """To where something happened."""
        walking.to_event(self, direction)

    def action_speed(self, by: int) -> None:
        """Of a recording."""
        walking.speed(self, by)

    def action_mark(self) -> None:
        """Remember this moment, or compare it with the one that was."""
        walking.mark(self)

    def action_jump(self) -> None:
        """Ask for a moment and go there."""
        from mcptop.ui.screens.jump import JumpScreen

        tape = self.picture.past.tape
        last = tape.last if tape is not None else self.picture.newest.at
        self.push_screen(JumpScreen(self.frame.at, last), partial(walking.to_time, self))

    def action_zoom(self, by: int) -> None:
        """Charts show a shorter (-1) or longer (1) time, or as much as there is, up to 15 minutes (0)."""
        self.picture.zoom(by)
        self.draw()

    def action_save_minutes(self) -> None:
        """Everything that was recorded lately, as a file for `mcptop replay`."""
        if not self.may_write():
            return
        if self.reach.past is None:
            self.tell("this is a recording already", trouble=False)
            return
        from mcptop.ui import saving

        self.errand(partial(saving.save_minutes, self.reach.past()))
