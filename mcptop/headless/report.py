"""A verdict for whoever asked: on a terminal or in a pipe, as JSON, and as files."""

from __future__ import annotations

import io
import os
import shutil
import sys
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import msgspec
from rich.console import Console
from rich.style import Style
from rich.text import Text

from mcptop.exit_status import ExitStatus
from mcptop.model.diagnosis import Outcome, Verdict
from mcptop.presentation.runs import Runs
from mcptop.presentation.verdict import lines

PIPE_WIDTH = 120
_NARROWEST = 40
_EXITS = {
    Outcome.HEALTHY: ExitStatus.OK,
    Outcome.PROBLEM: ExitStatus.PROBLEM,
    Outcome.WARNING: ExitStatus.WARNING,
    Outcome.INCONCLUSIVE: ExitStatus.INCONCLUSIVE,
}
_COLOURS = {"critical": "red", "warning": "yellow", "ok": "green", "accent": "cyan", "cpu": "cyan", "memory": "cyan",
            "group": "cyan", "disk": "magenta"}  # fmt: skip
_BOLD, _DIM = ("strong", "group", "critical"), ("dim", "faint", "muted")


def exit_status(outcome: Outcome) -> ExitStatus:
    """The exit code of an outcome."""
    return _EXITS[outcome]


class ReportError(Exception):
    """A report cannot be written; one line: which file, and why."""


class Files(NamedTuple):
    """Where to write reports besides."""

    markdown: Path | None = None
    html: Path | None = None


def tell(verdict: Verdict, as_json: bool, files: Files) -> ExitStatus:
    """Report it in every way asked for; its exit code. Raises `ReportError`."""
    write(verdict, files)
    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode(verdict) + b"\n")
        sys.stdout.flush()
    else:
        show(verdict)
    return exit_status(verdict.status)


def write(verdict: Verdict, files: Files) -> None:
    """Write the reports that are files. Raises `ReportError`."""
    if files.markdown is not None:
        from mcptop.playbook.report_markdown import markdown

        _write(files.markdown, markdown(verdict))
    if files.html is not None:
        from mcptop.playbook.report_html import html

        _write(files.html, html(verdict))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ReportError(f"{path}: cannot be written: {error.strerror}") from None


def show(verdict: Verdict) -> None:
    """Print it, as wide as the terminal is; in a pipe without colour."""
    is_terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size((PIPE_WIDTH, 24)).columns
    print(render(verdict, width, is_terminal and not os.environ.get("NO_COLOR")), end="")


def render(verdict: Verdict, width: int, colour: bool) -> str:
    """The report as text, with the escape sequences of colours or without."""
    out = io.StringIO()
    console = Console(
        file=out, force_terminal=colour, no_color=not colour, color_system="standard" if colour else None,
        highlight=False, width=max(width, _NARROWEST), legacy_windows=False,
    )  # fmt: skip
    was_blank = False
    for line in lines(verdict, console.width):
        text = _text(line)
        # Without its raised ground an empty line of the verdict's block is one too many.
        if text.plain or not was_blank:
            console.print(text, soft_wrap=True)
        was_blank = not text.plain
    return out.getvalue()


def _text(line: Runs) -> Text:
    """The line without the spaces at its end: here they are no ground, and in a pipe they are a nuisance."""
    text = Text(no_wrap=True)
    for part, name in line:
        text.append(part, style_of(name))
    text.rstrip()
    return text


@lru_cache(maxsize=256)
def style_of(name: str) -> Style:
    """A style name of `presentation` in the sixteen colours that every terminal has chosen for its own ground."""
    parts = name.split(".")
    tone = next((part for part in parts if part in _COLOURS), None)
    is_badge = parts[0] in ("badge", "brand")
    return Style(
        color=_COLOURS[tone] if tone else "cyan" if parts[0] == "brand" else None,
        bold=is_badge or any(part in _BOLD for part in parts) or None,
        dim=(any(part in _DIM for part in parts) and not is_badge) or None,
        reverse=is_badge or None,
    )
