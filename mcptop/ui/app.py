"""The dashboard as an application: receives frames, holds the one that is shown, and owns theme, pause and zoom."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol, runtime_checkable

from textual import on
from textual.app import SystemCommand
from textual.filter import ANSIToTruecolor, Monochrome, NoColor
from textual.notifications import SeverityLevel
from textual.screen import Screen

from mcptop.alert_settings import Notify
from mcptop.config import Settings
from mcptop.model.closeup import Closeup
from mcptop.model.frame import Frame
from mcptop.player import Player
from mcptop.ui import arranging, textual_mends
from mcptop.ui.actions import acting
from mcptop.ui.actions.running import Actions
from mcptop.ui.closely import Closely
from mcptop.ui.diagnosis import diagnosing
from mcptop.ui.diagnosis.running import Diagnoses, Make
from mcptop.ui.diagnosis.whom import Whom
from mcptop.ui.endings import Endings
from mcptop.ui.keys.bindings import APP_KEYS
from mcptop.ui.keys.listeners import keymap_of
from mcptop.ui.keys.palette import COMMANDS
from mcptop.ui.messages import (
    ActionsLooked,
    CloseupReady,
    DiagnosisEnded,
    DiagnosisProgressed,
    FrameReady,
    FrameSource,
    News,
    Noticed,
    Switch,
)
from mcptop.ui.moments.timed import Timed
from mcptop.ui.noticing import Noticing, speak
from mcptop.ui.reach import NO_REACH, Reach
from mcptop.ui.screens.dashboard import Dashboard
from mcptop.ui.theme import DARK, LIGHT, Styles, styles, themes
from mcptop.units import plain

_MOST_NOTICES = 6


@runtime_checkable
class Styled(Protocol):
    """A screen that paints in the app's colours."""

    def restyle(self) -> None:
        """Paint again in other colours."""


class McptopApp(Timed):
    """Shows the frames of a monitor until the reader leaves."""

    TITLE = "mcptop"
    CSS_PATH = "mcptop.tcss"
    BINDINGS = APP_KEYS
    ALLOW_SELECT = False
    """The terminal selects with Shift; Textual's own way ends the app where a widget goes meanwhile."""
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
        textual_mends.apply()
        recording = monitor if isinstance(monitor, Player) else None
        super().__init__(recording, reach, clock)
        self._monitor = monitor
        self.keymap = keymap_of(settings or Settings(), "the configuration")
        self._endings = Endings(self.exit)
        self.closely = Closely(reach.looks(self._looked) if reach.looks is not None else None)
        self.clock = clock
        """Seconds: of a diagnosis that runs, and of frames that do not come."""
        self._said: dict[str, float] = {}
        """Notices that stand on the screen, and until when."""
        # Of a recording nothing is news, and a visitor's browser is not the machine's owner.
        told_of = recording is None and not reach.in_browser
        self._notify_by = (settings or Settings()).notify if told_of else Notify()
        self._noticing = Noticing(self._notify_by, self.post)
        self.diagnoses = Diagnoses(settings or Settings(), self.post, diagnosis, clock)
        self.actions = Actions(reach.performer, self.post, reach.may_act, recording is None, elsewhere=reach.elsewhere)
        self._switches: Sequence[Switch] = ()
        self.first_filter = ""
        """What the dashboard shows only, to begin with."""
        self.first_view = (settings or Settings()).view
        """Name of the saved view it begins with."""
        self._without_colour = no_color or self.no_color
        self.look: Styles = styles(DARK, self._without_colour)
        self._begin_colours(theme)

    def _begin_colours(self, theme: str | None) -> None:
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

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a sentence, made harmless whoever said it; it is never markup. One that still stands is not repeated."""
        now, stands_s = self.clock(), timeout or self.NOTIFICATION_TIMEOUT
        self._said = {text: until for text, until in self._said.items() if until > now}
        is_room = len(self._said) < _MOST_NOTICES or severity != "information"
        if message not in self._said and is_room:
            self._said[message] = now + stands_s
            super().notify(plain(message, 1000), title=title, severity=severity, timeout=timeout, markup=False)

    def get_default_screen(self) -> Screen[None]:
        """The table is the first thing there is."""
        return Dashboard(self.reach.logs, self.reach.elsewhere)

    def on_mount(self) -> None:
        """Begin to listen once there is somebody to draw."""
        self._endings.listen()
        self.set_keymap(self.keymap.for_textual())
        self.theme_changed_signal.subscribe(self, lambda _: self._restyle())
        self.closely.start()
        self._monitor.start(self._emit)
        self.watch_for_news()
        if self._switches:
            self.notify("press : and type `fault` to switch faults on and off", markup=False, timeout=12)

    def on_unmount(self) -> None:
        """No frames after the end, and nobody who still looks at a target."""
        self._endings.over()
        self.diagnoses.stop()
        self.actions.stop()
        self.closely.stop()
        self.picture.past.close()
        self._monitor.stop()
        self._noticing.stop()

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
            # Whatever a switch raises says what is wrong.
            yield SystemCommand(word, switch.says, partial(self.errand, switch.turn, Exception))

    @on(News)
    def _notify(self, news: News) -> None:
        self.notify(news.says, severity="warning" if news.trouble else "information", markup=False, timeout=8)

    @on(Noticed)
    def _speak(self, message: Noticed) -> None:
        speak(self, self._notify_by, message.text)

    def _emit(self, frame: Frame) -> None:
        """Called on the monitor's thread: hand over and return."""
        self.diagnoses.hear(frame)
        self._noticing.hear(frame)
        self.post_seen(FrameReady(frame))

    def _looked(self, closeup: Closeup) -> None:
        """Called on the looker's thread."""
        self.post_seen(CloseupReady(closeup))

    @on(CloseupReady)
    def _receive_closeup(self, message: CloseupReady) -> None:
        # A picture that stands still stays as it is.
        if self.picture.follows and self.closely.receive(message.closeup) and isinstance(self.screen, Dashboard):
            self.screen.show_closeup()

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

    def action_toggle_theme(self) -> None:
        """Dark or light."""
        self.theme = LIGHT if self.theme == DARK else DARK

    def action_help(self) -> None:
        """Keys, columns, symbols, filter."""
        from mcptop.ui.screens.help import HelpScreen

        self.push_screen(HelpScreen(self.screen))

    def action_save_picture(self) -> None:
        """The screen as SVG, named by the time of the frame."""
        from mcptop.ui import saving

        if self.may_write():
            self.errand(partial(saving.save_picture, self.frame.at, self.export_screenshot()))

    def action_handover(self) -> None:
        """An incident report for whoever takes over, as Markdown and as HTML."""
        from mcptop.ui.handing_over import hand_over

        hand_over(self)
