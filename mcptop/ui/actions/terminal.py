"""A terminal that is lent to another program, and taken back in good order."""

from __future__ import annotations

import contextlib
import signal
import sys
import termios
from collections.abc import Iterator
from types import FrameType

_RESET = (
    "\x1b[!p"  # soft reset: cursor, insert mode, origin, margins, character sets, attributes
    "\x1b[?1049l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1004l\x1b[?2004l\x1b[?1l\x1b>\x1b[=0u"
    "\x0f\x1b(B\x1b[r\x1b[?6l\x1b[?7h\x1b[?25h\x1b[0m\r\n"  # and for terminals that do not know the first one
)


@contextlib.contextmanager
def lent() -> Iterator[None]:
    """Whatever is done to the terminal inside, it is as before afterwards. Ctrl+C is for whoever has it, not for us."""
    descriptor = sys.__stdin__.fileno() if sys.__stdin__ is not None else 0
    before = termios.tcgetattr(descriptor)
    # A handler and not SIG_IGN: that one would be inherited.
    handlers = {number: signal.signal(number, _nothing) for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)
        if sys.__stderr__ is not None:
            sys.__stderr__.write(_RESET)
            sys.__stderr__.flush()


def _nothing(number: int, frame: FrameType | None) -> None:
    """The signal was for the other program."""
