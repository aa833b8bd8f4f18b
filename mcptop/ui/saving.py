"""Files that the reader asked for: named by what they are about, in the current folder."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from mcptop import units
from mcptop.model.diagnosis import Verdict
from mcptop.new_files import WritingError, write_new
from mcptop.recording.log import Log

if TYPE_CHECKING:
    from mcptop.playbook.diagnosis import Finished

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def stem(verdict: Verdict) -> str:
    """`mcptop-memory-leak-mcp-worker-20260131-120411`: playbook, service, and when it began in local time."""
    at = f"{datetime.fromisoformat(verdict.started_at).astimezone():%Y%m%d-%H%M%S}"
    return "-".join(
        ["mcptop", *(_UNSAFE.sub("_", part)[:60] for part in (verdict.playbook, verdict.target.service)), at]
    )


def save_picture(at: datetime, picture: str) -> str:
    """Write the screen of that time; a sentence about that. Raises `WritingError`."""
    return f"saved {write_new(f'mcptop-{_moment(at)}', {'.svg': picture.encode(errors='replace')})}.svg"


def save_log(name: str, at: datetime, text: str) -> str:
    """Write the lines of a service's log; a sentence about that. Raises `WritingError`."""
    stem = f"mcptop-log-{_UNSAFE.sub('_', name)[:60]}-{_moment(at)}"
    return f"saved {write_new(stem, {'.txt': text.encode(errors='replace')})}.txt"


def _moment(at: datetime) -> str:
    return f"{at.astimezone():%Y%m%d-%H%M%S}"


def save_minutes(log: Log) -> str:
    """Write what was recorded lately; a sentence about that. Raises `WritingError`."""
    from mcptop.recording.copying import file_of

    if not log.count:
        raise WritingError("nothing is recorded yet")
    last = log.at(log.count - 1)
    name = write_new(f"mcptop-{_moment(last)}", {".rec": b"".join(file_of(log))})
    return f"saved the last {units.duration((last - log.at(0)).total_seconds())}: `mcptop replay {name}.rec`"


def save_report(verdict: Verdict) -> str:
    """Write it as Markdown and as HTML; a sentence about that. Raises `WritingError`."""
    from mcptop.playbook.report_html import html
    from mcptop.playbook.report_markdown import markdown

    texts = {".md": markdown(verdict).encode(errors="replace"), ".html": html(verdict).encode(errors="replace")}
    return f"saved {write_new(stem(verdict), texts)}.md and .html"


def save_bundle(finished: Finished) -> str:
    """Write everything that was seen; a sentence about that. Raises `WritingError`."""
    from mcptop.playbook import bundle

    try:
        data = bundle.packed(finished.case, finished.outputs, finished.verdict)
    except bundle.BundleError as error:
        raise WritingError(str(error)) from None
    return f"saved {write_new(stem(finished.verdict), {'.tar.gz': data})}.tar.gz: `mcptop judge` reads it"
