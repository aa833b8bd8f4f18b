"""One tick: every collector once, each within its deadline, and their findings as one Snapshot.

Each collector has a thread of its own, but they run one after the other: reading kernel files in parallel
only costs (the interpreter lock), while a reader that hangs (a dead mount, a stuck daemon) must not take
the rest with it. A late collector is reported as late, its last findings stay, and it is asked again once
it has returned.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from mcptop.collectors.base import Collector, Findings, NoData, SourceError, Tick
from mcptop.model.flow_reading import FlowReading
from mcptop.model.frame import SourceReport, Status
from mcptop.model.snapshot import Snapshot
from mcptop.units import plain


class _Outcome(NamedTuple):
    status: Status
    findings: Findings | None
    message: str
    duration_s: float


class _Runner:
    """Runs one collector in its own thread, on request."""

    def __init__(self, collector: Collector) -> None:
        self.collector = collector
        self.findings = Findings()
        self._found_at = time.monotonic()
        self._requests: queue.SimpleQueue[Tick | None] = queue.SimpleQueue()
        self._outcomes: queue.SimpleQueue[_Outcome] = queue.SimpleQueue()
        self._asked_at: float | None = None
        self._failed = ""
        """What was wrong with its last answer; empty: nothing."""
        self._thread = threading.Thread(target=self._run, name=f"mcptop-{collector.name}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while (tick := self._requests.get()) is not None:
            self._outcomes.put(_collect(self.collector, tick))
        self.collector.close()

    def collect(self, tick: Tick) -> SourceReport:
        """Findings within the deadline, or a report of why not. Findings stay in `findings`."""
        late = self._asked_at is not None
        if not late:
            self._asked_at = time.monotonic()
            self._requests.put(tick)
        try:
            # A collector that is still busy with an earlier tick is not waited for a second time.
            outcome = self._outcomes.get(block=not late, timeout=None if late else self.collector.deadline_s)
        except queue.Empty:
            waiting = time.monotonic() - (self._asked_at or 0.0)
            self._mark_stale()
            says = f"no answer for {waiting:.0f} s"
            if self._failed:
                says = f"{self._failed}; asked again {waiting:.0f} s ago"
            return SourceReport(self.collector.name, Status.ERROR, says, waiting)
        self._asked_at = None
        self._failed = plain(outcome.message) if outcome.status is Status.ERROR else ""
        if outcome.findings is not None:
            self.findings = outcome.findings
            self._found_at = tick.monotonic
        else:
            self._mark_stale()
        return SourceReport(self.collector.name, outcome.status, plain(outcome.message), outcome.duration_s)

    def _mark_stale(self) -> None:
        self.findings.stale = dict.fromkeys(self.findings.readings, self._found_at)

    def stop(self) -> None:
        """Let the thread close its collector and end. One that hangs ends with the process."""
        self._requests.put(None)
        if self._asked_at is None:
            self._thread.join(timeout=1.0)


def _collect(collector: Collector, tick: Tick) -> _Outcome:
    start = time.monotonic()
    try:
        findings = collector.collect(tick)
    except NoData as nothing:
        return _Outcome(Status.NO_DATA, Findings(), str(nothing), time.monotonic() - start)
    except SourceError as error:
        return _Outcome(Status.ERROR, error.instead, str(error), time.monotonic() - start)
    except Exception as error:
        # A defect in one collector must not blind the rest; it is on screen and in JSON, where it will be seen.
        message = f"defect in mcptop: {type(error).__name__}: {error}"
        return _Outcome(Status.ERROR, None, message, time.monotonic() - start)
    return _Outcome(Status.OK, findings, findings.message, time.monotonic() - start)


class Sampler:
    """Runs the collectors in their order. `now` is the wall clock, for tests to replace."""

    def __init__(
        self, collectors: Iterable[Collector], now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._runners = [_Runner(collector) for collector in collectors]
        self._now = now
        self._tick = 0

    def sample(self) -> Snapshot:
        """One look at everything. Never raises for what a source did."""
        self._tick += 1
        tick = Tick(self._tick, time.monotonic())
        reports = []
        for runner in self._runners:
            reports.append(runner.collect(tick))
            tick = tick._replace(targets=tick.targets + runner.findings.targets)
        return _merge([runner.findings for runner in self._runners], tuple(reports), self._now(), tick.monotonic)

    def close(self) -> None:
        """End all threads and close what the collectors hold."""
        for runner in self._runners:
            runner.stop()


def _merge(found: list[Findings], reports: tuple[SourceReport, ...], at: datetime, monotonic: float) -> Snapshot:
    return Snapshot(
        at=at,
        monotonic=monotonic,
        host=next((f.host for f in found if f.host is not None), None),
        targets=tuple(target for f in found for target in f.targets),
        readings={key: value for f in found for key, value in f.readings.items()},
        sockets={key: value for f in found for key, value in f.sockets.items()},
        files={key: value for f in found for key, value in f.files.items()},
        sources=reports,
        stale={key: value for f in found for key, value in f.stale.items()},
        engine=next((f.engine for f in found if f.engine is not None), None),
        banner=next((f.banner for f in found if f.banner is not None), None),
        flows=_flows(found),
        endpoints=next((f.endpoints for f in found if f.endpoints), {}),
        host_sockets=next((f.host_sockets for f in found if f.host_sockets is not None), None),
        swarm=next((f.swarm for f in found if f.swarm is not None), None),
    )


def _flows(found: list[Findings]) -> dict[str, tuple[FlowReading, ...]]:
    flows: dict[str, tuple[FlowReading, ...]] = {}
    for findings in found:
        for key, reading in findings.flows.items():
            flows[key] = (*flows.get(key, ()), reading)
    return flows
