"""The loop, and the only writer: sample, rates, history, alerts, and one Frame a tick to whoever listens.

Knows nothing of screens or files: `emit` gets every frame, in the monitor's thread.
"""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable
from typing import Protocol

import msgspec

from mcptop.alerts.evaluator import Evaluator
from mcptop.alerts.rules import SHIPPED
from mcptop.assembly import Assembler
from mcptop.defects import SOURCE, Attempt, Defects, directly
from mcptop.events import EventFinder
from mcptop.history import KEPT_S, History, Until
from mcptop.host_assembly import HostAssembler, HostsAssembler
from mcptop.model.frame import EMPTY, Frame, Own
from mcptop.model.rule import RuleSet
from mcptop.model.snapshot import Snapshot

FIRST_PAUSE_S = 0.15
"""Between the first two samples: rates need two, and nobody wants to wait a whole interval for the first."""
_PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")


_SETTLED_TICKS = 5


def settle_memory() -> None:
    """Take everything that lives now out of the garbage collector's sight.

    Most of it is code and tables that stay to the end, and every full collection would walk through all of it.
    """
    gc.collect()
    gc.freeze()


class Source(Protocol):
    """Where snapshots come from: this machine, or a recording."""

    def sample(self) -> Snapshot:
        """The next snapshot."""

    def close(self) -> None:
        """Give back what is held."""


class Tape(Protocol):
    """Keeps what was sampled."""

    def add(self, snapshot: Snapshot, is_event: bool = False) -> None:
        """A tick, and whether something happened at it."""


class Monitor:
    """Samples `source` every `interval_s` seconds."""

    def __init__(
        self,
        source: Source,
        interval_s: float = 1.0,
        tape: Tape | None = None,
        *,
        frames_behind: int = 0,
        rules: RuleSet = SHIPPED,
    ) -> None:
        """Every snapshot goes to the `tape` too. Of so many `frames_behind` the series keep their full length.

        `rules`: those of the alerts.
        """
        self._source = source
        self._interval_s = interval_s
        self.tape = tape
        self._history = History(int(KEPT_S / interval_s) + 1, frames_behind)
        self._assembler = Assembler(self._history)
        self._host = HostAssembler(self._history)
        self._hosts = HostsAssembler(self._history)
        self._events = EventFinder()
        self._alerts = Evaluator(os.getpid(), rules)
        self._own = _OwnCost()
        self.defects = Defects()
        self._number = 0
        self._last = EMPTY
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._telling = threading.Lock()
        self._emit: Callable[[Frame], None] | None = None
        self._latest: Frame | None = None

    def step(self) -> Frame:
        """One tick: sample and assemble. For callers with a loop of their own; raises what any part of it raises."""
        return self._tick(directly)

    def _tick(self, attempt: Attempt) -> Frame:
        started = time.monotonic()
        snapshot = attempt(None, self._source.sample)
        self._number += 1
        if snapshot is None:
            self._last = self._without_sample(started)
            return self._last
        before, self._last = self._last, self._frame(snapshot, started, attempt)
        if self.tape is not None:
            attempt(None, self.tape.add, snapshot, _is_event(self._last, before))
        return self._last

    def _frame(self, snapshot: Snapshot, started: float, attempt: Attempt) -> Frame:
        last = self._last
        self._history.begin(snapshot.at.timestamp())
        host = attempt(last.host, self._host.host, snapshot)
        hosts = attempt(last.hosts, self._hosts.hosts, snapshot) if snapshot.hosts else ()
        services = attempt(last.services, self._assembler.services, snapshot)
        budgets = attempt(last.budgets, self._assembler.budgets, services)
        sources = (*snapshot.sources, *self.defects.report())
        events = attempt(last.events, self._events.look, services, sources, snapshot.at)
        frame = Frame(
            number=self._number,
            at=snapshot.at,
            host=host,
            sources=sources,
            services=services,
            budgets=budgets,
            alerts=last.alerts,
            own=self._own.since(started),
            interval_s=self._interval_s,
            engine=snapshot.engine,
            banner=snapshot.banner,
            series=Until(self._history),
            events=events,
            nodes=snapshot.swarm.nodes if snapshot.swarm is not None else (),
            rules=self._alerts.rules,
            monotonic=snapshot.monotonic,
            hosts=hosts,
        )
        alerts = attempt(last.alerts, self._alerts.alerts, frame)
        return msgspec.structs.replace(frame, alerts=alerts, pending=self._alerts.pending)

    def _without_sample(self, started: float) -> Frame:
        """The last frame again, of its own time, with the reason."""
        kept = tuple(source for source in self._last.sources if source.name != SOURCE)
        sources = (*kept, *self.defects.report())
        own = self._own.since(started)
        return msgspec.structs.replace(
            self._last, number=self._number, sources=sources, own=own, interval_s=self._interval_s
        )

    def begin(self) -> None:
        """Sample in a thread of its own until `stop`. Frames before `start` are kept for the history only."""
        self._thread = threading.Thread(target=self.run, args=(self._tell,), name="mcptop-monitor", daemon=True)
        self._thread.start()

    def start(self, emit: Callable[[Frame], None]) -> None:
        """Give every frame from now on to `emit`, in the monitor's thread; the newest that is there at once."""
        with self._telling:
            self._emit = emit
            if self._latest is not None:
                emit(self._latest)
        if self._thread is None:
            self.begin()

    def _tell(self, frame: Frame) -> None:
        with self._telling:
            self._latest = frame
            if self._emit is not None:
                self.defects.attempt(None, self._emit, frame)

    def run(self, emit: Callable[[Frame], None]) -> None:
        """Sample in this thread until `stop_soon` or `stop` is called. Ends for what `emit` raises, not for a part."""
        due = time.monotonic()
        while not self._stop.is_set():
            emit(self._tick(self.defects.attempt))
            if self._number == _SETTLED_TICKS:
                settle_memory()
            due += FIRST_PAUSE_S if self._number == 1 else self._interval_s
            # After a suspended laptop or a stall there is nothing to catch up with.
            due = max(due, time.monotonic() + 0.01)
            self._stop.wait(due - time.monotonic())

    def stop_soon(self) -> None:
        """Let `run` return after the tick it is in. Safe in a signal handler."""
        self._stop.set()

    def stop(self) -> None:
        """End the loop and close the source."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout=3.0)
        self._source.close()


def _is_event(frame: Frame, before: Frame) -> bool:
    """Whether something happened, or an alert began to fire, in this very tick."""
    if frame.events and frame.events[-1].at == frame.at:
        return True
    if frame.alerts is before.alerts:
        return False
    known = {(alert.rule, alert.subject) for alert in before.alerts}
    return any((alert.rule, alert.subject) not in known for alert in frame.alerts)


class _OwnCost:
    """What mcptop itself uses, all its threads together."""

    def __init__(self) -> None:
        self._cpu_s = time.process_time()
        self._at = time.monotonic()

    def since(self, tick_started: float) -> Own:
        now, cpu_s = time.monotonic(), time.process_time()
        elapsed = now - self._at
        used = (cpu_s - self._cpu_s) / elapsed if elapsed > 0 else None
        self._cpu_s, self._at = cpu_s, now
        return Own(cpu_ratio=used, rss_bytes=_resident_bytes(), tick_s=now - tick_started)


def _resident_bytes() -> int | None:
    try:
        with open("/proc/self/statm", "rb", buffering=0) as file:
            return int(file.read().split()[1]) * _PAGE_SIZE
    except (OSError, IndexError, ValueError):
        return None
