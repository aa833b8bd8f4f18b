"""Lines of logs that leave the screen: to the clipboard, to a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from mcptop.model.log import Entry
from mcptop.presentation import logs
from mcptop.ui import saving

_CLIPBOARD = 64 << 10
"""Characters: many terminals take no more at once."""


def clipboard(entries: Sequence[Entry]) -> tuple[str, int]:
    """The first of these lines, as many as a clipboard takes, and how many those are; at least one."""
    text, count = "", 0
    for entry in entries:
        line = logs.whole(entry) + "\n"
        if count and len(text) + len(line) > _CLIPBOARD:
            break
        text, count = text + line, count + 1
    return text.removesuffix("\n"), count


def save(service: str, entries: Sequence[Entry], name_of: Callable[[str], str]) -> str:
    """Write these lines to a new file, named by the last one; a sentence about that. Raises `WritingError`."""
    text = "".join(f"{name_of(entry.instance)} {logs.whole(entry)}\n" for entry in entries)
    return saving.save_log(service, datetime.fromtimestamp(entries[-1].at).astimezone(), text)
