"""All values of a diagnosis, and where each comes from."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from mcptop.model.diagnosis import Verdict
from mcptop.presentation import evidence, running, runs
from mcptop.presentation.runs import Runs
from mcptop.ui.lines import Lines
from mcptop.ui.pages import Page, Scroll
from mcptop.ui.panels import Footer, Key
from mcptop.verdicts import words

_FOOTER: tuple[Key, ...] = (
    ("Esc", "back", "screen.dismiss"),
    ("y", "copy", "screen.copy"),
    ("?", "help", "app.help"),
    ("q", "quit", "app.quit"),
)
_COPIED = 120


class EvidenceScreen(Screen[None]):
    """One part a step."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,e,left,backspace", "dismiss(None)", "Back", id="evidence.back", tooltip="Back to the report"),
        Binding("y", "copy", "Copy", id="evidence.copy", tooltip="Copy all of it as text"),
    ]

    def __init__(self, verdict: Verdict) -> None:
        super().__init__()
        from mcptop.playbook.steps.catalogue import KINDS

        self._verdict = verdict
        self._meanings = {name: kind.emits for name, kind in KINDS.items()}

    def compose(self) -> ComposeResult:
        """Title, a long page, keys."""
        yield Page(self._title)
        with Scroll():
            yield Page(self._body)
        yield Footer()

    def on_mount(self) -> None:
        """Everything is there from the start."""
        for page in self.query(Page):
            page.rebuild()
        self.query_one(Footer).show(_FOOTER)
        self.query_one(Scroll).focus()

    def restyle(self) -> None:
        """The theme changed."""
        for panel in self.query(Lines):
            panel.restyle()

    def action_copy(self) -> None:
        """As text, through the terminal's clipboard."""
        self.app.copy_to_clipboard("\n".join(runs.text_of(line).rstrip() for line in self._body(_COPIED)))
        self.app.notify("copied the evidence", markup=False, timeout=2)

    def _title(self, width: int) -> list[Runs]:
        verdict = self._verdict
        end = (f"evidence of {len(verdict.evidence)} steps", "head.muted")
        return [running.title(verdict.playbook, words.target(verdict), end, width)]

    def _body(self, width: int) -> list[Runs]:
        return [(), *evidence.lines(self._verdict.evidence, self._meanings, width)]
