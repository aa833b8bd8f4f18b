"""All values of a diagnosis, and where each comes from."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from mcptop.model.diagnosis import Verdict
from mcptop.presentation import evidence, running
from mcptop.presentation.runs import Runs
from mcptop.ui.widgets.pages import LongPage
from mcptop.verdicts import words


class EvidenceScreen(LongPage):
    """One part a step."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,e,left,backspace", "dismiss(None)", "Back", id="evidence.back", tooltip="Back to the report"),
        Binding("y", "copy", "Copy", id="evidence.copy", tooltip="Copy all of it as text"),
    ]
    what = "the evidence"

    def __init__(self, verdict: Verdict) -> None:
        super().__init__()
        from mcptop.playbook.steps.catalogue import KINDS

        self._verdict = verdict
        self._meanings = {name: kind.emits for name, kind in KINDS.items()}

    def title_lines(self, width: int) -> list[Runs]:
        """What they are of."""
        verdict = self._verdict
        end = (f"evidence of {len(verdict.evidence)} steps", "head.muted")
        return [running.title(verdict.playbook, words.target(verdict), end, width)]

    def body_lines(self, width: int) -> list[Runs]:
        """All of it."""
        return [(), *evidence.lines(self._verdict.evidence, self._meanings, width)]
