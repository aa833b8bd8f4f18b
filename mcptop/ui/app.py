"""The dashboard as an application: receives frames, holds the one that is shown, and owns theme, pause and zoom."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol, runtime_checkable

from textual import on
from textual.app import App, SystemCommand
from textual.filter import ANSIToTruecolor, Monochrome, NoColor
from textual.message import Message
from textual.screen import Screen

from mcptop.config import Settings
from mcptop.model.closeup import Closeup
from mcptop.model.frame import EMPTY, Frame
from mcptop.player import Player, Position
from mcptop.presentation.charts import WINDOWS_S, window_for
from mcptop.presentation.lens import Lens
from mcptop.presentation.when import When
from mcptop.ui import acting, arranging, diagnosing, walking
from mcptop.ui.actions import Actions
from mcptop.ui.closely import Closely
from mcptop.ui.commands import COMMANDS
from mcptop.ui.diagnoses import Diagnoses, Make
from mcptop.ui.keys import APP_KEYS
from mcptop.ui.listeners import keymap_of
from mcptop.ui.messages import (
    ActionsLooked,
    CloseupReady,
    DiagnosisEnded,
    DiagnosisProgressed,
    FrameReady,
    FrameSource,
    News,
    PastReady,
    PositionChanged,
    ShellFound,
    Switch,
)
from mcptop.ui.past import Past
from mcptop.ui.reach import NO_REACH, Reach
from mcptop.ui.screens.dashboard import Dashboard
from mcptop.ui.theme import DARK, LIGHT, Styles, styles, themes
from mcptop.ui.whom import Whom


@runtime_checkable
class Styled(Protocol):
    """A screen that paints in the app's colours."""

    def restyle(self) -> None:
        """Paint again in other colours."""


@runtime_checkable
class FrameScreen(Styled, Protocol):
    """A screen that draws frames."""

    def show(self, frame: Frame) -> None:
        """Draw this frame."""

    def show_pause(self) -> None:
        """Draw how long the picture has stood still."""


