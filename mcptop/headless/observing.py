"""Where what advice rests on comes from: a recording, read once through, a Prometheus, or this machine for a while."""

from __future__ import annotations

import signal
import sys
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from mcptop.advice.gather import MOST_REPLICAS, Gatherer
from mcptop.advice.observed import Observed
from mcptop.headless.interrupt import stops
from mcptop.headless.snapshot import ENGINE_WAIT_S, complain
from mcptop.live import LiveSource
from mcptop.model.flow import Budget
from mcptop.model.frame import Frame
from mcptop.model.snapshot import Snapshot
from mcptop.model.value import Value
from mcptop.monitor import Monitor
from mcptop.recording.errors import RecordingError
from mcptop.recording.reader import Reader
from mcptop.server_settings import PrometheusServer
from mcptop.units import plain

_LAST_TICKS = 30
"""So much of a recording's end is played, for what only frames know: the budgets of databases."""
_TOLD_EVERY_S = 0.5


class Seen(Value, frozen=True):
    """Everything that was looked at."""

    source: str
    """In one line, for people."""
    services: tuple[Observed, ...]
    budgets: Sequence[Budget] | None = ()
    """None: nobody tells them there."""
    span: tuple[float, float] | None = None
    """Wall-clock seconds of the first look and the last."""
    looks: int = 0
    notes: tuple[str, ...] = ()
    """What is missing, for stderr."""
    is_of_server: bool = False
    """Whether a Prometheus has it."""


def recorded(path: Path) -> Seen:
    """All of a recording, however long, in little memory. Raises `RecordingError`."""
    reader = Reader(path)
    try:
        gatherer = Gatherer(reader.header.interval_s)
        last: deque[Snapshot] = deque(maxlen=_LAST_TICKS)
        lost, progress = 0, _Progress(reader.count)
        for found in reader.read(0):
            if isinstance(found, RecordingError):
                lost += 1
                continue
            gatherer.add(found)
            last.append(found)
            progress.step()
        progress.end()
        notes = (f"{lost} samples of {reader.name} cannot be read",) if lost else ()
        frame = _played(last, reader.header.interval_s)
        return _seen(gatherer, reader.name, frame.budgets if frame else (), notes)
    finally:
        reader.close()


def live(source: LiveSource, interval_s: float, seconds: float) -> Seen:
    """This machine for so many seconds, or until a signal comes."""
    gatherer, last, began = Gatherer(interval_s), None, time.monotonic()
    monitor = Monitor(source, interval_s, gatherer)
    before = {number: signal.getsignal(number) for number in stops()}

    def looked(frame: Frame) -> None:
        nonlocal last
        last = frame
        if time.monotonic() - began + interval_s / 2 >= seconds:
            monitor.stop_soon()

    for number in before:
        signal.signal(number, lambda *_: monitor.stop_soon())
    try:
        source.wait_for_engine(ENGINE_WAIT_S)
        began = time.monotonic()
        monitor.run(looked)
    finally:
        monitor.stop()
        for number, handler in before.items():
            signal.signal(number, handler)
    if last is not None:
        complain(last)
    return _seen(gatherer, "this machine", last.budgets if last is not None else ())


def asked(server: PrometheusServer, seconds: float) -> Seen:
    """The last so many seconds of the services that a Prometheus server knows.

    Raises `PrometheusError` for settings that cannot be right, `CouldNotLook` where it does not answer.
    """
    from mcptop.fleet import past
    from mcptop.playbook.subjects import CouldNotLook
    from mcptop.sources.prometheus import Prometheus, PrometheusError

    client = Prometheus(server)
    try:
        found = past.observed(client, server.match, seconds)
    except PrometheusError as error:
        raise CouldNotLook(str(error)) from None
    finally:
        client.close()
    notes = tuple(f"prometheus warns: {warning}" for warning in found.warnings)
    if not found.services:
        notes = (*notes, f"{client.place} has no figures of mcptop's exporters or of cAdvisor")
    if found.left_out:
        notes = (*notes, f"more than {MOST_REPLICAS} containers came and went: the later ones are left out")
    return Seen(f"prometheus {client.place}", found.services, None, found.span, found.looks, notes, True)


def _seen(gatherer: Gatherer, source: str, budgets: Sequence[Budget], notes: tuple[str, ...] = ()) -> Seen:
    if gatherer.left_out:
        notes = (*notes, f"more than {MOST_REPLICAS} containers came and went: the later ones are left out")
    return Seen(plain(source), gatherer.observed(), budgets, gatherer.span, gatherer.looks, notes)


class _Reel:
    """Snapshots that are there already as a monitor's source."""

    def __init__(self, snapshots: Sequence[Snapshot]) -> None:
        self._rest = deque(snapshots)

    def sample(self) -> Snapshot:
        """The next one."""
        return self._rest.popleft()

    def close(self) -> None:
        """Nothing is held."""


def _played(snapshots: Sequence[Snapshot], interval_s: float) -> Frame | None:
    monitor, frame = Monitor(_Reel(snapshots), interval_s), None
    for _ in snapshots:
        frame = monitor.step()
    return frame


class _Progress:
    """How far it is, on stderr while it is a terminal."""

    def __init__(self, count: int) -> None:
        self._count, self._done, self._told_at = count, 0, time.monotonic()
        self._is_terminal = sys.stderr.isatty()

    def step(self) -> None:
        """One more."""
        self._done += 1
        if self._is_terminal and time.monotonic() - self._told_at >= _TOLD_EVERY_S:
            self._told_at = time.monotonic()
            print(f"\r\x1b[2Kreading {self._done / self._count:.0%}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave nothing of it."""
        if self._is_terminal:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)
