"""Reading a log: the lines, the line one types a search in, the line that tells what is shown, and their keys.

Knows nothing of where the lines come from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from msgspec.structs import replace
from textual import events, on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Input

from mcptop.logs.view import View, Wanted
from mcptop.presentation import log_status
from mcptop.presentation.log_status import State
from mcptop.presentation.logs import Look, Times
from mcptop.ui.logs import output
from mcptop.ui.logs.keys import LOG_KEYS
from mcptop.ui.logs.session import WINDOWS, LogSession
from mcptop.ui.logs.text import LogStatus, LogText
from mcptop.ui.widgets.lines import keymap

if TYPE_CHECKING:
    from mcptop.ui.app import McptopApp

_NO_SEARCH = "nothing is searched for: type / and a word"


class LogReading(Widget, can_focus=True):
    """A view of the book of a session."""

    DEFAULT_CSS = """
    LogReading { width: 100%; height: 1fr; min-height: 2; layout: vertical; background: $background; }
    LogReading Input { height: 1; border: none; padding: 0 1; background: $selected; color: $text-strong; }
    """
    BINDINGS: ClassVar[list[BindingType]] = LOG_KEYS

    def __init__(self, session: LogSession, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.session = session
        self.view = View(session.book)
        self.text = LogText(self.view, session.book)
        self.status = LogStatus()
        self.line = Input(placeholder="search: a capital letter makes capitals count", compact=True)
        self.line.cursor_blink = self.line.display = False

    def compose(self) -> ComposeResult:
        """The lines, the line one types in, what is shown."""
        yield self.text
        yield self.line
        yield self.status

    def restyle(self) -> None:
        """The theme changed."""
        self.text.restyle()
        self.status.restyle()

    def draw_as(self, look: Look) -> None:
        """Draw the lines in another way."""
        if look is not self.text.look:
            self.text.look = look
            self.text.redraw()

    def want(self, wanted: Wanted) -> None:
        """See other lines; the cursor stays where it is, or near."""
        self.view.want(wanted)
        self.text.look = replace(self.text.look, words=wanted.words)
        self.text.redraw()
        self.show_status()

    @on(LogText.Moved)
    def show_status(self) -> None:
        """Tell what is shown now."""
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
                self.session.left_out,
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
        # At once, not after the next message: the letters typed behind the key belong to the line.
        self.screen.set_focus(self.line)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.want(replace(self.view.wanted, words=event.value, around=self.view.wanted.around and bool(event.value)))

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
        if not self.view.wanted.words:
            self.tell(_NO_SEARCH)
        elif entry is not None and (hit := self.view.hit_from(entry.key, by)) is not None:
            self.text.go(self.view.at(hit.key))

    def action_around(self) -> None:
        """Only the hits, or everything."""
        if self.view.wanted.words:
            self.want(replace(self.view.wanted, around=not self.view.wanted.around))
        else:
            self.tell(_NO_SEARCH)

    def action_level(self) -> None:
        """The next of the levels."""
        levels = list(log_status.LEAST)
        least = levels[(levels.index(self.view.wanted.least) + 1) % len(levels)]
        self.want(replace(self.view.wanted, least=least))

    def action_times(self) -> None:
        """The next way to show times."""
        ways, lines = list(Times), self.session.book.lines
        times = ways[(ways.index(self.text.look.times) + 1) % len(ways)]
        now = max(self.text.look.now, lines[-1].at if lines else 0.0)
        self.draw_as(replace(self.text.look, times=times, now=now))

    def action_wrap(self) -> None:
        """Wrapped or cut."""
        self.draw_as(replace(self.text.look, wrap=not self.text.look.wrap))

    def action_mark(self) -> None:
        """Begin a range at the cursor, or forget it."""
        entry = self.text.selected
        if entry is not None and self.text.mark is None:
            self.text.go(self.text.cursor)
            self.text.mark = entry.key
        else:
            self.text.mark = None
        self.text.rebuild()
        self.show_status()

    def action_copy(self) -> None:
        """The range, or the line, through the terminal's clipboard."""
        if chosen := self.text.marked:
            text, count = output.clipboard(chosen)
            some = "" if count == len(chosen) else f" of {len(chosen):,}: the clipboard takes no more"
            cast("McptopApp", self.app).copy(text, f"{count:,} line{'' if count == 1 else 's'}{some}")

    def tell(self, says: str, is_problem: bool = False) -> None:
        """A sentence that goes again."""
        self.app.notify(says, severity="error" if is_problem else "information", markup=False, timeout=4)

    def action_back(self) -> None:
        """One step back: the range, the search; then it is the dashboard's key."""
        if self.text.mark is not None:
            self.action_mark()
        elif self.line.display or self.view.wanted.words:
            self.line.value = ""
            self.line.display = False
            self.want(replace(self.view.wanted, words="", around=False))
            self.focus()
        else:
            raise SkipAction

    async def on_key(self, event: events.Key) -> None:
        """Letters typed right behind the search key belong to the search; see `SheetTable.on_key`."""
        focused = self.screen.focused
        if event.key in keymap(self).of("logs.search", ("slash",)) and focused is self:
            event.stop()
            self.action_search()
        elif focused is self.line and event.is_printable:  # the line itself lets no letter through
            event.stop()
            self.line.post_message(events.Key(event.key, event.character))
