"""`mcptop handover`: one look, written down for whoever takes over; the dashboard's `H` without its history."""

from __future__ import annotations

from mcptop.alerts.rules import SHIPPED
from mcptop.config import Settings
from mcptop.exit_status import ExitStatus
from mcptop.handover import files, gather, redaction
from mcptop.handover.contents import Contents
from mcptop.headless.pipe import put
from mcptop.headless.report import ReportError
from mcptop.headless.snapshot import complain, look, status_of
from mcptop.model.rule import RuleSet
from mcptop.new_files import WritingError
from mcptop.presentation.judgement import Level
from mcptop.presentation.pending import with_pending
from mcptop.source_choice import source_of

_EXITS = {Level.CRITICAL: ExitStatus.PROBLEM, Level.WARNING: ExitStatus.WARNING}


def run(settings: Settings, rules: RuleSet = SHIPPED) -> ExitStatus:
    """Look, write both files and print their names. Raises `ReportError`."""
    source = source_of(settings)
    try:
        frame = with_pending(look(source, settings.interval, rules))
    finally:
        source.close()
    complain(frame)
    contents = redaction.without_secrets(gather.contents(frame), frame)
    try:
        stem = files.write(contents)
    except WritingError as problem:
        raise ReportError(str(problem)) from None
    put(f"{stem}.md\n{stem}.html\n")
    return status_of(frame) or _found(contents)


def _found(contents: Contents) -> ExitStatus:
    worst = max((each.level for each in contents.problems), default=Level.OK)
    return _EXITS.get(worst, ExitStatus.OK)
