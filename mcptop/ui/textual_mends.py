"""Defects of Textual 8.2 that end the dashboard or keep it from its end, mended from outside for as long.

Its reader of the terminal raises for bytes that are not UTF-8 (a paste from elsewhere, a broken line), a list that has
no room for a single line raises for Page Down, a text that has no room for a single letter raises when it is wrapped,
and its writer dies with the terminal, so that who writes to it afterwards waits for ever.

On a machine that is slow enough keys come faster than screens. A screen that is left twice takes the one below it
along, keys reach a screen that has no widgets yet, and one that was left, or whose app ends, looks for those it had.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from textual.app import App
from textual.await_complete import AwaitComplete
from textual.content import Content
from textual.css.query import NoMatches
from textual.dom import DOMNode
from textual.drivers import linux_driver
from textual.drivers._writer_thread import WriterThread
from textual.events import Event, InputEvent, Paste
from textual.message import Message
from textual.screen import Screen
from textual.widgets import OptionList
from textual.worker import WorkerFailed, active_worker

_BEGINS_S = 5.0
"""A screen that has no widgets after so long is not waited for."""
_wrap: Callable[..., Any] = Content._wrap_and_format
_move_page: Callable[..., None] = OptionList._move_page
_dismiss: Callable[..., AwaitComplete] = Screen.dismiss
_dispatch: Callable[..., Awaitable[None]] = Screen._dispatch_message
_handle: Callable[..., None] = App._handle_exception
_on_event: Callable[..., Awaitable[None]] = App.on_event
_check_bindings: Callable[..., Awaitable[bool]] = App._check_bindings


def apply() -> None:
    """Once or often."""
    setattr(linux_driver, "getincrementaldecoder", _lenient)  # noqa: B010 - it is another module's name
    setattr(Content, "_wrap_and_format", _wrap_to_a_letter)  # noqa: B010
    setattr(OptionList, "_move_page", _move_page_or_stay)  # noqa: B010
    setattr(WriterThread, "run", _write_what_can_be)  # noqa: B010
    setattr(Screen, "dismiss", _dismiss_once)  # noqa: B010
    setattr(Screen, "_dispatch_message", _dispatch_while_there)  # noqa: B010
    setattr(App, "_handle_exception", _handle_of_those_there)  # noqa: B010
    setattr(App, "on_event", _on_event_once_begun)  # noqa: B010
    setattr(App, "_check_bindings", _check_bindings_once_begun)  # noqa: B010


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


def _dismiss_once(screen: Screen[Any], result: Any = None) -> AwaitComplete:
    """What is not on top was left already, or is not the one that is meant."""
    return _dismiss(screen, result) if screen.is_active else AwaitComplete.nothing()  # type: ignore[no-untyped-call]


async def _dispatch_while_there(screen: Screen[Any], message: Message) -> None:
    """Whoever was left has no widgets to be found."""
    try:
        await _dispatch(screen, message)
    except NoMatches:
        if not _was_left(screen.app, screen):
            raise


def _handle_of_those_there(app: App[Any], error: Exception) -> None:
    """The palette searches on, and the app takes keys until it has ended, for screens that were left."""
    worker = active_worker.get(None)
    cause = error.error if isinstance(error, WorkerFailed) else error
    if isinstance(cause, NoMatches) and _was_left(app, worker.node if worker is not None else app):
        return
    _handle(app, error)


def _was_left(app: App[Any], node: DOMNode) -> bool:
    """Whether the app ends, or shows the screen of this node no more."""
    screen = next((one for one in node.ancestors_with_self if isinstance(one, Screen)), None)
    return app._exit or (screen is not None and screen not in app.screen_stack)


async def _on_event_once_begun(app: App[Any], event: Event) -> None:
    if isinstance(event, InputEvent | Paste):
        await _begun(app)
    await _on_event(app, event)


async def _check_bindings_once_begun(app: App[Any], key: str, priority: bool = False) -> bool:
    await _begun(app)
    return await _check_bindings(app, key, priority)


async def _begun(app: App[Any]) -> None:
    """Until the screen on top has its widgets; what is typed meanwhile waits with it."""
    if app.screen_stack and not app.screen.is_mounted:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(app.screen._mounted_event.wait(), _BEGINS_S)
