"""`mcptop judge`: the verdict again, from stored evidence alone."""

from __future__ import annotations

from pathlib import Path

from mcptop.exit_status import ExitStatus
from mcptop.headless import report
from mcptop.playbook import bundle
from mcptop.playbook.case import verdict_of


def run(path: Path, as_json: bool, markdown: Path | None, html: Path | None) -> ExitStatus:
    """Judge a bundle and report. Raises `BundleError`, `PlaybookError`, `ExpressionError` and `ReportError`."""
    report.check_writable(markdown, html, None, judged=path)
    verdict = verdict_of(bundle.read(path))
    return report.tell(verdict, as_json, report.write(verdict, markdown, html))