class McptopApp(App[None]):
    """Shows the frames of a monitor until the reader leaves."""

    TITLE = "mcptop"
    CSS_PATH = "mcptop.tcss"
    BINDINGS = APP_KEYS
    HORIZONTAL_BREAKPOINTS = []  # noqa: RUF012 - the panels choose by width themselves

    def __init__(
        self,
        monitor: FrameSource,
        settings: Settings | None = None,
        *,
        theme: str | None = None,
        no_color: bool = False,
        diagnosis: Make | None = None,
        reach: Reach = NO_REACH,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`diagnosis` makes what runs when a playbook was chosen; without it the real one."""
        super().__init__()
        self._monitor = monitor
        self.keymap = keymap_of(settings or Settings(), "the configuration")
        self.closely = Closely(reach.looks(self._looked) if reach.looks is not None else None)
        self.clock = clock
        """Of a diagnosis that runs: seconds."""
        self.reach = reach
        self.diagnoses = Diagnoses(settings or Settings(), self._post, diagnosis, clock)
        self.is_lent = False
        """Another program has the terminal, and nothing works off the frames: they are not kept either."""
        self.frame: Frame = EMPTY
        """The frame that is shown."""
        self._latest: Frame = EMPTY
        self._held: Frame | None = None
        """The frame the picture was stopped at; None while it follows the monitor."""
        recording = monitor if isinstance(monitor, Player) else None
        self.past = Past(recording, reach.past)
        self.actions = Actions(reach.performer, self._post, reach.allow_actions, recording is None)
        if recording is not None:
            recording.on_change = self._moved
        self.marked: Frame | None = None
        """To compare another moment with."""
        self._zoom: int | None = None
        self._switches: Sequence[Switch] = ()
        self.first_filter = ""
        """What the dashboard shows only, to begin with."""
        self.first_view = (settings or Settings()).view
        """Name of the saved view it begins with."""
        self.look: Styles = styles(DARK, False)
        self._without_colour = no_color or self.no_color
        for known in themes(self._without_colour):
            self.register_theme(known)
        if self._without_colour:
            self._drop_colours()
        else:
            # Nothing here uses the terminal's own sixteen colours, so no line has to be searched for them.
            self._filters = [kept for kept in self._filters if not isinstance(kept, ANSIToTruecolor)]
        chosen = {"dark": DARK, "light": LIGHT}.get(theme or "dark", theme)
        self.theme = chosen if chosen in (DARK, LIGHT) else DARK
        self.look = styles(self.theme, self._without_colour)

    def attach(self, switches: Sequence[Switch], project: str) -> None:
        """Show one project, and offer these switches in the palette. Before the app runs."""
        self._switches = switches
        self.first_filter = project

    def tell(self, says: str, trouble: bool = True) -> None:
        """Show a sentence for some seconds; from any thread."""
        self._post(News(says, trouble))

    def may_write(self) -> bool:
        """Whether files are written for the reader; says so where not."""
        if not self.reach.writes_files:
            self.notify("no files are written from a browser: run mcptop in a terminal", markup=False, timeout=5)
        return self.reach.writes_files

    @property
    def window_s(self) -> float:
        """How far back the charts look."""
        if self._zoom is not None:
            return float(WINDOWS_S[self._zoom])
        return window_for(self.newest.number * self.frame.interval_s)

    @property
    def zoom_s(self) -> int | None:
        """The time the reader chose for the charts, in seconds; None: nobody chose."""
        return None if self._zoom is None else WINDOWS_S[self._zoom]

    def zoom_to(self, window_s: int | None) -> None:
        """Let the charts look back so far, or the next longer time there is."""
        longer = (at for at, known_s in enumerate(WINDOWS_S) if window_s is not None and known_s >= window_s)
        self._zoom = next(longer, None)

    @property
    def lens(self) -> Lens:
        """The time the charts show: while one walks back, up to where the picture was stopped."""
        held = self._held
        if held is None or held is self.frame:
            return Lens(self.frame, self.window_s)
        return Lens(held, self.window_s, (held.at - self.frame.at).total_seconds())

    @property
    def when(self) -> When:
        """Of which time the picture is."""
        held, tape = self._held, self.past.tape
        if held is None:
            return When(self.frame.at, tape=tape)
        behind_s = (self._latest.at - self.frame.at).total_seconds()
        return When(self.frame.at, behind_s, self.frame is not held and self.past.player is not None, tape)

    @property
    def newest(self) -> Frame:
        """The last frame of the time that is shown: what happened is known up to there."""
        return self._held or self.frame

    def get_default_screen(self) -> Screen[None]:
        """The table is the first thing there is."""
        return Dashboard(self.reach.logs)

    def on_mount(self) -> None:
        """Begin to listen once there is somebody to draw."""
        self.set_keymap(self.keymap.for_textual())
        self.theme_changed_signal.subscribe(self, lambda _: self._restyle())
        self.closely.start()
        self._monitor.start(self._emit)
        if self._switches:
            self.notify("press : and type `fault` to switch faults on and off", markup=False, timeout=12)

    def on_unmount(self) -> None:
        """No frames after the end, and nobody who still looks at a target."""
        self.diagnoses.stop()
        self.actions.stop()
        self.closely.stop()
        self.past.close()
        self._monitor.stop()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the palette offers on this screen."""
        for command in COMMANDS:
            if not command.on_dashboard or isinstance(screen, Dashboard):
                yield SystemCommand(command.word, command.says, partial(self.run_action, command.action))
        if isinstance(screen, Dashboard):
            yield from arranging.commands(screen)
        yield from diagnosing.commands(self)
        for switch in self._switches:
            word = f"Switch {'off' if switch.is_on else 'on'} fault {switch.name}"
            yield SystemCommand(word, switch.says, partial(self._turn, switch))

    def _turn(self, switch: Switch) -> None:
        def turn() -> None:
            try:
                self.tell(switch.turn(), trouble=False)
            except Exception as problem:  # whatever a switch does, the dashboard goes on
                self.tell(str(problem))

        self.run_worker(turn, thread=True)

    @on(News)
    def _notify(self, news: News) -> None:
        self.notify(news.says, severity="warning" if news.trouble else "information", markup=False, timeout=8)

    @on(FrameReady)
    def _receive(self, message: FrameReady) -> None:
        self._latest = message.frame
        screen = self.screen
        if self._held is not None:
            if isinstance(screen, FrameScreen):
                screen.show_pause()
            return
        self.frame = message.frame
        self._draw()

    def _emit(self, frame: Frame) -> None:
        """Called on the monitor's thread: hand over and return."""
        self.diagnoses.hear(frame)
        if not self.is_lent:
            self._post(FrameReady(frame))

    def _looked(self, closeup: Closeup) -> None:
        """Called on the looker's thread."""
        self._post(CloseupReady(closeup))

    @on(CloseupReady)
    def _receive_closeup(self, message: CloseupReady) -> None:
        # A picture that stands still stays as it is.
        if self._held is None and self.closely.receive(message.closeup) and isinstance(self.screen, Dashboard):
            self.screen.show_closeup()

    def _post(self, message: Message) -> None:
        """From any thread."""
        # The loop may end between two ticks; there is nobody left to tell.
        with contextlib.suppress(RuntimeError):
            self.post_message(message)

    def _draw(self) -> None:
        screen = self.screen
        if isinstance(screen, FrameScreen):
            with self.batch_update():
                screen.show(self.frame)

    def _restyle(self) -> None:
        self.look = styles(self.theme, self._without_colour)
        for screen in self.screen_stack:
            if isinstance(screen, Styled):
                screen.restyle()

    def _drop_colours(self) -> None:
        """Textual turns colours to grey for NO_COLOR; without colour means none at all."""
        self._filters = [kept for kept in self._filters if not isinstance(kept, Monochrome)]
        self._filters.append(NoColor())

    def diagnose(self, whom: Whom | None) -> None:
        """Offer the playbooks for whoever is selected."""
        diagnosing.choose(self, whom)

    def action_command_log(self) -> None:
        """What was done in this session."""
        acting.show_log(self)

    @on(ActionsLooked)
    def _actions_looked(self, message: ActionsLooked) -> None:
        acting.looked(self, message)

    @on(ShellFound)
    def _shell_found(self, message: ShellFound) -> None:
        acting.shell_found(self, message)

    def action_last_report(self) -> None:
        """What the last diagnosis came to."""
        diagnosing.show_last(self)

    @on(DiagnosisProgressed)
    def _progressed(self, message: DiagnosisProgressed) -> None:
        for screen in diagnosing.screens_of(self, message.job):
            screen.progressed(message.stage)

    @on(DiagnosisEnded)
    def _ended(self, message: DiagnosisEnded) -> None:
        self.diagnoses.ended(message.job, message.finished)
        for screen in diagnosing.screens_of(self, message.job):
            screen.ended(message.finished, message.problem)

    def hold(self) -> None:
        """Let the picture stand still; a recording does so by itself."""
        if self._held is None and not self.past.is_recording:
            self._held = self.frame

    def walker(self) -> Player | None:
        """Who walks through the past, from where the picture stands."""
        return self.past.open(lambda frame: self._post(PastReady(frame)), self._moved, self.frame.at)

    def _moved(self, position: Position) -> None:
        """Called on the player's thread."""
        self._post(PositionChanged(position))

    @on(PastReady)
    def _receive_past(self, message: PastReady) -> None:
        if self._held is not None:
            self.frame = message.frame
            self._draw()

    @on(PositionChanged)
    def _receive_position(self, message: PositionChanged) -> None:
        if message.position.problem:
            self.tell(message.position.problem)
        if isinstance(screen := self.screen, FrameScreen):
            screen.show_pause()

    def action_pause(self) -> None:
        """Freeze the picture, or catch up; play a recording, or stand still in it."""
        if self.past.is_recording and self.past.player is not None:
            walking.play_or_pause(self.past.player)
            return
        if self._held is None:
            self.hold()
            if isinstance(self.screen, FrameScreen):
                self.screen.show_pause()
            return
        self.past.close()
        self._held, self.frame = None, self._latest
        self._draw()

    def action_walk(self, by: int) -> None:
        """Frames forward or back."""
        walking.walk(self, by)

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

        tape = self.past.tape
        last = tape.last if tape is not None else self.newest.at
        self.push_screen(JumpScreen(self.frame.at, last), partial(walking.to_time, self))

    def action_save_minutes(self) -> None:
        """Everything that was recorded lately, as a file for `mcptop replay`."""
        if not self.may_write():
            return
        if self.reach.past is None:
            self.tell("this is a recording already", trouble=False)
            return
        log = self.reach.past()

        def save() -> None:
            from mcptop.ui import saving

            try:
                self.tell(saving.save_minutes(log), trouble=False)
            except saving.SavingError as problem:
                self.tell(str(problem))

        self.run_worker(save, thread=True)

    def action_zoom(self, by: int) -> None:
        """Charts show a shorter (-1) or longer (1) time, or as much as there is, up to 15 minutes (0)."""
        present = WINDOWS_S.index(int(self.window_s))
        self._zoom = min(len(WINDOWS_S) - 1, max(0, present + by)) if by else None
        self._draw()

    def action_toggle_theme(self) -> None:
        """Dark or light."""
        self.theme = LIGHT if self.theme == DARK else DARK

    def action_help(self) -> None:
        """Keys, columns, symbols, filter."""
        from mcptop.ui.screens.help import HelpScreen

        self.push_screen(HelpScreen())

    def action_save_picture(self) -> None:
        """The screen as SVG, named by the time of the frame."""
        from mcptop.ui import saving

        if not self.may_write():
            return
        try:
            self.notify(saving.save_picture(self.frame.at, self.export_screenshot()), markup=False, timeout=3)
        except saving.SavingError as problem:
            self.notify(str(problem), severity="error", markup=False)

    def action_handover(self) -> None:
        """An incident report for whoever takes over, as Markdown and as HTML."""
        from mcptop.ui.handing_over import hand_over

        hand_over(self)
