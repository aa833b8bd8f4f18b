"""The pane of logs: what one service writes, from its followers on threads of their own to what one reads."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

from msgspec.structs import replace
from textual import on

from mcptop.logs.gather import Gathering
from mcptop.logs.source import LogSource
from mcptop.logs.view import View
from mcptop.model.frame import Frame, Service
from mcptop.model.instance import Instance
from mcptop.model.log import Entry, What
from mcptop.presentation.logs import Times
from mcptop.ui.diagnosis.whom import Whom
from mcptop.ui.logs import output
from mcptop.ui.logs.reading import LogReading
from mcptop.ui.logs.session import MOST_REPLICAS, WINDOWS, LogSession
from mcptop.ui.messages import LogsCame

if TYPE_CHECKING:
    from mcptop.ui.app import McptopApp

RECORDED = "a recording has no log lines: they are read from live containers and processes only"


class LogPane(LogReading):
    """The log of one service at a time, from `open` to `close`."""

    def __init__(self, source: LogSource | None, elsewhere: str = "", *, id: str | None = None) -> None:
        """`source` makes the followers; without one the pane says that it has no lines: a recording has none, and of
        services on other machines `elsewhere` says where they are."""
        super().__init__(LogSession(source, self._hear), id=id)
        self._row = ""
        """Key of the row whose log is followed."""
        self.text.empty = (elsewhere or RECORDED) if source is None else "no line yet"

    def on_unmount(self) -> None:
        """Nobody follows for a pane that is gone."""
        self.close()

    def open(self, service: Service, instances: Sequence[Instance], only_these: bool = False) -> None:
        """Follow these instances of a service and nothing else any more; see `LogSession.open`."""
        self.session.open(service, instances, only_these)
        if self.view.wanted.instance not in self.session.instances:
            self.view.wanted = replace(self.view.wanted, instance=None)
        if len(instances) > MOST_REPLICAS:
            self.tell(f"of {len(instances)} replicas the first {MOST_REPLICAS} are followed")
        self._begin()

    def turn_to(self, whom: Whom | None, frame: Frame) -> None:
        """Follow whoever the dashboard shows, from the beginning where that is somebody else; notice restarts."""
        key = whom.row if whom is not None else ""
        if whom is not None and key != self._row:
            self.open(whom.service, whom.instances, only_these=not whom.is_service)
        self._row = key
        self.show(frame)

    def leave(self) -> None:
        """Another tab is shown."""
        self._row = ""
        self.close()

    def close(self) -> None:
        """End every follower."""
        self.session.close()

    def show(self, frame: Frame) -> None:
        """Notice replicas that restarted, are new or are gone."""
        look = self.text.look
        if self.session.notice(frame):
            look = replace(look, tags=self.session.tags())
            self.show_status()
        if look.times is Times.AGO:
            look = replace(look, now=frame.at.timestamp())
        self.draw_as(look)

    def _begin(self) -> None:
        """Show a new book."""
        self.view = View(self.session.book, self.view.wanted)
        self.text.look = replace(self.text.look, tags=self.session.tags())
        self.text.use(self.view, self.session.book)
        self.show_status()

    def _hear(self, gathering: Gathering, entries: list[Entry]) -> None:
        """Called on a thread: hand over and return."""
        # The loop may have ended; there is nobody left to tell.
        with contextlib.suppress(RuntimeError):
            self.post_message(LogsCame(gathering, entries))

    @on(LogsCame)
    def _receive(self, message: LogsCame) -> None:
        if not self.session.is_present(message.gathering):
            return
        since = self.session.book.add(message.entries)
        if since is not None:
            self.view.follow(since)
        if any(entry.what is What.START for entry in message.entries):
            self.text.redraw()  # what is older is dim now
        else:
            self.text.rebuild()
        self.show_status()
        # A slow terminal makes followers skip lines, and no queue of pictures.
        self.call_after_refresh(message.gathering.ready)

    def action_replica(self) -> None:
        """All, or the next one alone."""
        instance = self.session.next_replica(self.view.wanted.instance)
        self.want(replace(self.view.wanted, instance=instance))

    def action_window(self, by: int) -> None:
        """Read again, from farther back or not so far."""
        window = max(0, min(len(WINDOWS) - 1, self.session.window + by))
        if window != self.session.window:
            self.session.window = window
            self.session.begin()
            self._begin()

    def action_save(self) -> None:
        """The lines that are shown, as a file in the current folder."""
        app = cast("McptopApp", self.app)
        if app.may_write() and (lines := list(self.view.shown)) and self.session.service is not None:
            app.errand(partial(output.save, self.session.service.name, lines, self.session.name_of))
