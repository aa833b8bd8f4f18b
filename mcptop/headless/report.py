"""A verdict for whoever asked: on a terminal or in a pipe, as JSON, and as files."""

from __future__ import annotations

import io
import os
import shutil
import stat
import sys
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.style import Style
from rich.text import Text

from mcptop.exit_status import ExitStatus
from mcptop.headless.pipe import STDOUT, put
from mcptop.model.diagnosis import Outcome, Verdict
from mcptop.playbook.whole import whole
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


class ReportError(Exception):
    """A report cannot be written; one line: which file, and why."""


def check_writable(markdown: Path | None, html: Path | None, bundle: Path | None, judged: Path | None = None) -> None:
    """Before a long diagnosis: whether its files will find a place, each one of its own. Raises `ReportError`.

    `judged` is a bundle that is read.
    """
    taken = {_place(judged)} if judged is not None else set()
    for path in (markdown, html, bundle):
        if path is None:
            continue
        _check_place(path)
        if _is_replaced(path):
            if (place := _place(path)) in taken:
                raise ReportError(f"{path}: cannot be written: named twice")
            taken.add(place)
    if bundle is not None and not _is_replaced(bundle):
        raise ReportError(f"{bundle}: not a file one could replace")


def _check_place(path: Path) -> None:
    folder = os.path.dirname(_place(path))
    try:
        is_folder = stat.S_ISDIR(os.stat(path).st_mode)
    except FileNotFoundError:
        is_folder = False
    except OSError as error:
        raise ReportError(f"{path}: cannot be written: {error.strerror}") from None
    if is_folder:
        raise ReportError(f"{path}: cannot be written: it is a folder")
    if not os.path.isdir(folder):
        raise ReportError(f"{path}: cannot be written: there is no folder {path.parent}")
    needed = ([path] if os.path.exists(path) else []) + ([folder] if _is_replaced(path) else [])
    if not all(os.access(each, os.W_OK) for each in needed):
        raise ReportError(f"{path}: cannot be written: not allowed")


def _place(path: Path) -> str:
    try:
        return os.path.realpath(path)
    except OSError as error:  # the current folder may be gone
        raise ReportError(f"{path}: {error.strerror}") from None


def _is_replaced(path: Path) -> bool:
    """Whether it is a file, and not what somebody else has opened: a pipe, a device, `/dev/stdout`."""
    return path.parts[:2] != ("/", "dev") and (os.path.isfile(path) or not os.path.exists(path))


def write(verdict: Verdict, markdown: Path | None, html: Path | None) -> list[str]:
    """Write the reports that are files; what went wrong, a line each."""
    wrong = []
    if markdown is not None:
        from mcptop.playbook import report_markdown

        wrong += _write(markdown, report_markdown.markdown(verdict))
    if html is not None:
        from mcptop.playbook import report_html

        wrong += _write(html, report_html.html(verdict))
    return wrong


def _write(path: Path, text: str) -> list[str]:
    try:
        if not _is_replaced(path):
            path.write_text(text, encoding="utf-8")
            return []
        mode = stat.S_IMODE(os.stat(path).st_mode) if os.path.exists(path) else 0o666
        with whole(Path(os.path.realpath(path)), mode) as file:
            file.write(text.encode())
    except OSError as error:
        return [f"{path}: cannot be written: {error.strerror}"]
    return []


def tell(verdict: Verdict, as_json: bool, wrong: Sequence[str] = ()) -> ExitStatus:
    """Print it, complain of files that could not be written, and say with which exit code to end.

    A verdict somebody waited for is shown even when its files found no place.
    """
    if as_json:
        print_json(verdict)
    else:
        width, colour = look()
        put(render(verdict, width, colour))
    for line in wrong:
        print(f"mcptop: {line}", file=sys.stderr)
    return ExitStatus.USAGE if wrong else _EXITS[verdict.status]


def print_json(document: Struct) -> None:
    """One document on one line."""
    put(msgspec.json.encode(document) + b"\n")


def console() -> Console:
    """For what is printed as it comes: nothing is folded, so that a command survives being copied."""
    return Console(file=STDOUT, highlight=False, soft_wrap=True, markup=False, emoji=False)


def look() -> tuple[int, bool]:
    """How wide to print, and whether in colour: in a pipe without."""
    is_terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size((PIPE_WIDTH, 24)).columns
    return width, is_terminal and not os.environ.get("NO_COLOR")


def render(verdict: Verdict, width: int, colour: bool) -> str:
    """The report as text, with the escape sequences of colours or without."""
    width = max(width, _NARROWEST)
    return printed(lines(verdict, width), width, colour)


def printed(found: Iterable[Runs], width: int, colour: bool) -> str:
    """Lines as text, in the terminal's own colours."""
    out = io.StringIO()
    console = Console(
        file=out, force_terminal=colour, no_color=not colour, color_system="standard" if colour else None,
        highlight=False, width=width, legacy_windows=False,
    )  # fmt: skip
    was_blank = False
    for line in found:
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
