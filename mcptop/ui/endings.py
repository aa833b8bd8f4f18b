"""The signals that tell the dashboard to end: without a handler it would leave the terminal in its other screen."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

_ENDS = (signal.SIGTERM, signal.SIGHUP)


class Endings:
    """Who listens to them. asyncio's own handlers are not enough: what they are told is lost while many keys and sizes
    wait in its pipe."""

    def __init__(self, end: Callable[[], object]) -> None:
        """`end` is called in the loop that listens."""
        self._end = end
        self._before: dict[signal.Signals, Any] = {}

    def listen(self) -> None:
        """From the loop's thread; only the main one is told of signals."""
        if threading.current_thread() is not threading.main_thread():
            return
        loop = asyncio.get_running_loop()

        def told(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self._end)

        for number in _ENDS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
                self._before[number] = signal.signal(number, told)

    def over(self) -> None:
        """As it was before."""
        while self._before:
            signal.signal(*self._before.popitem())
