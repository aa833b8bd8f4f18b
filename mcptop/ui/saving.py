"""Files that the reader asked for: named by what they are about, in the current folder."""

from __future__ import annotations

import itertools
import os
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mcptop import units
from mcptop.model.diagnosis import Verdict
from mcptop.recording.log import Log

if TYPE_CHECKING:
    from mcptop.playbook.diagnosis import Finished

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class SavingError(Exception):
    """A file cannot be written; one line: which, and why."""


def stem(verdict: Verdict) -> str:
    """`mcptop-memory-leak-mcp-worker-20260131-120411`: playbook, service, and when it began in local time."""
    at = f"{datetime.fromisoformat(verdict.started_at).astimezone():%Y%m%d-%H%M%S}"
    return "-".join(
        ["mcptop", *(_UNSAFE.sub("_", part)[:60] for part in (verdict.playbook, verdict.target.service)), at]
    )


def save_picture(at: datetime, picture: str) -> str:
    """Write the screen of that time; a sentence about that. Raises `SavingError`."""
    return f"saved {_write_new(f'mcptop-{_moment(at)}', '.svg', picture)}"


def save_log(name: str, at: datetime, text: str) -> str:
    """Write the lines of a service's log, for its owner only; a sentence about that. Raises `SavingError`."""
    stem = f"mcptop-log-{_UNSAFE.sub('_', name)[:60]}-{_moment(at)}"
    return f"saved {_write_new(stem, '.txt', text, 0o600)}"


def _moment(at: datetime) -> str:
    return f"{at.astimezone():%Y%m%d-%H%M%S}"


def _write_new(stem: str, suffix: str, text: str, mode: int = 0o666) -> Path:
    """Write a file under a name that is free: of a moment that stands still there may be several."""
    for number in itertools.count(1):
        path = Path(f"{stem}{'' if number == 1 else f'-{number}'}{suffix}")
        try:
            with open(path, "x", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, mode)) as file:
                file.write(text)
        except FileExistsError:
            continue
        except OSError as error:
            raise SavingError(f"{path}: cannot be written: {error.strerror}") from None
        return path
    raise AssertionError("there is always another number")


def save_minutes(log: Log) -> str:
    """Write what was recorded lately; a sentence about that. Takes a second or two. Raises `SavingError`."""
    from mcptop.recording.errors import RecordingError
    from mcptop.recording.writer import Writer

    if not log.count:
        raise SavingError("nothing is recorded yet")
    path = Path(f"mcptop-{log.at(log.count - 1).astimezone():%Y%m%d-%H%M%S}.rec")
    try:
        writer = Writer(path, log.header.interval_s)
        try:
            for snapshot in log.snapshots(0):
                writer.add(snapshot)
        finally:
            writer.close()
    except RecordingError as error:
        raise SavingError(str(error)) from None
    span = units.duration((log.at(log.count - 1) - log.at(0)).total_seconds())
    return f"saved the last {span}: `mcptop replay {path}`"


def save_report(verdict: Verdict) -> str:
    """Write it as Markdown and as HTML; a sentence about that. Raises `SavingError`."""
    from mcptop.playbook.report_html import html
    from mcptop.playbook.report_markdown import markdown

    name = stem(verdict)
    for suffix, text in ((".md", markdown(verdict)), (".html", html(verdict))):
        path = Path(f"{name}{suffix}")
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise SavingError(f"{path}: cannot be written: {error.strerror}") from None
    return f"saved {name}.md and .html"


def save_bundle(finished: Finished) -> str:
    """Write everything that was seen; a sentence about that. Raises `SavingError`."""
    from mcptop.playbook import bundle

    path = Path(f"{stem(finished.verdict)}.tar.gz")
    try:
        bundle.write(path, finished.case, finished.outputs, finished.verdict)
    except bundle.BundleError as error:
        raise SavingError(str(error)) from None
    except OSError as error:  # the current folder may be gone
        raise SavingError(f"{path}: cannot be written: {error.strerror}") from None
    return f"saved {path}: `mcptop judge` reads it"
