"""The pane of logs: what one service writes, followed, searched, filtered, saved.

Owns what the reader asked for; the lines come from followers on threads of their own, by messages.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from msgspec.structs import replace
from textual import events, on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Input

from mcptop.logs.gather import Gathering
from mcptop.logs.source import LogSource
from mcptop.logs.view import View, Wanted
from mcptop.model.frame import Frame, Service
from mcptop.model.instance import Instance
from mcptop.model.log import Entry, What
from mcptop.presentation import log_status
from mcptop.presentation.log_status import State
from mcptop.presentation.logs import Look, Times
from mcptop.ui import log_output
from mcptop.ui.log_keys import LOG_KEYS
from mcptop.ui.log_session import WINDOWS, LogSession
from mcptop.ui.log_text import LogStatus, LogText
from mcptop.ui.messages import LogsCame
from mcptop.ui.whom import Whom

RECORDED = "a recording has no log lines: they are read from live containers and processes only"


class LogPane(Widget, can_focus=True):
    """The log of one service at a time, from `open` to `close`."""

    DEFAULT_CSS = """
    LogPane { width: 100%; height: 1fr; min-height: 2; layout: vertical; background: $background; }
    LogPane Input { height: 1; border: none; padding: 0 1; background: $selected; color: $text-strong; }
    """
    BINDINGS: ClassVar[list[BindingType]] = LOG_KEYS

    def __init__(self, source: LogSource | None, *, id: str | None = None) -> None:
        """`source` makes the followers; without one it is a recording, and the pane says that it has no lines."""
        super().__init__(id=id)
        self._row = ""
        """Key of the row whose log is followed."""
        self.session = LogSession(source, self._hear)
        self.view = View(self.session.book)
        self.text = LogText(self.view, self.session.book)
        self.text.empty = RECORDED if source is None else "no line yet"
        self.status = LogStatus()
        self.line = Input(placeholder="search: a capital letter makes capitals count", compact=True)
        self.line.cursor_blink = self.line.display = False

    def compose(self) -> ComposeResult:
        """The lines, the line one types in, what is shown."""
        yield self.text
        yield self.line
        yield self.status

    def on_unmount(self) -> None:
        """Nobody follows for a pane that is gone."""
        self.close()

    def open(self, service: Service, instances: Sequence[Instance]) -> None:
        """Follow these instances of a service, and nothing else any more."""
        self.session.open(service, instances)
        if self.view.wanted.instance not in self.session.instances:
            self.view.wanted = replace(self.view.wanted, instance=None)
        self._begin()

    def turn_to(self, whom: Whom | None, frame: Frame) -> None:
        """Follow whoever the dashboard shows, from the beginning where that is somebody else; notice restarts."""
        key = whom.row if whom is not None else ""
        if whom is not None and key != self._row:
            self.open(whom.service, whom.instances)
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
        """Notice replicas that restarted or are new."""
        look = self.text.look
        if self.session.notice(frame):
            look = replace(look, tags=self.session.tags())
        if look.times is Times.AGO:
            look = replace(look, now=frame.at.timestamp())
        self._draw_as(look)

    def restyle(self) -> None:
        """The theme changed."""
        self.text.restyle()
        self.status.restyle()

    def _begin(self) -> None:
        """Show a new book."""
        self.view = View(self.session.book, self.view.wanted)
        self.text.look = replace(self.text.look, tags=self.session.tags())
        self.text.use(self.view, self.session.book)
        self._show_status()

    def _draw_as(self, look: Look) -> None:
        if look is not self.text.look:
            self.text.look = look
            self.text.redraw()

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
        self._show_status()
        # A slow terminal makes followers skip lines, and no queue of pictures.
        self.call_after_refresh(message.gathering.ready)

    def _want(self, wanted: Wanted) -> None:
        """See other lines; the cursor stays where it is, or near."""
        self.view.want(wanted)
        self.text.look = replace(self.text.look, words=wanted.words)
        self.text.redraw()
        self._show_status()

    @on(LogText.Moved)
    def _show_status(self) -> None:
        view, book, wanted, text = self.view, self.session.book, self.view.wanted, self.text
        selected = text.selected
        self.status.show(
            State(
                text.follows,
                text.cursor + 1 if view.shown else 0,
                len(view.shown),
                len(book.lines),
                book.skipped,
                book.uncounted,
                WINDOWS[self.session.window][0],
                wanted.least,
                None if wanted.instance is None else self.session.name_of(wanted.instance),
                wanted.words,
                view.hit_number(selected.key) if selected is not None else None,
                len(view.hits),
                len(text.marked) if text.mark is not None else 0,
            )
        )

    @on(LogText.Opened)
    def action_open(self) -> None:
        """The whole line, with all that belongs to it."""
        if (entry := self.text.selected) is not None:
            from mcptop.ui.screens.log_line import LogLineScreen

            name = self.session.name_of(entry.instance)
            self.app.push_screen(LogLineScreen(name, self.session.book.group(entry) or [entry]))

    def action_move(self, by: int) -> None:
        """Some lines down or up."""
        self.text.move(by)

    def action_page(self, direction: int) -> None:
        """One page down or up."""
        self.text.page(direction)

    def action_first(self) -> None:
        """The oldest line."""
        self.text.go(0)

    def action_follow(self) -> None:
        """Stay at the newest line."""
        self.text.follow()

    def action_search(self) -> None:
        """Type what to search for; it works at every letter."""
        self.line.display = True
        self.line.focus()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._want(replace(self.view.wanted, words=event.value, around=self.view.wanted.around and bool(event.value)))

    @on(Input.Submitted)
    def _searched(self, event: Input.Submitted) -> None:
        event.stop()
        self.line.display = False
        self.focus()
        if (entry := self.text.selected) is not None and self.view.hit_number(entry.key) is None:
            self.action_hit(-1)

    def action_hit(self, by: int) -> None:
        """The next hit, or the one before."""
        entry = self.text.selected
        if entry is not None and (hit := self.view.hit_from(entry.key, by)) is not None:
            self.text.go(self.view.at(hit.key))

    def action_around(self) -> None:
        """Only the hits, or everything."""
        if self.view.wanted.words:
            self._want(replace(self.view.wanted, around=not self.view.wanted.around))

    def action_level(self) -> None:
        """The next of the levels."""
        levels = list(log_status.LEAST)
        least = levels[(levels.index(self.view.wanted.least) + 1) % len(levels)]
        self._want(replace(self.view.wanted, least=least))

    def action_replica(self) -> None:
        """All, or the next one alone."""
        instance = self.session.next_replica(self.view.wanted.instance)
        self._want(replace(self.view.wanted, instance=instance))

    def action_window(self, by: int) -> None:
        """Read again, from farther back or not so far."""
        window = max(0, min(len(WINDOWS) - 1, self.session.window + by))
        if window != self.session.window:
            self.session.window = window
            self.session.begin()
            self._begin()

    def action_times(self) -> None:
        """The next way to show times."""
        ways, lines = list(Times), self.session.book.lines
        times = ways[(ways.index(self.text.look.times) + 1) % len(ways)]
        now = max(self.text.look.now, lines[-1].at if lines else 0.0)
        self._draw_as(replace(self.text.look, times=times, now=now))

    def action_wrap(self) -> None:
        """Wrapped or cut."""
        self._draw_as(replace(self.text.look, wrap=not self.text.look.wrap))

    def action_mark(self) -> None:
        """Begin a range at the cursor, or forget it."""
        entry = self.text.selected
        if entry is not None and self.text.mark is None:
            self.text.go(self.text.cursor)
            self.text.mark = entry.key
        else:
            self.text.mark = None
        self.text.rebuild()
        self._show_status()

    def action_copy(self) -> None:
        """The range, or the line, through the terminal's clipboard."""
        if chosen := self.text.marked:
            text, count = log_output.clipboard(chosen)
            self.app.copy_to_clipboard(text)
            some = "" if count == len(chosen) else f" of {len(chosen):,}: the clipboard takes no more"
            self._tell(f"copied {count:,} line{'' if count == 1 else 's'}{some}")

    def action_save(self) -> None:
        """The lines that are shown, as a file in the current folder."""
        if (lines := list(self.view.shown)) and self.session.service is not None:
            save = partial(log_output.save, self.session.service.name, lines, self.session.name_of)
            self.run_worker(lambda: self.app.call_from_thread(self._tell, *save()), thread=True)

    def _tell(self, says: str, is_problem: bool = False) -> None:
        self.app.notify(says, severity="error" if is_problem else "information", markup=False, timeout=4)

    def action_back(self) -> None:
        """One step back: the range, the search; then it is the dashboard's key."""
        if self.text.mark is not None:
            self.action_mark()
        elif self.line.display or self.view.wanted.words:
            self.line.value = ""
            self.line.display = False
            self._want(replace(self.view.wanted, words="", around=False))
            self.focus()
        else:
            raise SkipAction

    async def on_key(self, event: events.Key) -> None:
        """Letters typed right behind the search key belong to the search; see `SheetTable.on_key`."""
        focused = self.screen.focused
        if event.key == "slash" and focused is self:
            event.stop()
            self.action_search()
        elif focused is self.line and event.is_printable and not self.line.has_focus:
            event.stop()
            self.line.post_message(events.Key(event.key, event.character))
