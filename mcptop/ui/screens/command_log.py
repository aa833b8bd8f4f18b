"""Every command of this session, with what came of it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from mcptop.actions.command_log import CommandLog, line
from mcptop.model.frame import Frame
from mcptop.presentation import runs
from mcptop.presentation.runs import Runs
from mcptop.ui.lines import Lines
from mcptop.ui.pages import Page, Scroll
from mcptop.ui.panels import Footer, Key

_FOOTER: tuple[Key, ...] = (
    ("Esc", "back", "screen.dismiss"),
    ("y", "copy", "screen.copy"),
    ("?", "help", "app.help"),
    ("q", "quit", "app.quit"),
)
_EMPTY = "nothing was done yet: what actions do is listed here, with the command that does the same"


class CommandLogScreen(Screen[None]):
    """The newest last."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,X,left,backspace", "dismiss(None)", "Back", id="log.back", tooltip="Back to where you were"),
        Binding("y", "copy", "Copy", id="log.copy", tooltip="Copy all of it as text"),
    ]

    def __init__(self, log: CommandLog) -> None:
        super().__init__()
        self._log = log

    def compose(self) -> ComposeResult:
        """Title, a long page, keys."""
        yield Page(self._title)
        with Scroll():
            yield Page(self._body)
        yield Footer()

    def on_mount(self) -> None:
        """Draw what there is."""
        self.query_one(Footer).show(_FOOTER)
        self.query_one(Scroll).focus()
        self._rebuild()

    def show(self, frame: Frame) -> None:
        """An action may have ended since."""
        self._rebuild()

    def show_pause(self) -> None:
        """The log goes on."""
        self._rebuild()

    def restyle(self) -> None:
        """The theme changed."""
        for panel in self.query(Lines):
            panel.restyle()

    def action_copy(self) -> None:
        """As text, through the terminal's clipboard."""
        self.app.copy_to_clipboard("\n".join(map(line, self._log.entries)))
        self.app.notify("copied the command log", markup=False, timeout=2)

    def _rebuild(self) -> None:
        for page in self.query(Page):
            page.rebuild()

    def _title(self, width: int) -> list[Runs]:
        count = len(self._log.entries)
        says = f" {count} {'command' if count == 1 else 'commands'} "
        left: Runs = ((" mcptop ", "brand"), (" command log ", "head.strong"))
        room = max(0, width - runs.width(left) - len(says))
        return [(*runs.clip(left, width), (" " * room, "head"), (says, "head.muted"))]

    def _body(self, width: int) -> list[Runs]:
        if not self._log.entries:
            return [(), ((f" {_EMPTY}", "muted"),)]
        lines: list[Runs] = [()]
        for entry in self._log.entries:
            symbol = ("✔ ", "ok") if entry.ok else ("✖ ", "critical")
            when = (f" {entry.at:%H:%M:%S} ", "muted")
            lines.append(runs.clip((when, symbol, (entry.command, "strong")), width))
            lines.append(runs.clip(((f"{'':12}", "text"), (entry.outcome, "muted" if entry.ok else "warning")), width))
        return lines
