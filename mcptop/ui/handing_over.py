"""The key that writes a handover: what is on the screen now goes to a thread, which writes the files."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from mcptop.handover.contents import Command
from mcptop.model.diagnosis import Verdict
from mcptop.model.frame import Frame
from mcptop.presentation.closeups.masks import HIDDEN

if TYPE_CHECKING:
    from mcptop.ui.app import McptopApp


def hand_over(app: McptopApp) -> None:
    """Write both files, and say where."""
    if not app.may_write():
        return
    if app.frame.number == 0:
        app.notify("nothing was seen yet: wait for the first sample", markup=False, timeout=4)
        return
    frame, verdicts = app.frame, [finished.verdict for finished in app.diagnoses.reports]
    commands = [Command(each.at, each.command, each.outcome) for each in app.actions.log.entries]
    # What somebody asked to see is for them: a picture of it is no part of a report without secrets.
    screen = app.export_screenshot() if app.closely.reveal is HIDDEN else ""
    app.errand(partial(_write, frame, verdicts, commands, screen))


def _write(frame: Frame, verdicts: Sequence[Verdict], commands: Sequence[Command], screen: str) -> str:
    from mcptop.handover import files, gather, redaction

    contents = redaction.without_secrets(gather.contents(frame, verdicts, commands, screen), frame)
    return f"saved {files.write(contents)}.md and .html"
