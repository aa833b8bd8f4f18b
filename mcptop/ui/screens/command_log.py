"""Every command of this session, with what came of it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from mcptop.actions.command_log import CommandLog, line
from mcptop.model.frame import Frame
from mcptop.presentation import runs
from mcptop.presentation.runs import Runs
from mcptop.ui.widgets.pages import LongPage

_EMPTY = "nothing was done yet: what actions do is listed here, with the command that does the same"


class CommandLogScreen(LongPage):
    """The newest last."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,X,left,backspace", "dismiss(None)", "Back", id="log.back", tooltip="Back to where you were"),
        Binding("y", "copy", "Copy", id="log.copy", tooltip="Copy all of it as text"),
    ]
    what = "the command log"

    def __init__(self, log: CommandLog) -> None:
        super().__init__()
        self._log = log

    def show(self, frame: Frame) -> None:
        """An action may have ended since."""
        self.rebuild()

    def show_pause(self) -> None:
        """The log goes on."""
        self.rebuild()

    def title_lines(self, width: int) -> list[Runs]:
        """How many there are."""
        count = len(self._log.entries)
        says = f" {count} {'command' if count == 1 else 'commands'} "
        left: Runs = ((" mcptop ", "brand"), (" command log ", "head.strong"))
        room = max(0, width - runs.width(left) - len(says))
        return [(*runs.clip(left, width), (" " * room, "head"), (says, "head.muted"))]

    def body_lines(self, width: int) -> list[Runs]:
        """Two lines each."""
        if not self._log.entries:
            return [(), ((f" {_EMPTY}", "muted"),)]
        lines: list[Runs] = [()]
        for entry in self._log.entries:
            symbol = ("✔ ", "ok") if entry.ok else ("✖ ", "critical")
            when = (f" {entry.at:%H:%M:%S} ", "muted")
            lines.append(runs.clip((when, symbol, (entry.command, "strong")), width))
            lines.append(runs.clip(((f"{'':12}", "text"), (entry.outcome, "muted" if entry.ok else "warning")), width))
        return lines

    def copied(self) -> str:
        """As shell commands with comments."""
        return "\n".join(map(line, self._log.entries))
