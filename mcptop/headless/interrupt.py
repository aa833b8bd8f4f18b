"""Work that somebody may cut short: by Ctrl+C, SIGTERM, or a terminal that goes away."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

_STOPPING_S = 3.0


def interruptible(work: Callable[[], Any], cancel: Callable[[], None]) -> Any:
    """Do the work on a thread; the first signal asks it to come back with what it has, a second ends us."""
    outcome: list[Any] = []
    problem: list[BaseException] = []
    done = threading.Event()

    def do() -> None:
        try:
            outcome.append(work())
        except BaseException as error:
            problem.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=do, name="mcptop-diagnosis", daemon=True)

    def interrupted(number: int, frame: object) -> None:
        cancel()
        for each in before:
            signal.signal(each, signal.default_int_handler)
        # There may be no terminal any more.
        with contextlib.suppress(OSError):
            print("mcptop: coming back with what is known so far; once more to stop at once", file=sys.stderr)

    before = {each: signal.getsignal(each) for each in stops()}
    try:
        for each in before:
            signal.signal(each, interrupted)
        thread.start()
        # Not `join`: interrupted, it takes the thread for ended (bpo-45274).
        while not done.wait(0.2):
            pass
    finally:
        # Programs that still run are being stopped: what they leave behind is cleared away by whoever runs them.
        done.wait(_STOPPING_S)
        for each, handler in before.items():
            signal.signal(each, handler)
    if problem:
        raise problem[0]
    return outcome[0]


def stops() -> tuple[signal.Signals, ...]:
    """The signals that mean an end. Who was started by `nohup` goes on without its terminal."""
    stays = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return (signal.SIGINT, signal.SIGTERM) if stays else (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
