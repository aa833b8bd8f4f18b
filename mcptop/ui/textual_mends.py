"""Four defects of Textual 8.2 that end the dashboard or keep it from its end, mended from outside for as long.

Its reader of the terminal raises for bytes that are not UTF-8 (a paste from elsewhere, a broken line), a list that has
no room for a single line raises for Page Down, a text that has no room for a single letter raises when it is wrapped,
and its writer dies with the terminal, so that who writes to it afterwards waits for ever.
"""

from __future__ import annotations

import codecs
import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any

from textual.content import Content
from textual.drivers import linux_driver
from textual.drivers._writer_thread import WriterThread
from textual.widgets import OptionList

_wrap: Callable[..., Any] = Content._wrap_and_format
_move_page: Callable[..., None] = OptionList._move_page


def apply() -> None:
    """Once or often."""
    setattr(linux_driver, "getincrementaldecoder", _lenient)  # noqa: B010 - it is another module's name
    setattr(Content, "_wrap_and_format", _wrap_to_a_letter)  # noqa: B010
    setattr(OptionList, "_move_page", _move_page_or_stay)  # noqa: B010
    setattr(WriterThread, "run", _write_what_can_be)  # noqa: B010


def _lenient(encoding: str) -> Callable[[], codecs.IncrementalDecoder]:
    """A decoder that replaces what makes no sense."""
    return partial(codecs.getincrementaldecoder(encoding), errors="replace")


def _wrap_to_a_letter(content: Content, width: int, *more: Any, **other: Any) -> Any:
    return _wrap(content, max(1, width), *more, **other)


def _move_page_or_stay(options: OptionList, direction: Any) -> None:
    with contextlib.suppress(KeyError, IndexError):
        _move_page(options, direction)


def _write_what_can_be(thread: WriterThread) -> None:
    """Empties its queue to the end even when the terminal is gone: who puts into a full one waits for ever."""
    queue, file = thread._queue, thread._file
    while (text := queue.get()) is not None:
        with contextlib.suppress(OSError):
            file.write(text)
            if queue.empty():
                file.flush()
    with contextlib.suppress(OSError):
        file.flush()
