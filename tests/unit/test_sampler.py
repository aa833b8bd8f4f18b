"""One tick with collectors that work, have nothing, fail, have a defect or hang."""

import threading
from collections.abc import Iterator

import pytest

from mcptop.collectors.base import Findings, NoData, SourceError, Tick
from mcptop.model.frame import Status
from mcptop.model.snapshot import Reading
from mcptop.sampler import Sampler


class Scripted:
    """A collector that does what it is told."""

    def __init__(self, name: str, *outcomes: Findings | Exception | threading.Event, deadline_s: float = 5.0) -> None:
        self.name = name
        self.deadline_s = deadline_s
        self.outcomes = list(outcomes)
        self.closed = threading.Event()

    def collect(self, tick: Tick) -> Findings:
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, threading.Event):
            outcome.wait()
            return Findings(readings={"late": Reading(read_at=tick.monotonic)})
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def close(self) -> None:
        self.closed.set()


@pytest.fixture
def release() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def test_each_source_reports_how_it_did() -> None:
    sampler = Sampler(
        [
            Scripted("good", Findings(readings={"a": Reading(read_at=1.0)}, message="1 thing")),
            Scripted("none", NoData("no such thing here")),
            Scripted("bad", SourceError("no permission on /x: run as root")),
            Scripted("defect", ValueError("\x1b[31moops")),
        ]
    )
    snapshot = sampler.sample()
    sampler.close()
    assert [report.status for report in snapshot.sources] == [Status.OK, Status.NO_DATA, Status.ERROR, Status.ERROR]
    assert [report.message for report in snapshot.sources] == [
        "1 thing",
        "no such thing here",
        "no permission on /x: run as root",
        "defect in mcptop: ValueError:  [31moops",
    ]
    assert all(report.duration_s >= 0 for report in snapshot.sources)
    assert set(snapshot.readings) == {"a"}


def test_who_hangs_after_a_failure_is_told_with_it(release: threading.Event) -> None:
    sampler = Sampler([Scripted("stuck", SourceError("no complete answer in 10 s"), release, deadline_s=0.05)])
    said = [sampler.sample().sources[0].message for _ in range(2)]
    assert said == ["no complete answer in 10 s", "no complete answer in 10 s; asked again 0 s ago"]
    release.set()
    sampler.close()


def test_a_collector_that_hangs_takes_nothing_else_with_it(release: threading.Event) -> None:
    stuck = Scripted("stuck", Findings(readings={"b": Reading(read_at=1.0)}), release, deadline_s=0.05)
    sampler = Sampler([stuck, Scripted("good", Findings(readings={"a": Reading(read_at=1.0)}))])
    first, late, still = sampler.sample(), sampler.sample(), sampler.sample()
    assert [r.status for r in first.sources] == [Status.OK, Status.OK]
    assert [r.status for r in late.sources] == [Status.ERROR, Status.OK]
    assert late.sources[0].message.startswith("no answer for")
    # Its last findings stay, marked as old; the others are fresh.
    assert set(still.readings) == {"a", "b"}
    assert set(still.stale) == {"b"}
    release.set()
    while sampler.sample().sources[0].status is not Status.OK:
        pass
    assert not sampler.sample().stale
    sampler.close()


def test_closing_ends_every_collector() -> None:
    collectors = [Scripted("a", Findings()), Scripted("b", NoData("x"))]
    sampler = Sampler(collectors)
    sampler.sample()
    sampler.close()
    assert all(collector.closed.wait(5) for collector in collectors)
