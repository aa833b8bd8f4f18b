"""`mcptop record`: the black box without a screen. Samples and writes, until it is stopped or there is no more room."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mcptop.alerts.rules import SHIPPED
from mcptop.exit_status import ExitStatus
from mcptop.headless.interrupt import stops
from mcptop.model.frame import Frame
from mcptop.model.rule import RuleSet
from mcptop.monitor import Monitor, Source
from mcptop.recording.writer import Writer
from mcptop.units import duration, long_size, plain


def run(
    source: Source, writer: Writer, path: Path, interval_s: float, seconds: float | None, rules: RuleSet = SHIPPED
) -> ExitStatus:
    """Record until a signal comes, or for so many `seconds`. Raises `RecordingError` when the file takes no more."""
    # What its frames say happened is marked in the file.
    monitor, status, began = Monitor(source, interval_s, writer, rules=rules), _Status(path), time.monotonic()

    def written(frame: Frame) -> None:
        took = time.monotonic() - began
        status.show(writer, took)
        if seconds is not None and took + interval_s / 2 >= seconds:
            monitor.stop_soon()

    try:
        with _signals(monitor.stop_soon):
            monitor.run(written)
    finally:
        status.clear()
        monitor.stop()
        writer.close()
    told = _told(path, writer, time.monotonic() - began)
    # There may be no terminal any more.
    with suppress(OSError):
        print(f"mcptop: {told}; `mcptop replay {plain(str(path))}` shows it", file=sys.stderr)
    return ExitStatus.OK


def _told(path: Path, writer: Writer, took_s: float) -> str:
    samples = f"{writer.samples} sample{'' if writer.samples == 1 else 's'}"
    return f"{plain(str(path))}: {samples} in {duration(took_s)}, {long_size(writer.size)}"


@contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """Whoever wants an end gets one in order."""
    before = {number: signal.getsignal(number) for number in stops()}
    for number in before:
        signal.signal(number, lambda *_: stop())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Status:
    """One line that stays where it is, on a terminal."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_terminal = sys.stderr.isatty()

    def show(self, writer: Writer, took_s: float) -> None:
        """Draw it again."""
        if self._is_terminal:
            print(f"\r\x1b[2Krecording {_told(self._path, writer, took_s)}  Ctrl+C ends it", end="", file=sys.stderr)
            sys.stderr.flush()

    def clear(self) -> None:
        """Leave nothing of it."""
        if self._is_terminal:
            print("\r\x1b[2K", end="", file=sys.stderr)
