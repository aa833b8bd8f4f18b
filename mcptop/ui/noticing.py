"""Notices of the dashboard: what begins to fire while it runs is told to whoever the settings name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.app import App
from textual.message import Message

from mcptop.alert_settings import Notify
from mcptop.alerts.transitions import Event, Transitions
from mcptop.model.frame import Frame, SourceReport, Status
from mcptop.ui.messages import News, Noticed

if TYPE_CHECKING:
    from mcptop.notices.notice import Notice

_FIRST_FRAMES = 3
"""What stands when somebody opens the dashboard is seen by them, and no news; from when containers are known on."""
_MOST_FRAMES = 30
"""An engine that does not answer by then may never."""
_GRACE_S = 1.0


class Noticing:
    """Hears every frame, on the thread that makes them; a slow terminal loses none."""

    def __init__(self, notify: Notify, post: Callable[[Message], None]) -> None:
        """`post` puts a message into the app's queue, from any thread. Raises `ConfigError`."""
        self._post = post
        self._frames = self._whole = 0
        """All, and those with the engines' containers."""
        self._stood: set[tuple[str, str]] = set()
        """Rule and subject of what held when it was opened, whether it fired by then or not, and holds since."""
        self._office = None
        if notify != Notify():
            from mcptop.notices.office import office_of

            self._transitions = Transitions()
            self._office = office_of(notify, self)

    def hear(self, frame: Frame) -> None:
        """Tell what is news in it. Does not wait."""
        if self._office is None:
            return
        is_first = self._is_first(frame)
        if is_first or self._stood:
            holds = {(alert.rule, alert.subject) for alert in (*frame.alerts, *frame.pending)}
            self._stood = holds if is_first else self._stood & holds
        for change in self._transitions.see(frame.alerts, frame.at):
            # That it fires now is no news; that it is worse than then is.
            is_old = change.event is Event.FIRING and (change.alert.rule, change.alert.subject) in self._stood
            if not is_first and not is_old:
                self._office.tell(change)
        self._office.catch_up(frame.alerts, frame.at)
        for complaint in self._office.complaints():
            self._post(News(complaint, trouble=True))

    def _is_first(self, frame: Frame) -> bool:
        self._frames += 1
        self._whole += not any(_is_connecting(source) for source in frame.sources)
        return self._whole <= _FIRST_FRAMES and self._frames <= _MOST_FRAMES

    def tell(self, notice: Notice) -> None:
        """What the terminal is to say, the app's own thread says."""
        self._post(Noticed(notice.text))

    def stop(self) -> None:
        """What is under way has a moment to come to its end."""
        if self._office is not None:
            self._office.close(_GRACE_S)


def _is_connecting(source: SourceReport) -> bool:
    """Whether an engine has not answered yet; one that is not there is an error."""
    return source.status is Status.NO_DATA and source.name.partition(" ")[0] == "docker"


def speak(app: App[None], notify: Notify, text: str) -> None:
    """By the terminal, through Textual's driver as the clipboard is."""
    from mcptop.notices.terminal import desktop

    driver = app._driver
    if notify.osc9 and driver is not None and not app.is_headless:
        driver.write(desktop(f"mcptop: {text}"))
    if notify.bell:
        app.bell()
