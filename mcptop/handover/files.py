"""The two files of a handover in the current folder."""

from __future__ import annotations

from mcptop.handover.contents import Contents
from mcptop.handover.markdown import markdown
from mcptop.handover.page import html
from mcptop.new_files import write_new


def write(contents: Contents) -> str:
    """Write both; their common name, without `.md` and `.html`. Raises `WritingError`."""
    texts = {".md": markdown(contents).encode(), ".html": html(contents).encode()}
    return write_new(f"mcptop-handover-{contents.at.astimezone():%Y%m%d-%H%M%S}", texts)
