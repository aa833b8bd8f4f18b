"""The two files of a handover in the current folder: for their owner only, and never over another file."""

from __future__ import annotations

import itertools
import os
from contextlib import suppress

from mcptop.handover.contents import Contents
from mcptop.handover.markdown import markdown
from mcptop.handover.page import html


class WritingError(Exception):
    """A file cannot be written; one line: which, and why."""


def write(contents: Contents) -> str:
    """Write both; their common name, without `.md` and `.html`. Raises `WritingError`."""
    texts = {".md": markdown(contents), ".html": html(contents)}
    name = f"mcptop-handover-{contents.at.astimezone():%Y%m%d-%H%M%S}"
    for number in itertools.count(1):
        stem = name if number == 1 else f"{name}-{number}"
        if _write_all(stem, texts):
            return stem
    raise AssertionError("there is always another number")


def _write_all(stem: str, texts: dict[str, str]) -> bool:
    """Both files or none; False where one of the names is taken."""
    written: list[str] = []
    try:
        for suffix, text in texts.items():
            path = f"{stem}{suffix}"
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            written.append(path)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
    except FileExistsError:
        _remove(written)
        return False
    except OSError as error:
        _remove(written)
        raise WritingError(f"{path}: cannot be written: {error.strerror}") from None
    return True


def _remove(paths: list[str]) -> None:
    for path in paths:
        with suppress(OSError):
            os.unlink(path)
